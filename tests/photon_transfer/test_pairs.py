from __future__ import annotations

import warnings

import numpy as np
import pytest

from fullwell.detector import Box
from fullwell.errors import FrameError, FullwellWarning, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.photon_transfer import PairGain, gain_from_pair, pair_numbers

GAIN, NOISE, BIAS = 1.7, 8.0, 1000.0


def four(*, seed=0, shape=(120, 100), levels=(30_000.0, 30_000.0), dtype=np.float64, structure=0.0):
    """Two flats and two biases of a camera with a gain of 1.7 e-/ADU and 8 e- of read noise."""
    random = np.random.default_rng(seed)
    response = 1 + structure * random.standard_normal(shape)
    frames = [
        BIAS + (random.poisson(level * response) + random.normal(0, NOISE, shape)) / GAIN
        for level in (*levels, 0, 0)
    ]
    return [
        np.round(f).astype(dtype) if np.issubdtype(dtype, np.integer) else f.astype(dtype) for f in frames
    ]


def textbook(f1, f2, b1, b2):
    f1, f2, b1, b2 = (a.astype(np.float64) for a in (f1, f2, b1, b2))
    gain = (f1.mean() + f2.mean() - b1.mean() - b2.mean()) / (np.var(f1 - f2) - np.var(b1 - b2))
    return gain, gain * np.std(b1 - b2) / np.sqrt(2)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64, ">u2"])
@pytest.mark.parametrize("levels", [(30_000, 30_000), (30_000, 29_900)])
def test_it_is_the_textbook_formula_digit_for_digit(dtype, levels):
    frames = four(dtype=np.uint16 if dtype == ">u2" else dtype, levels=levels)
    frames = [frame.astype(dtype) for frame in frames]

    measured = gain_from_pair(*frames, rescale=False, clip=None)

    assert (measured.gain, measured.read_noise) == textbook(*frames)
    assert type(measured.gain) is float


@pytest.mark.parametrize("region", [Box(10, 60, 20, 90), "[11:60,21:90]"])
def test_a_region_is_the_same_as_cut_frames(region):
    frames = four(dtype=np.uint16)

    measured = gain_from_pair(*frames, region=region, rescale=False, clip=None)

    assert (measured.gain, measured.read_noise) == textbook(*(f[20:90, 10:60] for f in frames))


def test_masked_and_not_finite_pixels_are_left_out():
    arrays = four()
    frames = [Frame(a.copy()) for a in arrays]
    frames[0].data[5, :] = 1e9
    frames[0].flags[5, :] = int(Flags.COSMIC_RAY)
    frames[3].data[:, 7] = np.nan
    good = np.ones(arrays[0].shape, bool)
    good[5, :] = good[:, 7] = False

    measured = gain_from_pair(*frames, rescale=False, clip=None)

    assert (measured.gain, measured.read_noise) == textbook(*(a[good] for a in arrays))


@pytest.mark.parametrize("options", [{}, {"clip": 3.0}, {"clip": 2.5, "rescale": False}, {"clip": None}])
def test_errors_are_those_of_many_trials(options):
    shape, trials = (60, 60), 500
    results = [gain_from_pair(*four(seed=i, shape=shape), **options) for i in range(trials)]
    gain = np.array([[r.gain, r.gain_error, r.read_noise, r.read_noise_error] for r in results])
    pull_gain, pull_noise = (gain[:, 0] - GAIN) / gain[:, 1], (gain[:, 2] - NOISE) / gain[:, 3]

    for pull in (pull_gain, pull_noise):
        # Mean of 500 pulls: 0.045, and 0.02 of bias of a ratio are allowed; 4 sigma: false alarm 6e-5 each.
        assert abs(pull.mean()) < 0.2
        # Their standard deviation: 3.2 %, 4 sigma, false alarm 6e-5 each.
        assert pull.std() == pytest.approx(1, abs=0.13)


def test_rescaling_keeps_the_fixed_pattern_of_a_drifting_lamp_out():
    frames = four(levels=(30_000, 24_000), structure=0.05, shape=(200, 200))

    with pytest.warns(FullwellWarning, match="the flats differ in level: 1[0-9.]+ and 1[0-9.]+ ADU"):
        scaled = gain_from_pair(*frames)
    with pytest.warns(FullwellWarning, match="use rescale=True"):
        plain = gain_from_pair(*frames, rescale=False)

    # Error 1 % for 40000 pixels; 5 sigma.
    assert scaled.gain == pytest.approx(GAIN, rel=0.05)
    assert plain.gain < 0.9 * GAIN


def test_flats_of_one_level_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measured = gain_from_pair(*four(levels=(30_000, 29_900)))

    # Error 1 % for 40000 pixels; 5 sigma.
    assert measured.gain == pytest.approx(GAIN, rel=0.05)


def test_cosmic_rays_are_clipped():
    frames = four(shape=(200, 200))
    for i, frame in enumerate(frames):
        frame[10 * i, :20] += 5000

    assert gain_from_pair(*frames).gain == pytest.approx(GAIN, rel=0.05)
    assert gain_from_pair(*frames, clip=None).read_noise > 10 * NOISE


def test_the_quiet_form_tells_the_levels():
    measured, levels = pair_numbers(*four(levels=(30_000, 20_000)), region=None, rescale=True, clip=5.0)

    assert isinstance(measured, PairGain)
    assert levels == pytest.approx((30_000 / GAIN, 20_000 / GAIN), rel=0.001)


def test_what_cannot_be_is_refused():
    f1, f2, b1, b2 = four()
    with pytest.raises(FrameError, match="different shape"):
        gain_from_pair(f1, f2, b1, b2[:50])
    with pytest.raises(FrameError, match="not brighter"):
        gain_from_pair(b1, b2, f1, f2)
    with pytest.raises(FrameError, match="no shot noise"):
        gain_from_pair(b1 + 100, b1 + 100, b1, b2)
    with pytest.raises(FrameError, match="are left"):
        gain_from_pair(f1 * np.nan, f2, b1, b2)
    for region in (Box(0, 101, 0, 10), Box(3, 3, 0, 10), "[1:500,1:2]", "[a]"):
        with pytest.raises(ParameterError):
            gain_from_pair(f1, f2, b1, b2, region=region)
    for clip in (0, -1, 1.5):
        with pytest.raises(ParameterError, match="clip"):
            gain_from_pair(f1, f2, b1, b2, clip=clip)
    with pytest.raises(AttributeError):
        gain_from_pair(f1, f2, b1, b2).gain = 1.0
