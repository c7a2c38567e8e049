"""What one pair says: scaling, clipping, masks, errors; what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell.detector import Amplifier, Box, Detector
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError, UnitError
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.noise import Noise
from fullwell.photon_transfer import GaussianFlats, measure_curves

GAIN = 1.5


def flats(mean=20_000.0, *, seed=0, shape=(200, 200), drift=0.0, structure=0.0, read_noise=5.0):
    """A pair without brighter-fatter: shot noise, read noise, fixed pattern, a lamp that drifts."""
    random = np.random.default_rng(seed)
    response = 1 + structure * np.random.default_rng(99).standard_normal(shape)
    return tuple(
        Frame(
            ((random.poisson(mean * f * response) + random.normal(0, read_noise, shape)) / GAIN).astype(
                np.float32
            ),
            applied=("bias",),
            exposure_time=1.0,
        )
        for f in (1 + drift / 2, 1 - drift / 2)
    )


def one(pair, **options):
    (curve,) = measure_curves([pair], **options)
    return curve


def expected(mean, read_noise=5.0):
    return (mean + read_noise**2) / GAIN**2


@pytest.mark.parametrize("drift", [0.0, 0.04])
def test_fixed_pattern_and_drift_drop_out(drift):
    curve = one(flats(drift=drift, structure=0.05, shape=(400, 400)), lags=3)

    assert curve.mean[0] == pytest.approx(20_000 / GAIN, rel=1e-3)
    # 1.6e5 pixels: 0.35 %; 4 sigma and e^2 = 4e-4. Neighbors 0.0025 V.
    assert curve.variance[0] == pytest.approx(expected(20_000), rel=0.0145)
    assert np.abs(curve.covariance[0].ravel()[1:]).max() < 4.5 * 0.0025 * curve.variance[0]


@pytest.mark.parametrize("clip", [2.5, 3.0, 5.5])
def test_clipping_does_not_bias_variance_or_covariances(clip):
    # Strong correlations, small noise: what clipping takes away must come back.
    a = np.array([[-3e-6, 1e-6], [0.4e-6, 0.05e-6]])
    model = GaussianFlats(a, 0 * a, 1.5, 5.0, shape=(300, 300))
    truth = model.covariances(50_000)[0]
    pairs = [model.pair(50_000.0, noise=Noise(7, k)) for k in range(30)]

    (curve,) = measure_curves(pairs, lags=2, clip=clip)

    counts = curve.counts.sum(axis=0)
    error = truth[0, 0] / np.sqrt(counts)
    error[0, 0] *= np.sqrt(2)
    # 2.7e6 pixels: variance 0.09 %; 4 sigma, false alarm 3e-4 for four lags.
    assert (np.abs(curve.covariance.mean(axis=0) - truth) < 4 * error).all()


def test_cosmic_rays_are_clipped_and_flagged_pixels_left_out():
    first, second = flats()
    first.data[30, :40] += 20_000
    first.data[60, :] = np.nan
    second.flags[70:80] = int(Flags.COSMIC_RAY)
    second.data[70:80] = 0
    first.data[90] *= 1.5
    first.flags[90] = int(Flags.INTERPOLATED)

    curve = one((first, second), lags=2)

    assert curve.used.all()
    assert curve.counts[0, 0, 0] == pytest.approx(40_000 - 12 * 200 - 40, abs=3)
    assert curve.variance[0] == pytest.approx(expected(20_000), rel=0.03)


def test_pairs_without_light_are_not_scaled():
    curve = one(flats(0.0), lags=2)

    assert curve.used.all()
    assert curve.variance[0] == pytest.approx(expected(0), rel=0.03)


def test_the_error_of_every_covariance_is_that_of_many_pairs():
    model = GaussianFlats.like_lsst(lags=4)
    (curve,) = measure_curves((model.pair(50_000.0, noise=Noise(8, k)) for k in range(400)), lags=3)
    truth = model.covariances(50_000)[0, :3, :3]

    error = truth[0, 0] / np.sqrt(curve.counts[0])
    error[0, 0] *= np.sqrt(2)
    pull = (curve.covariance - truth) / error

    # 400 pairs: mean 0.05, scatter 3.5 %; 4 sigma, false alarm 1e-3 for all 18.
    assert np.abs(pull.mean(axis=0)).max() < 0.2
    assert np.abs(pull.std(axis=0) - 1).max() < 0.145


def test_points_that_are_of_no_use_say_why():
    dim, bright = flats(drift=0.2)
    full, other = flats(seed=1)
    full.flags[:3] |= int(Flags.SATURATED)
    few, rest = flats(seed=2)
    few.flags[:, :199] |= int(Flags.BAD)

    (curve,) = measure_curves([(dim, bright), (full, other), (few, rest), flats(seed=3)], lags=2)

    assert curve.used.tolist() == [True, False, False, False]
    reasons = sorted(curve.reasons)
    assert reasons[0] == ""
    assert "saturated" in reasons[1]
    assert "200 good pixels" in reasons[2]
    assert "differ by more than 5 %" in reasons[3]


def test_each_amplifier_has_its_curve():
    boxes = [Box(0, 80, 0, 200), Box(80, 200, 0, 200)]
    amplifiers = [Amplifier(n, box=b, data=b, raw=b) for n, b in zip("LR", boxes, strict=True)]
    detector = Detector("two", (200, 200), (200, 200), amplifiers)
    pair = flats()
    for frame in pair:
        frame.data[:, 80:] *= 2

    left, right = measure_curves([pair], detector=detector, lags=3)

    assert (left.amplifier, right.amplifier) == ("L", "R")
    assert right.mean[0] == pytest.approx(2 * left.mean[0], rel=0.01)
    assert left.counts[0].tolist()[1][0] == 79 * 200
    assert right.variance[0] == pytest.approx(4 * expected(20_000), rel=0.04)


def test_frames_that_are_not_what_they_have_to_be_are_refused():
    first, second = flats()
    with pytest.raises(UnitError, match="on frames in ADU"):
        one((first.with_(unit=u.electron), second))
    for late in ("dark", "flat", "brighter_fatter"):
        with pytest.raises(ChainError, match=f"had {late} taken out"):
            one((first, second.with_(applied=("bias", late))))
    with pytest.raises(ChainError, match="bias in"):
        one((first.with_(applied=()), second))
    assert one((first.data, second.data), bias_subtracted=True, lags=2).used.all()
    with pytest.raises(FrameError, match="different shape"):
        one((first, second.with_(data=second.data[:50], flags=second.flags[:50])))
    with pytest.raises(FrameError, match="trim them first"):
        one((first, second), detector=Detector.single((100, 100)))
    for lags in (0, 201):
        with pytest.raises(ParameterError, match="lags"):
            one((first, second), lags=lags)
    with pytest.raises(ParameterError, match="clip"):
        one((first, second), clip=1.0)
    with pytest.raises(NotEnoughFrames):
        measure_curves([])
