from __future__ import annotations

import numpy as np
import pytest

from fullwell.night.frame_numbers import frame_numbers, noise_over_predicted

SHAPE = (200, 300)


def sky(*, sigma=5.0, seed=7):
    return np.random.default_rng(seed).normal(100.0, sigma, SHAPE).astype(np.float32)


def everywhere():
    return np.ones(SHAPE, bool)


def test_background_noise_and_sigma_of_plain_noise():
    numbers = frame_numbers(sky(), everywhere())
    # Errors over 60 000 pixels: median 0.026, standard deviations 0.014; five of them.
    assert numbers.background == pytest.approx(100.0, abs=0.13)
    assert numbers.sigma == pytest.approx(5.0, abs=0.08)
    assert numbers.noise == pytest.approx(5.0, abs=0.13)
    assert numbers.hot_outliers == 0


def test_a_slope_is_a_gradient_and_no_noise():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    numbers = frame_numbers(sky() + 0.2 * x - 0.1 * y, everywhere())
    # The middles of the outer tenths are 90 % of the width apart.
    assert numbers.gradient_x == pytest.approx(0.2 * 0.9 * SHAPE[1], abs=1.0)
    assert numbers.gradient_y == pytest.approx(-0.1 * 0.9 * SHAPE[0], abs=1.0)
    assert numbers.noise == pytest.approx(5.0, abs=0.15)
    assert numbers.sigma > 10


def test_hot_pixels_are_counted_and_the_sharpest_stars_are_not():
    data = sky()
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for column in range(20, 280, 40):
        data += 20_000.0 * np.exp(-((x - column) ** 2 + (y - 50.3) ** 2) / (2 * 0.8**2)).astype(np.float32)
    assert frame_numbers(data, everywhere()).hot_outliers == 0
    for column in range(20, 280, 40):
        data[150, column] += 100.0
    data[150, 21] += 100.0  # two side by side are two
    assert frame_numbers(data, everywhere()).hot_outliers == 8


def test_masked_pixels_do_not_count():
    data, good = sky(), everywhere()
    data[60, 60], data[90, 90] = 9000.0, np.nan
    good[60, 60] = good[90, 90] = False
    assert frame_numbers(data, good) == frame_numbers(np.where(good, data, 0), good)
    assert frame_numbers(data, good).hot_outliers == 0


def test_nothing_to_measure():
    numbers = frame_numbers(sky(), np.zeros(SHAPE, bool))
    assert np.isnan([numbers.background, numbers.sigma, numbers.noise, numbers.gradient_x]).all()
    assert numbers.hot_outliers == 0
    assert noise_over_predicted(sky(), sky(), np.zeros(SHAPE, bool)) is None
    assert frame_numbers(np.ones((4, 4)), np.ones((4, 4), bool)).hot_outliers == 0


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_noise_over_predicted_follows_the_pixels(factor):
    # A noise that grows tenfold over the frame: one median variance could not stand for it.
    sigma = np.linspace(1.0, 10.0, SHAPE[1], dtype=np.float32)
    data = np.random.default_rng(3).normal(0.0, 1.0, SHAPE) * sigma
    data[::40, ::40] += 5000.0  # stars
    variance = np.broadcast_to((sigma / factor) ** 2, SHAPE)
    # A median absolute value over 60 000 differences of correlated pairs is good to 0.6 %; five of them.
    assert noise_over_predicted(data, variance, everywhere()) == pytest.approx(factor, rel=0.03)
