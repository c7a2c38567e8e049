"""Shutter and non-linearity from one ramp: each alone is biased, together they come back."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_frames import two_amplifiers

import fullwell as fw
from fullwell import Bias, Gain, NonLinearity, ReadNoise, ShotNoise, Shutter, SignalChain
from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import Polynomial
from fullwell.effects.cells import Cells
from fullwell.errors import ChainError, FrameError, NotEnoughFrames, ParameterError
from fullwell.flags import Flags
from fullwell.frame import FrameSet
from fullwell.noise import Noise

DETECTOR = with_amplifiers_of(Detector.preset("lsst-itl"), (20, 16))
CAMERA = [ReadNoise(5.0), Gain(1.5), Bias(1000.0)]
KNOWN = SignalChain(CAMERA, detector=DETECTOR)
RATE = 1e4  # e-/s
TIMES = np.repeat(np.concatenate([np.geomspace(0.1, 1, 6), np.linspace(1.5, 10, 10)]), 2)
SHUTTER = Shutter.iris(DETECTOR.shape, travel=0.02, offset=-0.005)  # -5 to 15 ms


def bent(detector, seed=1):
    """1 to 2 % at 100 000 electrons."""
    random = np.random.default_rng(seed)
    return NonLinearity(
        [
            Polynomial((random.uniform(-2e-7, -1e-7), random.uniform(-2e-13, 2e-13)), limit=2e5)
            for _ in detector.amplifiers
        ]
    )


def ramp(chain, seed, *, lamp=0.0, times=TIMES, brightness=None):
    random = np.random.default_rng(seed)
    shape = chain.detector.shape
    flats = []
    for i, seconds in enumerate(times):
        rate = RATE * (1 + lamp * random.standard_normal())
        rate *= 1.0 if brightness is None else brightness[i]
        light = np.full(shape, rate, np.float32)
        flats.append(chain.expose(light, float(seconds), noise=Noise(seed, i)).frame)
    return FrameSet(flats)


def pulls_of(found, true):
    """Of the coefficients, shape (amplifiers, coefficients)."""
    rows = zip(found.curves, found.errors, true.curves, strict=True)
    return np.array(
        [(np.array(f.coefficients) - t.coefficients) / error for f, error, t in rows]
    )  # fmt: skip


def test_each_alone_is_biased_and_both_together_are_not():
    # 40 960 pixels and 16 amplifiers of two coefficients, which share what the delay leaves open.
    curves = bent(DETECTOR)
    chain = SignalChain([SHUTTER, ShotNoise(), curves, *CAMERA], detector=DETECTOR)
    flats = ramp(chain, 3)
    shutter = Shutter.measure(flats, known=KNOWN)
    assert np.abs(shutter.delay - SHUTTER.delay).mean() > 3e-3
    alone = NonLinearity.measure(flats, known=KNOWN, lamp_scatter=0.0)
    assert np.abs(pulls_of(alone, curves)).mean() > 5

    shutter, linearity = fw.measure_shutter_and_linearity(flats, known=KNOWN)
    pulls = (shutter.delay - SHUTTER.delay) / np.sqrt(shutter.variance)
    # The width is known to 0.5 %, the mean to what the pixels have in common, 0.1 of their noise.
    assert pulls.std() == pytest.approx(1, abs=0.03)
    assert abs(pulls.mean()) < 0.2
    assert not shutter.flags.any()
    found, error = (shutter.statistics[f"mean_delay{end}"] for end in ("", "_error"))
    assert abs(found - SHUTTER.delay.mean()) < 4 * error < 2e-4
    assert np.abs(pulls_of(linearity, curves)).max() < 4.5
    assert linearity.statistics["chi2"] == pytest.approx(linearity.statistics["degrees"], rel=0.05)
    assert linearity.statistics["amplifiers"]["C10"]["slope"] == pytest.approx(RATE, rel=1e-3)
    # What was measured takes both out of a frame: short and long flats become even and linear.
    after = SignalChain([shutter, linearity, *CAMERA], detector=DETECTOR)
    for frame, seconds in ((flats[0], TIMES[0]), (flats[-1], TIMES[-1])):
        even = after.correct(frame).data / (RATE * seconds)
        assert even.mean() == pytest.approx(1, abs=1e-3)


def trials(count, *, lamp, order):
    """Pulls of mean delay, coefficients and map in so many ramps of a small detector."""
    detector = two_amplifiers(overscan=0)
    true = Shutter.curtain(detector.shape, skew=0.02, offset=0.003)
    curves = bent(detector, 2)
    chain = SignalChain([true, ShotNoise(), curves, *CAMERA], detector=detector)
    known = SignalChain(CAMERA, detector=detector)
    means, coefficients, maps, chi2 = [], [], [], []
    for seed in range(count):
        flats = ramp(chain, seed, lamp=lamp)
        shutter, linearity = fw.measure_shutter_and_linearity(
            flats, known=known, cells=(2, 2), order=order, lamp_scatter=None if lamp else 0.0
        )
        told = shutter.statistics
        means.append((told["mean_delay"] - true.delay.mean()) / told["mean_delay_error"])
        coefficients.append(pulls_of(linearity, curves))
        maps.append(((shutter.delay - true.delay) / np.sqrt(shutter.variance))[::7, ::7])
        chi2.append(told["chi2"] / told["degrees"])
    return np.array(means), np.array(coefficients), np.array(maps), np.array(chi2)


@pytest.mark.parametrize(("lamp", "order"), [(0.0, None), (2e-3, 1)])
def test_the_errors_are_right(lamp, order):
    # 24 trials: widths of what all share are known to 15 %, means to 0.2: 0.5 and 0.8 are beyond 3 sigma.
    means, coefficients, maps, chi2 = trials(24, lamp=lamp, order=order)
    assert means.std() == pytest.approx(1, abs=0.5)
    assert abs(means.mean()) < 0.8
    assert coefficients.std() == pytest.approx(1, abs=0.5 if lamp else 0.3)
    assert maps.std() == pytest.approx(1, abs=0.5 if order else 0.1)
    assert chi2.mean() == pytest.approx(1, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("lamp", "order"), [(0.0, None), (0.0, 1), (2e-3, None), (2e-3, 1)])
def test_the_errors_are_right_in_five_hundred_trials(lamp, order):
    # The width of 500 numbers is known to 3.2 %: 0.1 is 3 sigma; their mean to 0.045.
    means, coefficients, maps, _ = trials(500, lamp=lamp, order=order)
    assert means.std() == pytest.approx(1, abs=0.1)
    assert abs(means.mean()) < 0.18
    for pulls in (coefficients, maps):
        assert pulls.std() == pytest.approx(1, abs=0.1)
        assert abs(pulls.mean()) < 0.18


def test_the_scatter_of_the_lamp_is_found():
    chain = SignalChain([SHUTTER, ShotNoise(), bent(DETECTOR), *CAMERA], detector=DETECTOR)
    shutter, _ = fw.measure_shutter_and_linearity(ramp(chain, 5, lamp=2e-3), known=KNOWN)
    # 32 frames: known to 13 %.
    assert shutter.statistics["lamp_scatter"] == pytest.approx(2e-3, rel=0.5)
    quiet, _ = fw.measure_shutter_and_linearity(ramp(chain, 5), known=KNOWN)
    assert quiet.statistics["lamp_scatter"] < 1e-4
    assert shutter.statistics["mean_delay_error"] > 3 * quiet.statistics["mean_delay_error"]


def test_lamps_of_different_brightness_tell_the_two_apart():
    chain = SignalChain([SHUTTER, ShotNoise(), bent(DETECTOR), *CAMERA], detector=DETECTOR)
    options = {"known": KNOWN, "size": 5, "lamp_scatter": 0.0, "cells": (1, 1)}
    lost = []
    for brightness in (np.ones(TIMES.size), np.where(np.arange(TIMES.size) % 2, 0.1, 1.0)):
        flats = ramp(chain, 6, brightness=brightness)
        shutter, _ = fw.measure_shutter_and_linearity(flats, brightness=brightness, **options)
        told = shutter.statistics
        assert abs(told["mean_delay"] - SHUTTER.delay.mean()) < 4 * told["mean_delay_error"]
        lost.append(told["mean_delay_error"] / told["mean_delay_error_alone"])
    assert lost[1] < 0.7 * lost[0]


def test_what_is_full_or_broken_is_left_out():
    curves = bent(DETECTOR)
    full = fw.FullWell(8e4)
    chain = SignalChain([SHUTTER, ShotNoise(), full, curves, *CAMERA], detector=DETECTOR)
    flats = list(ramp(chain, 7))
    flags = flats[3].flags.copy()
    raw = DETECTOR.amplifiers[0].raw
    flags[raw.y0 + 2, raw.x0 + 3] = Flags.NO_DATA
    flats[3] = flats[3].with_(flags=flags)
    shutter, linearity = fw.measure_shutter_and_linearity(FrameSet(flats), known=KNOWN)
    assert all(curve.limit < 8e4 for curve in linearity.curves)
    assert np.abs(pulls_of(linearity, curves)).max() < 4.5
    assert (shutter.flags > 0).sum() == 1
    assert ((shutter.delay - SHUTTER.delay) / np.sqrt(shutter.variance)).std() == pytest.approx(1, abs=0.03)


def test_too_few_exposure_times_are_refused():
    chain = SignalChain([SHUTTER, ShotNoise(), *CAMERA], detector=DETECTOR)
    few = ramp(chain, 8, times=[0.1, 0.1, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0])
    with pytest.raises(NotEnoughFrames, match=r"4 levels of light at 4 exposure times.*need 5"):
        fw.measure_shutter_and_linearity(few, known=KNOWN)
    steady = np.linspace(0.1, 1, 8)
    flats = ramp(chain, 8, times=np.ones(8), brightness=steady)
    with pytest.raises(NotEnoughFrames, match="at 1 exposure times"):
        fw.measure_shutter_and_linearity(flats, known=KNOWN, brightness=steady)
    # Long exposures of little difference say nothing of a shutter.
    close = ramp(chain, 8, times=np.linspace(0.9, 1.0, 6))
    with pytest.raises(FrameError, match="do not tell"):
        fw.measure_shutter_and_linearity(close, known=KNOWN)


def test_what_does_not_fit_is_refused():
    chain = SignalChain([SHUTTER, ShotNoise(), *CAMERA], detector=DETECTOR)
    flats = ramp(chain, 9, times=[0.1, 1.0])
    for effect in (SHUTTER, bent(DETECTOR)):
        with pytest.raises(ChainError, match="leave it out"):
            fw.measure_shutter_and_linearity(flats, known=KNOWN.with_(effect))
    with pytest.raises(ChainError, match="add a Gain"):
        fw.measure_shutter_and_linearity(flats, known=KNOWN.without("gain", "read_noise"))
    with pytest.raises(NotEnoughFrames, match="no flat"):
        fw.measure_shutter_and_linearity([], known=KNOWN)
    with pytest.raises(ParameterError, match="exposure time"):
        fw.measure_shutter_and_linearity([flats[0].with_(exposure_time=0.0)], known=KNOWN)
    for options in (
        {"form": "bent"},
        {"size": 0},
        {"order": 13},
        {"brightness": [1.0]},
        {"brightness": [1.0, -1.0]},
        {"cells": (0, 1)},
        {"cells": (99, 1)},
        {"order": 3, "cells": (1, 1)},
    ):
        with pytest.raises(ParameterError, match=next(iter(options))):
            fw.measure_shutter_and_linearity(flats, known=KNOWN, **options)


def test_cells_cover_every_pixel_once():
    grid = Cells.of(DETECTOR, (3, 2))
    assert grid.count == 16 * 6
    counts = np.bincount(grid.labels.ravel(), minlength=grid.count)
    assert counts.min() >= 6 * 8
    assert counts.max() <= 7 * 8
    # A ray that hits one pixel does not move the mean of its cell; a response does.
    image = np.full(DETECTOR.shape, 100.0)
    image[0, 0], image[0, 1] = 1e6, 140.0
    means, pixels = grid.means(image, np.ones(DETECTOR.shape, bool))
    cell = grid.labels[0, 0]
    assert pixels[cell] == counts[cell] - 1
    assert means[cell] == pytest.approx(100 + 40 / (counts[cell] - 1))
