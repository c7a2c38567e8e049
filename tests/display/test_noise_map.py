from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import fullwell as fw
from fullwell.display.noise_map import _chi
from fullwell.errors import NotEnoughFrames, ParameterError


def stack(n=8, shape=(60, 50), sigma=4.0):
    return np.random.default_rng(2).normal(500, sigma, (n, *shape)).astype(np.float32)


def test_the_map_is_the_standard_deviation():
    cube = stack()
    plot = fw.show_noise_map(cube)
    reference = cube.std(axis=0, ddof=1, dtype=np.float64)
    np.testing.assert_allclose(plot.facts["spread"], reference, rtol=1e-6)
    np.testing.assert_allclose(plot.axes.images[0].get_array(), reference, rtol=1e-6)
    assert "ratio" not in plot.facts
    assert len(plot.figure.axes) == 3  # map, distribution, color bar


def test_masked_values_do_not_count():
    frames = [fw.Frame(data) for data in stack()]
    frames[2].data[3, 3] = 1e5
    frames[2].flags[3, 3] = fw.Flags.COSMIC_RAY
    for frame in frames[:-1]:
        frame.flags[5, 5] = fw.Flags.BAD
    frames[1].data[8, 8] = np.nan
    spread = fw.show_noise_map(frames).facts["spread"]
    values = [frame.data[3, 3] for k, frame in enumerate(frames) if k != 2]
    assert spread[3, 3] == pytest.approx(np.std(values, ddof=1), rel=1e-5)
    assert np.isnan(spread[5, 5])
    assert np.isfinite(spread[8, 8])


def test_expectations():
    cube = stack()
    reference = cube.std(axis=0, ddof=1, dtype=np.float64)
    number = fw.show_noise_map(cube, expected=4.0).facts["ratio"]
    np.testing.assert_allclose(number, reference / 4, rtol=1e-6)
    model = fw.NoiseModel(3.0, gain=2.0, pedestal=480.0)
    expected = np.sqrt(9 + (cube.mean(axis=0, dtype=np.float64) - 480) / 2)
    np.testing.assert_allclose(
        fw.show_noise_map(cube, expected=model).facts["ratio"], reference / expected, rtol=1e-5
    )
    frames = [fw.Frame(data, variance=np.full(data.shape, 16 + k, np.float32)) for k, data in enumerate(cube)]
    stated = fw.show_noise_map(frames).facts["ratio"]
    np.testing.assert_allclose(stated, reference / np.sqrt(16 + 3.5), rtol=1e-6)


def test_noise_as_expected_follows_the_curve():
    cube = stack(shape=(100, 100))
    plot = fw.show_noise_map(cube, expected=4.0)
    right = plot.figure.axes[1]
    assert right.get_xlabel() == "standard deviation / expected"
    x, y = right.lines[0].get_data()
    np.testing.assert_allclose(_chi(x, 7), stats.chi.pdf(x * np.sqrt(7), 7) * np.sqrt(7), rtol=1e-9)
    stairs = right.patches[0].get_data()
    middle = (stairs.edges[1:] + stairs.edges[:-1]) / 2
    predicted = np.interp(middle, x, y)
    bright = predicted > 30
    # About 60 bins of Poisson numbers; chi-square beyond twice their number happens once in 1e4.
    chi_square = ((stairs.values - predicted)[bright] ** 2 / predicted[bright]).sum()
    assert chi_square < 2 * bright.sum()


def test_what_is_not_possible_is_refused():
    with pytest.raises(NotEnoughFrames):
        fw.show_noise_map([np.zeros((3, 3))])
    with pytest.raises(ParameterError, match="expected"):
        fw.show_noise_map(stack(3), expected=0.0)
