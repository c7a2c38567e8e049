"""The reference program of the EMVA 1288 standard judges a simulated ramp: gain, dark noise, PRNU, DSNU.

It knows nothing of this package: it gets whole numbers, and must find what the frames were made with within
the errors that follow from the number of pixels.
"""

from __future__ import annotations

import logging

import numpy as np
import pytest

from fullwell import ADC, Bias, Detector, Flat, FrameSet, Gain, Noise, ReadNoise, ShotNoise, SignalChain

pytest.importorskip("emva1288", reason="the emva1288 package, an independent judge, is not installed")

SHAPE = (300, 400)
PIXELS = SHAPE[0] * SHAPE[1]
GAIN, READ_NOISE, LEVEL = 2.5, 12.0, 500.0
PRNU, DSNU = 0.01, 4.0  # of the light; ADU
LIGHTS = np.linspace(2_000.0, 60_000.0, 30)
STACK = 16
SURE = 5.0  # sigma: four numbers are looked at, false alarms 2e-6


@pytest.fixture(scope="module")
def camera():
    random = np.random.default_rng(1)
    response = Flat(1 + PRNU * random.normal(size=SHAPE))
    structure = (DSNU * random.normal(size=SHAPE)).astype(np.float32)
    return SignalChain(
        [response, ShotNoise(), ReadNoise(READ_NOISE), Gain(GAIN), Bias(LEVEL, structure=structure), ADC(16)]
    )


@pytest.fixture(scope="module")
def ramp(camera):
    """Two frames of each light, and stacks in the dark and at half of the brightest."""
    detector = Detector.single(SHAPE)

    def frames(light, count, first):
        image = None if light == 0 else np.full(SHAPE, light, np.float32)
        return [
            camera.expose(image, 1.0, detector=detector, noise=Noise(5, first + i)).frame
            for i in range(count)
        ]

    pairs = {light: frames(light, 2, 100 + 2 * k) for k, light in enumerate((0.0, *LIGHTS.tolist()))}
    stacks = {light: frames(light, STACK, 1000 + int(light)) for light in (0.0, 30_000.0)}
    return pairs, stacks


@pytest.fixture(scope="module")
def judged(ramp):
    from emva1288.process import routines
    from emva1288.process.data import Data1288
    from emva1288.process.results import Results1288

    def summed(frames):
        return routines.get_int_imgs([frame.data for frame in frames])

    pairs, stacks = ramp
    temporal = {}
    for light, frames in pairs.items():
        images = summed(frames)
        temporal[light] = images | {"sum": images["sum"].sum(), "pvar": images["pvar"].sum()}
    data = {
        "temporal": {1.0: temporal},
        "spatial": {1.0: {light: summed(frames) for light, frames in stacks.items()}},
        "height": SHAPE[0],
        "width": SHAPE[1],
    }
    with pytest.MonkeyPatch.context() as patch:
        # The package asks NumPy for a function that NumPy 2 has no more.
        patch.setattr(np, "asfarray", lambda value: np.asarray(value, np.float64), raising=False)
        result = Results1288(Data1288(data, loglevel=logging.ERROR).data, loglevel=logging.ERROR)
        return {
            "K": result.K,
            "sigma_d": result.sigma_d,
            "PRNU": result.PRNU1288,
            "DSNU": result.DSNU1288,
            "fitted": slice(result.index_sensitivity_min, result.index_sensitivity_max + 1),
        }


def gain_error(fitted):
    """Relative error of the slope of an unweighted line through zero; variances of pairs scatter."""
    signal = LIGHTS[fitted] / GAIN
    dark = (READ_NOISE / GAIN) ** 2
    variance = signal / GAIN + dark
    own = np.sum((signal * variance) ** 2) * 2 / PIXELS / np.sum(signal**2) ** 2
    common = (np.sum(signal) * dark / np.sum(signal**2)) ** 2 * 2 / PIXELS
    return np.sqrt(own + common) * GAIN


def test_gain(judged):
    assert 1 / judged["K"] == pytest.approx(GAIN, rel=SURE * gain_error(judged["fitted"]))


def test_both_find_the_same_gain(ramp, judged):
    pairs, _ = ramp
    frames = FrameSet([frame.with_(exposure_time=light) for light, two in pairs.items() for frame in two])
    ours = Gain.measure(frames, known=SignalChain([Bias(LEVEL)]), model="quadratic")
    assert ours.values[0] == pytest.approx(GAIN, abs=SURE * ours.errors[0])
    error = np.hypot(gain_error(judged["fitted"]) * GAIN, ours.errors[0])
    assert 1 / judged["K"] == pytest.approx(ours.values[0], abs=SURE * error)


def test_dark_noise(judged):
    relative = np.hypot(1 / np.sqrt(2 * PIXELS), gain_error(judged["fitted"]))
    assert judged["sigma_d"] == pytest.approx(READ_NOISE, rel=SURE * relative)


def test_photo_response_non_uniformity(camera, judged):
    true = camera.get("flat").response.astype(np.float64)
    pattern, light = PRNU * 30_000 / GAIN, 30_000 / GAIN
    # What is left of the temporal noise in the mean of the stack is subtracted, and scatters.
    spatial = pattern**2 + (light / GAIN + (READ_NOISE / GAIN) ** 2) / STACK + DSNU**2
    error = 0.5 * spatial * np.sqrt(2 / PIXELS) / pattern**2
    expected = 100 * true.std() / true.mean()
    # The dark pattern is drawn apart: by chance it goes with the other, 2 cov / variance.
    error = np.hypot(error, DSNU / pattern / np.sqrt(PIXELS))
    assert judged["PRNU"] == pytest.approx(expected, rel=SURE * error)


def test_dark_signal_non_uniformity(camera, judged):
    true = float(camera.get("bias").structure.std(dtype=np.float64))
    left = ((READ_NOISE / GAIN) ** 2 + 1 / 12) / STACK
    error = np.hypot(0.5 * left * np.sqrt(2 / PIXELS) / DSNU**2, gain_error(judged["fitted"]))
    # Noise and pattern go together by chance: 2 sqrt(left) DSNU / sqrt(PIXELS).
    error = np.hypot(error, np.sqrt(left / PIXELS) / DSNU)
    assert judged["DSNU"] == pytest.approx(true * GAIN, rel=SURE * error)
