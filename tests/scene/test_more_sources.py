"""Galaxies, moonlight, twilight, spots, and fields of stars: closed forms and impossible values."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammainc, gammaincinv

from fullwell.detector import Detector
from fullwell.errors import ParameterError
from fullwell.scene import (
    Galaxies,
    Moonlight,
    Scene,
    Spots,
    Twilight,
    stars_of_catalog,
    stars_of_luminosity,
)

# --- galaxies


@given(
    st.floats(0.5, 4), st.floats(1, 6), st.floats(0.2, 1), st.floats(-4, 4), st.floats(0, 4),
    st.floats(-0.5, 0.5), st.floats(-0.5, 0.5),
)  # fmt: skip
def test_all_light_of_a_galaxy_falls_on_the_frame(index, radius, ratio, angle, fwhm, dx, dy):
    galaxy = Galaxies(80 + dx, 75 + dy, 500.0, radius, index=index, axis_ratio=ratio, angle=angle, fwhm=fwhm)
    image = galaxy.render((151, 161))
    assert image.dtype == np.float32
    assert image.sum(dtype=float) == pytest.approx(500, rel=1e-5)
    assert (image >= 0).all()
    rows, columns = np.indices(image.shape)
    # Pixels do not resolve a thin galaxy, nor the point in the middle of a steep one: what is sharper than
    # a pixel is blurred after it was put into one.
    if radius * ratio < 1.5:
        return
    # The edge at 8 R is cut in whole pixels.
    assert (image * columns).sum(dtype=float) / 500 == pytest.approx(80 + dx, abs=0.1)
    assert (image * rows).sum(dtype=float) / 500 == pytest.approx(75 + dy, abs=0.1)


@pytest.mark.parametrize("index", [1.0, 2.0, 4.0])
def test_half_of_the_light_lies_within_the_half_light_radius(index):
    image = Galaxies(150, 150, 1.0, 15.0, index=index, fwhm=0).render((301, 301))
    rows, columns = np.indices(image.shape)
    inside = image[np.hypot(rows - 150, columns - 150) <= 15].sum(dtype=float)
    # The flux of the galaxy does not hold what lies beyond 8 R: 6 % of a de Vaucouleurs profile.
    b = gammaincinv(2 * index, 0.5)
    assert inside == pytest.approx(0.5 / gammainc(2 * index, b * 8 ** (1 / index)), rel=0.01)


def test_a_galaxy_points_where_its_angle_says():
    image = Galaxies(40, 40, 1.0, 6.0, axis_ratio=0.3, angle=np.pi / 2, fwhm=0).render((81, 81))
    rows, columns = np.indices(image.shape)
    assert (image * (rows - 40) ** 2).sum() > 5 * (image * (columns - 40) ** 2).sum()
    edge = Galaxies(0, 0, 4.0, 3.0, fwhm=0).render((200, 200))
    # A quarter of the pixels, and half of those on the two axes, which would be cut in the middle.
    assert 1 < edge.sum() < 2
    assert Galaxies(-500, 30, 1.0, 2.0).render((50, 50)).sum() == 0


# --- moon and twilight


def test_moonlight_grows_toward_the_moon():
    moon = Moonlight(10.0, distance=30.0, direction=0.0, pixel_scale=10.0)
    image = moon.render((101, 101))
    assert image[50, 50] == pytest.approx(10.0)
    assert image[50, 100] > image[50, 50] > image[50, 0]
    assert image[100, 50] == pytest.approx(image[0, 50])
    half_a_degree = 180 * 10.0 / 3600

    def scattered(rho):
        return 10**5.36 * (1.06 + np.cos(np.radians(rho)) ** 2) + 10 ** (6.15 - rho / 40)

    expected = 10 * scattered(30 - 50 * half_a_degree / 180) / scattered(30)
    assert image[50, 100] == pytest.approx(expected, rel=1e-6)
    north = Moonlight(10.0, distance=30.0, direction=90.0, pixel_scale=10.0).render((101, 101))
    np.testing.assert_allclose(north, image.T, rtol=1e-6)


@given(st.floats(1, 300), st.floats(-1000, 1000).filter(lambda x: abs(x) > 1))
def test_twilight_is_the_mean_over_the_exposure(seconds, halving):
    twilight = Twilight(100.0, start=20.0, exposure_time=seconds, halving=halving)
    times = 20 + (np.arange(4000) + 0.5) / 4000 * seconds
    expected = (100 * 2.0 ** (-times / halving)).mean()
    assert twilight.mean == pytest.approx(expected, rel=1e-3)


def test_twilight_halves_and_takes_units():
    late = Twilight(100.0, start=2 * u.min, exposure_time=0.0, halving=60.0)
    assert late.mean == pytest.approx(25.0)
    assert late.render((3, 4)).mean() == pytest.approx(25.0)


# --- spots


def test_a_spot_is_even_and_has_its_area():
    image = Spots(50, 40, 7.0, radius=12.0, blur=1.0).render((81, 101))
    assert image[40, 50] == pytest.approx(7.0)
    assert image[0, 0] == 0
    # A blurred edge shifts the area by pi sigma^2 (first order in sigma / r).
    assert image.sum(dtype=float) / 7 == pytest.approx(np.pi * (12.0**2 + 1.0), rel=2e-3)
    sharp = Spots(50, 40, 7.0, radius=3.0, blur=0.0).render((81, 101))
    assert set(np.unique(sharp)) == {0.0, 7.0}


def test_spots_stand_on_the_amplifiers_that_were_named():
    detector = Detector.preset("lsst-itl")
    spots = Spots.on_amplifiers(detector, 3.0, names=["C10", "C05"])
    image = spots.render(detector.shape)
    lit = {a.name for a in detector.amplifiers if image[a.box.slices].any()}
    assert lit == {"C10", "C05"}
    assert len(Spots.on_amplifiers(detector, 3.0).x) == 16
    with pytest.raises(ParameterError, match="names"):
        Spots.on_amplifiers(detector, 3.0, names=["C99"])


@pytest.mark.parametrize(("x", "y"), [(-30, 10), (10, 500), (-5, -5), (102, 50)])
def test_spots_may_lie_outside(x, y):
    image = Spots(x, y, 1.0, radius=8.0).render((80, 100))
    whole = Spots(x + 200, y + 200, 1.0, radius=8.0).render((800, 800))[200:280, 200:300]
    np.testing.assert_allclose(image, whole, atol=1e-6)


# --- fields


def test_the_luminosity_function_has_its_slope():
    field = stars_of_luminosity(
        200_000, shape=(100, 100), magnitudes=(10, 16), zero_point=20.0, seed=3, slope=0.5
    )
    magnitude = 20 - 2.5 * np.log10(field.flux)
    assert magnitude.min() >= 10 - 1e-9
    assert magnitude.max() <= 16 + 1e-9
    for limit in (13.0, 15.0):
        expected = (10 ** (0.5 * limit) - 10**5) / (10**8 - 10**5)
        # 5 sigma of a binomial number.
        error = 5 * np.sqrt(expected * (1 - expected) / 200_000)
        assert (magnitude < limit).mean() == pytest.approx(expected, abs=error)
    same = stars_of_luminosity(3, shape=(9, 9), magnitudes=(12, 12), zero_point=20.0, seed=3)
    np.testing.assert_allclose(same.flux, 10**3.2)


def test_a_catalog_is_put_where_the_wcs_says():
    wcs = WCS(naxis=2)
    wcs.wcs.crpix, wcs.wcs.crval, wcs.wcs.cdelt = (51, 41), (150.0, 2.0), (-1 / 3600, 1 / 3600)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    ra, dec = wcs.all_pix2world([50, 10, 20, 30], [40, 70, 30, 20], 0)
    table = Table({"RAJ2000": ra * u.deg, "dec": np.radians(dec) * u.rad, "mag": [15.0, 17.5, np.nan, 20]})
    stars = stars_of_catalog(table, wcs=wcs, zero_point=20.0, columns={"ra": "RAJ2000"}, fwhm=2.0)
    np.testing.assert_allclose(stars.x, [50, 10, 30], atol=1e-6)
    np.testing.assert_allclose(stars.y, [40, 70, 20], atol=1e-6)
    np.testing.assert_allclose(stars.flux, [100, 10, 1])
    assert stars.fwhm == 2.0
    with pytest.raises(ParameterError, match="RAJ2000"):
        stars_of_catalog(table, wcs=wcs, zero_point=20.0)


def test_all_of_them_add_up_in_a_scene():
    parts = [Galaxies(20, 20, 10.0, 3.0), Moonlight(1.0), Twilight(2.0), Spots(20, 20, 5.0)]
    total = Scene(parts).render((40, 40))
    np.testing.assert_allclose(total, sum(part.render((40, 40)) for part in parts), rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Galaxies(1, 1, -1.0, 2.0), "flux"),
        (lambda: Galaxies(1, 1, 1.0, 0.0), "radius"),
        (lambda: Galaxies(1, 1, 1.0, 2.0, index=20), "index"),
        (lambda: Galaxies(1, 1, 1.0, 2.0, axis_ratio=1.5), "axis_ratio"),
        (lambda: Galaxies(1, 1, 1.0, 2.0, fwhm=-1), "fwhm"),
        (lambda: Galaxies([1, 2], 1, 1.0, 2.0), "position"),
        (lambda: Galaxies(1, 1, [1.0, 2.0, 3.0], 2.0), "length of flux"),
        (lambda: Moonlight(-1.0), "level"),
        (lambda: Moonlight(1.0, distance=0), "distance"),
        (lambda: Moonlight(1.0, pixel_scale=0), "pixel_scale"),
        (lambda: Moonlight(1.0, direction=float("nan")), "direction"),
        (lambda: Twilight(1.0, halving=0), "halving"),
        (lambda: Twilight(1.0, exposure_time=-1), "exposure_time"),
        (lambda: Twilight(1.0, start=-1e9, halving=1), "start"),
        (lambda: Spots(1, 1, -1.0), "level"),
        (lambda: Spots(1, 1, 1.0, radius=0), "radius"),
        (lambda: Spots(1, 1, 1.0, blur=-1), "blur"),
        (lambda: Spots([1, 2], 1, 1.0), "length of x"),
        (lambda: stars_of_luminosity(-1, shape=(9, 9), magnitudes=(1, 2), zero_point=20, seed=1), "number"),
        (
            lambda: stars_of_luminosity(1, shape=(9, 9), magnitudes=(3, 2), zero_point=20, seed=1),
            "magnitudes",
        ),
        (
            lambda: stars_of_luminosity(1, shape=(9, 9), magnitudes=(1, 2), zero_point=20, seed=1, slope=0),
            "slope",
        ),
        (
            lambda: stars_of_luminosity(1, shape=(9, 9), magnitudes=(1, 2), zero_point=np.inf, seed=1),
            "zero_point",
        ),
    ],
)
def test_impossible_values_are_refused(make, name):
    with pytest.raises(ParameterError, match=name):
        make()
