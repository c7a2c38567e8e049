from __future__ import annotations

import numpy as np
import pytest

from fullwell.detector import Amplifier, Box, Detector
from fullwell.errors import NotEnoughFrames
from fullwell.photon_transfer import pooled_noise

TWO = Detector(
    "two",
    (40, 60),
    (40, 60),
    (
        Amplifier("L", box=Box(0, 30, 0, 40), data=Box(0, 30, 0, 40), raw=Box(0, 30, 0, 40)),
        Amplifier("R", box=Box(30, 60, 0, 40), data=Box(30, 60, 0, 40), raw=Box(30, 60, 0, 40)),
    ),
)


def stack(n, *, seed=0, sigma=(5.0, 8.0), integers=False):
    random = np.random.default_rng(seed)
    structure = random.normal(1000, 300, (40, 60))
    scale = np.repeat(sigma, 30)
    for i in range(n):
        data = structure + 3 * i + scale * random.standard_normal((40, 60))
        yield (np.round(data).astype(np.uint16) if integers else data), np.zeros((40, 60), bool)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_noise_and_error_of_each_amplifier_are_those_of_many_trials(n):
    trials = [pooled_noise(stack(n, seed=i), TWO) for i in range(300)]
    noise, error = (np.array(part) for part in zip(*trials, strict=True))

    pull = (noise - (5.0, 8.0)) / error

    # Structure and drift do not count. 300 trials: mean 0.058, scatter 4.1 %; 4 sigma, 6e-5 each.
    assert np.abs(pull.mean(axis=0)).max() < 0.23
    assert np.abs(pull.std(axis=0) - 1).max() < 0.165


def test_integers_do_not_quantize_it():
    noise, _ = pooled_noise(stack(20, sigma=(1.5, 6.7), integers=True), TWO)

    # Rounding adds 1/12; errors are 0.6 %.
    assert noise == pytest.approx(np.sqrt(np.array([1.5, 6.7]) ** 2 + 1 / 12), rel=0.03)


def test_cosmic_rays_and_masked_pixels_do_not_count():
    frames = list(stack(5))
    frames[2][0][3, :10] += 1e4
    frames[1][0][8, :] = 1e6
    frames[1][1][8, :] = True
    frames[3][0][9, 9] = np.nan

    noise, _ = pooled_noise(frames, TWO)

    assert noise == pytest.approx((5, 8), rel=0.06)


def test_an_amplifier_that_is_masked_is_unknown_and_the_other_is_not():
    frames = list(stack(3))
    for _, mask in frames:
        mask[:, :30] = True

    noise, error = pooled_noise(frames, TWO)

    assert np.isnan(noise[0])
    assert np.isnan(error[0])
    assert noise[1] == pytest.approx(8, rel=0.1)


def test_two_frames_are_needed():
    with pytest.raises(NotEnoughFrames):
        pooled_noise(stack(1), TWO)
    masked = [(data, np.ones((40, 60), bool)) for data, _ in stack(3)]
    with pytest.raises(NotEnoughFrames):
        pooled_noise(masked, TWO)
