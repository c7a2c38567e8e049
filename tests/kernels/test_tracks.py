from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.kernels import tracks
from fullwell.kernels.random_reference import log
from fullwell.noise import Noise


def draws(seed, exposure=0):
    stream = Noise(seed, exposure).stream("cosmic_rays")
    return lambda n, draw: stream.uniform(n, draw=draw)


def make(shape=(400, 400), *, seed=1, exposure=0, rate=2.0, exposure_time=600.0, depth_um=15.0):
    return tracks.make_tracks(
        shape,
        uniform=draws(seed, exposure),
        rate=rate,
        exposure_time=exposure_time,
        pixel_size_um=9.0,
        depth_um=depth_um,
    )


@settings(max_examples=50, deadline=None)
@given(y=st.floats(2, 7), x=st.floats(2, 7), width=st.floats(0.05, 1), charge=st.floats(1, 1e5))
def test_charge_and_its_center_are_kept(y, x, width, charge):
    one = np.array([charge])
    image = tracks.render_points((10, 10), y=np.array([y]), x=np.array([x]), charge=one, width=width)
    assert image.sum() == pytest.approx(charge, rel=1e-5)
    rows, columns = np.indices(image.shape)
    # Within a pixel the center is quantized: it moves only while the square straddles an edge.
    assert (image * rows).sum() / charge == pytest.approx(y, abs=0.5 + 1e-4)
    assert (image * columns).sum() / charge == pytest.approx(x, abs=0.5 + 1e-4)


def test_a_full_square_is_bilinear():
    one = np.array([100.0])
    image = tracks.render_points((4, 4), y=np.array([1.25]), x=np.array([2.0]), charge=one, width=1)
    assert image[1, 2] == pytest.approx(75)
    assert image[2, 2] == pytest.approx(25)
    assert image.sum() == pytest.approx(100)


def test_charge_outside_is_lost_without_wrapping():
    image = tracks.render_points(
        (4, 4), y=np.array([-0.5]), x=np.array([3.5]), charge=np.array([100.0]), width=1
    )
    assert image[0, 3] == pytest.approx(25)
    assert image.sum() == pytest.approx(25)


def test_number_of_hits():
    # 200 exposures of 2.592 hits each: 5 sigma, false alarm 6e-7.
    expected = 2 * (400 * 9e-4) ** 2 * 10
    counts = [make(exposure=i)[2] for i in range(200)]
    assert np.mean(counts) == pytest.approx(expected, abs=5 * np.sqrt(expected / 200))
    assert np.var(counts) == pytest.approx(expected, rel=5 * np.sqrt(2 / 200) + 0.1)


def test_charge_of_a_hit():
    """Mean path is 4/3 of the depth under cos^3 per solid angle; 76 + 4.9 * 1.27 e-/um over it."""
    image, mask, count = make((2000, 2000), rate=20, exposure_time=600)
    path = 15 * 4 / 3
    per_um = tracks.CHARGE_PER_UM + tracks.SPREAD_PER_UM * 1.2704
    assert image.sum() / count == pytest.approx(path * per_um, rel=0.05)  # 648 hits, rms of the path 0.5
    assert (image == np.floor(image)).all()
    np.testing.assert_array_equal(mask, image > 0)
    assert 1 < mask.sum() / count < 20


def test_moyal_moments():
    u = Noise(3).stream("moyal").uniform(10**6)
    m = tracks._moyal(u)
    assert m.mean() == pytest.approx(1.270362845, abs=5 * np.pi / np.sqrt(2) / 1000)  # 5 sigma
    assert m.var() == pytest.approx(np.pi**2 / 2, rel=0.02)


def test_no_hits():
    image, mask, count = make(rate=0)
    assert count == 0
    assert not image.any()
    assert not mask.any()


def test_logarithm():
    a = np.exp(np.linspace(-80, 80, 100001)).astype(np.float32)
    assert np.abs(log(a) - np.log(a.astype(float))).max() < 1e-5
    near = np.linspace(0.9, 1.1, 10001).astype(np.float32)
    assert np.abs(log(near) - np.log(near.astype(float))).max() < 3e-8


def test_frozen():
    image, _, count = make(seed=42)
    assert (count, hashlib.sha256(image.astype("<f4").tobytes()).hexdigest()[:16]) == FROZEN


FROZEN = (3, "0ea21ed6076589b9")
