"""Flagged pixels from their neighbors, and cosmic rays counted and replaced."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullwell import Bias, CosmicRays, FrameSet, Gain, ReadNoise, ShotNoise, SignalChain
from fullwell.detector import Detector
from fullwell.effects.interpolation import interpolated
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame
from fullwell.noise import Noise

DETECTOR = attrs.evolve(Detector.single((400, 500), gain=1.5, read_noise=8.0), pixel_size=9.0)


@given(st.integers(0, 1000), st.sampled_from([3, 5, 7]))
def test_a_replaced_pixel_is_the_median_of_its_good_neighbors(seed, size):
    random = np.random.default_rng(seed)
    data = random.normal(100, 5, (20, 25)).astype(np.float32)
    flags = np.where(random.random(data.shape) < 0.2, FLAG_DTYPE.type(Flags.BAD), FLAG_DTYPE.type(0))
    flags[3, 4] |= FLAG_DTYPE.type(Flags.COSMIC_RAY)
    frame = Frame(data, flags=flags, variance=np.full(data.shape, 25, np.float32))
    result = interpolated(frame, planes=Flags.COSMIC_RAY, size=size)
    reach = size // 2
    part = np.s_[max(3 - reach, 0) : 4 + reach, max(4 - reach, 0) : 5 + reach]
    good = data[part][flags[part] == 0]
    if good.size:
        assert result.data[3, 4] == pytest.approx(np.median(good))
        assert result.flags[3, 4] & Flags.INTERPOLATED
        factor = np.pi / 2 if good.size > 2 else 1
        assert result.variance[3, 4] == pytest.approx(25 * factor / good.size)
    assert result.flags[3, 4] & Flags.COSMIC_RAY
    others = np.ones(data.shape, bool)
    others[3, 4] = False
    np.testing.assert_array_equal(result.data[others], data[others])


def test_a_pixel_without_good_neighbors_stays():
    frame = Frame(np.full((9, 9), 3.0), flags=np.full((9, 9), Flags.BAD, FLAG_DTYPE))
    result = interpolated(frame, planes=Flags.BAD)
    assert (result.flags == Flags.BAD).all()
    assert (result.data == 3).all()
    with pytest.raises(ParameterError, match="size"):
        interpolated(frame, planes=Flags.BAD, size=4)


def chain(rate, **more):
    return SignalChain(
        [CosmicRays(rate, **more), ShotNoise(), ReadNoise(8.0), Gain(1.5), Bias(1000.0)], detector=DETECTOR
    )


def test_hits_are_counted():
    true = chain(20.0)
    darks = [true.expose(None, 600.0, noise=Noise(3, i)) for i in range(4)]
    known = true.without("cosmic_rays")
    found = CosmicRays.measure(FrameSet([dark.frame for dark in darks]), known=known)
    count = sum(dark.truth["cosmic_ray_count"] for dark in darks)
    # The hits themselves are the truth here, not their mean: a few overlap or leave too little.
    area = 400 * 500 * (9e-4) ** 2
    assert found.rate * area * 40 == pytest.approx(count, rel=0.05)
    assert found.rate_error == pytest.approx(found.rate / np.sqrt(found.rate * area * 40), rel=1e-6)
    assert abs(found.rate - 20) < 5 * found.rate_error + 1


def test_hits_are_replaced_when_that_is_wished():
    exposure = chain(50.0).expose(np.full(DETECTOR.shape, 1.0), 600.0, noise=Noise(3))
    kept = chain(50.0).correct(exposure.frame)
    gone = chain(50.0, replace=True).correct(exposure.frame)
    hit = kept.flags & Flags.COSMIC_RAY != 0
    assert hit.sum() > 100
    np.testing.assert_array_equal(gone.flags & Flags.COSMIC_RAY != 0, hit)
    assert (gone.flags[hit] & Flags.INTERPOLATED != 0).mean() > 0.99
    assert kept.data[hit].mean() > 1000
    assert gone.data[hit].mean() == pytest.approx(600, abs=10)


def test_hits_need_an_area_and_a_time():
    with pytest.raises(NotEnoughFrames):
        CosmicRays.measure(FrameSet([]))
    bare = Frame(np.zeros((30, 30), np.float32), variance=np.ones((30, 30), np.float32), exposure_time=5.0)
    with pytest.raises(ChainError, match="size of the pixels"):
        CosmicRays.measure(FrameSet([bare]))
