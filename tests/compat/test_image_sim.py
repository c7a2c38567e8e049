"""Means and spreads follow what is counted. Statistical limits are 5 sigma: one false alarm in 2 million."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell.compat import image_sim as sim
from fullwell.errors import ParameterError

BLANK = np.zeros((400, 500))
N = BLANK.size


def check(values, mean, variance):
    """Compare mean and variance of a large Poisson or normal sample."""
    assert values.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / N) + 1e-12)
    assert values.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / N + 1 / (N * max(variance, 1))))


@pytest.mark.parametrize("gain", [0.5, 1, 3.0])
def test_noise_is_counted_in_electrons(gain):
    check(sim.read_noise(BLANK, 12, gain=gain, rng=1), 0, (12 / gain) ** 2)
    check(sim.dark_current(BLANK, 0.5, 100, gain=gain, rng=2), 50 / gain, 50 / gain**2)
    check(sim.sky_background(BLANK, 80, gain=gain, rng=3), 80, 80 / gain)


def test_noise_is_another_one_each_time_unless_it_is_named():
    for make in (
        lambda rng: sim.read_noise(BLANK, 5, rng=rng),
        lambda rng: sim.dark_current(BLANK, 1, 10, rng=rng),
        lambda rng: sim.sky_background(BLANK, 50, rng=rng),
        lambda rng: sim.stars(BLANK, 5, rng=rng),
        lambda rng: sim.make_cosmic_rays(BLANK, 5, rng=rng),
    ):
        assert (make(None) != make(None)).any()
        np.testing.assert_array_equal(make(7), make(7))
        assert (make(np.random.default_rng(7)) == make(7)).all()


def test_bias_is_the_same_each_time():
    assert (sim.bias(BLANK, 1100) == 1100).all()
    bad = sim.bias(BLANK, 1100, realistic=True)
    np.testing.assert_array_equal(bad, sim.bias(BLANK, 1100, realistic=True))
    columns = np.flatnonzero((bad != 1100).any(axis=0))
    assert columns.size == 5
    assert bad.min() >= 1100
    assert bad.max() < 1210
    assert (bad[:, columns] == bad[:, columns[:1]]).all()
    assert (sim.bias(BLANK, 0, realistic=True) == 0).all()


def test_hot_pixels_stay_and_scatter_as_their_charge():
    darks = np.array([sim.dark_current(BLANK, 0.1, 10, gain=2, hot_pixels=True, rng=i) for i in range(50)])
    hot = darks.mean(axis=0) > 100
    assert 0 < hot.sum() <= N * 1e-4
    expected = 10_000 * 0.1 * 10 / 2
    assert darks[:, hot].mean() == pytest.approx(expected, rel=5 * np.sqrt(1 / 10_000 / darks[:, hot].size))
    assert darks[:, hot].var() == pytest.approx(expected / 2, rel=5 * np.sqrt(2 / darks[:, hot].size))


def test_stars_have_their_width_and_shot_noise():
    one = sim.stars(np.zeros((101, 101)), 1, max_counts=1000, fwhm=8, shot_noise=False)
    top = one.max()
    assert 100 < top <= 1000
    row = one[np.unravel_index(one.argmax(), one.shape)[0]]
    assert abs((row > top / 2).sum() - 8) <= 1
    assert one.sum() == pytest.approx(top * np.pi * 8**2 / (4 * np.log(2)), rel=0.03)
    expected = sim.stars(BLANK, 30, max_counts=5000, gain=4, shot_noise=False)
    counted = sim.stars(BLANK, 30, max_counts=5000, gain=4, rng=3)
    bright = expected > 5
    pull = (counted - expected)[bright] / np.sqrt(expected[bright] / 4)
    assert pull.var() == pytest.approx(1, abs=5 * np.sqrt(2.2 / pull.size))


def test_stars_keep_away_from_the_edge_of_an_oblong_image():
    image = sim.stars(np.zeros((100, 900)), 200, fwhm=2, shot_noise=False)
    assert image[:6].max() == pytest.approx(0, abs=1e-3)
    assert image[:, 100:800].max() > 1000
    assert image[:, 95:].any()


def test_cosmic_rays_are_streaks_with_directions_of_their_own():
    from scipy.ndimage import label

    rays = sim.make_cosmic_rays(np.zeros((900, 600)), 12, strength=300, rng=2)
    assert set(np.unique(rays)) <= {0, 300, 600}
    labels, count = label(rays > 0)
    assert 9 <= count <= 12
    sizes = np.bincount(labels.ravel())[1:]
    assert sizes.min() == pytest.approx(np.pi * 5 * 2, abs=5)
    slopes = [np.cov(np.nonzero(labels == k))[0, 1] for k in range(1, count + 1)]
    assert min(slopes) < -1 < 1 < max(slopes)


def test_one_donut_is_a_ring():
    ring = sim.make_one_donut((30, 20), diameter=20, amplitude=0.3)
    x = np.linspace(30, 90, 6001)
    profile = ring(x, np.full_like(x, 20.0))
    assert profile[0] == pytest.approx(1, abs=1e-12)
    assert profile[-1] == pytest.approx(1, abs=1e-5)
    assert profile.min() == pytest.approx(1 - 0.3 / np.e, rel=1e-6)
    assert x[profile.argmin()] - 30 == pytest.approx(10 * np.sqrt(2), abs=0.02)


def test_each_grain_takes_its_own_light():
    few, many = (sim.add_donuts(np.zeros((1000, 1000)), number=n) for n in (10, 40))
    assert few.min() == pytest.approx(1 - 0.06 / np.e, abs=0.02)
    assert (1 - many).sum() == pytest.approx(4 * (1 - few).sum(), rel=0.3)
    assert many.max() <= 1
    assert (sim.add_donuts(np.zeros((60, 40)), number=0) == 1).all()


def test_flat():
    vignetted = sim.sensitivity_variations(np.zeros((400, 800)), dust=False)
    assert vignetted.max() == 1
    assert np.unravel_index(vignetted.argmax(), vignetted.shape)[0] in (199, 200)
    assert vignetted[0, 0] == pytest.approx(np.exp(-(200**2 + 400**2) / (2 * 1600**2)), rel=1e-3)
    np.testing.assert_allclose(vignetted, vignetted[::-1, ::-1])
    square = sim.sensitivity_variations(np.zeros((500, 500)), dust=False)
    assert square[0, 0] == pytest.approx(0.94, abs=0.001)
    assert (sim.sensitivity_variations(BLANK, vignetting=False, dust=False) == 1).all()
    both = sim.sensitivity_variations(BLANK)
    assert (both != sim.sensitivity_variations(BLANK, dust=False)).any()


def test_table_and_image_of_sources():
    ranges = {"flux": [100, 200], "x_mean": [20, 30], "y_mean": [10, 20]}
    ranges |= {"x_stddev": [2, 3], "y_stddev": [1, 2]}
    table = sim.make_random_gaussians_table(8, ranges, seed=1)
    assert table.colnames == [*ranges, "amplitude"]
    assert (table == sim.make_random_gaussians_table(8, ranges, random_state=1)).all()
    image = sim.make_gaussian_sources_image((60, 50), table)
    assert image.sum() == pytest.approx(table["flux"].sum(), rel=1e-6)
    del table["amplitude"]
    np.testing.assert_array_equal(image, sim.make_gaussian_sources_image((60, 50), table))


@pytest.mark.parametrize("oversample", [1, 3])
def test_sources_are_astropys_gaussians(oversample):
    from astropy.modeling.models import Gaussian2D
    from astropy.table import Table

    place, width = {"x_mean": [21.3], "y_mean": [9.8]}, {"x_stddev": [4.0], "y_stddev": [1.5]}
    table = Table({"amplitude": [3.0], **place, **width, "theta": [0.7]})
    fine = (np.arange(40 * oversample) + 0.5) / oversample - 0.5
    y, x = np.meshgrid(fine[: 30 * oversample], fine, indexing="ij")
    points = Gaussian2D(3, 21.3, 9.8, 4, 1.5, 0.7)(x, y)
    exact = points.reshape(30, oversample, 40, oversample).mean(axis=(1, 3))
    image = sim.make_gaussian_sources_image((30, 40), table, oversample=oversample)
    np.testing.assert_allclose(image, exact, atol=1e-14)


@pytest.mark.parametrize(
    "make",
    [
        lambda: sim.read_noise(BLANK, -1),
        lambda: sim.read_noise(BLANK, 5, gain=0),
        lambda: sim.dark_current(BLANK, 0.1, float("nan")),
        lambda: sim.sky_background(np.zeros(5), 20),
        lambda: sim.add_donuts(BLANK, number=-1),
        lambda: sim.make_one_donut((0, 0), diameter=0),
        lambda: sim.make_random_gaussians_table(-1, {}),
        lambda: sim.make_random_gaussians_table(1, {"flux": [2, 1]}),
        lambda: sim.make_random_gaussians_table(1, {"flux": [1, 2]}, seed=1, random_state=2),
        lambda: sim.make_gaussian_sources_image((5, 5), sim.make_random_gaussians_table(1, {"flux": [1, 2]})),
        lambda: sim.make_gaussian_sources_image(
            (5, 5), sim.make_random_gaussians_table(1, {"x_mean": [1, 2], "y_mean": [1, 2]})
        ),
        lambda: sim.make_gaussian_sources_image((5, 5), sim.make_random_gaussians_table(0, {}), oversample=0),
    ],
)
def test_what_is_impossible_is_said(make):
    with pytest.raises(ParameterError, match="is not possible"):
        make()
