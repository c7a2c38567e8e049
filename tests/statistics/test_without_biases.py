"""A night without bias frames: the darks alone know the noise."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell import (
    ADC,
    Bias,
    Dark,
    Detector,
    Flat,
    Gain,
    Noise,
    ReadNoise,
    ShotNoise,
    SignalChain,
    load_product,
    save_product,
)

SHAPE = (400, 400)
GAIN, NOISE, RATE = 1.6, 7.0, 0.4
COUNT = 4


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    detector = Detector.single(SHAPE)
    truth = SignalChain(
        [
            Flat(np.ones(SHAPE)),
            ShotNoise(),
            Dark(rate=RATE),
            ReadNoise(NOISE),
            Gain(GAIN),
            Bias(1000.0),
            ADC(),
        ]
    )
    numbers = iter(range(1, 1000))

    def take(light, time):
        scene = None if light is None else np.full(SHAPE, light / time, np.float32)
        return truth.expose(scene, time, detector=detector, noise=Noise(11, next(numbers))).frame

    dark = Dark.measure([take(None, t) for t in (100.0, 300.0) for _ in range(COUNT)], gain=GAIN)
    path = tmp_path_factory.mktemp("products") / "dark.fits"
    save_product(dark, path)
    return take, load_product(path)


@pytest.mark.parametrize("time", [100.0, 200.0, 300.0])
def test_residuals_have_the_predicted_variance(night, time):
    """5 sigma of mean and variance of 160 000 nearly normal values: false alarms once in 1.7 million."""
    take, dark = night
    sky = 60.0
    frame = take(sky, time)

    clean = SignalChain([ADC(), dark, Gain(GAIN)]).correct(frame)

    residual = clean.data - sky
    n = residual.size
    assert abs(residual.mean()) < 5 * np.sqrt(clean.variance.mean() * 1.5 / n)
    # The measured noise of the darks has itself a relative error of sqrt(1/n) in the variance.
    assert (residual**2).mean() / clean.variance.mean() == pytest.approx(1, abs=5 * np.sqrt(4 / n))


def test_the_noise_holds_the_dark_current_of_the_length(night):
    _, dark = night
    for time in (100.0, 200.0, 300.0):
        expected = np.sqrt(NOISE**2 + RATE * time + GAIN**2 / 12) / GAIN
        assert dark.noise_at(time) == pytest.approx([expected], rel=0.01)
