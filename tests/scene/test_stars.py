from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from fullwell.errors import ParameterError
from fullwell.scene import Stars


@settings(max_examples=40, deadline=None)
@given(x=st.floats(30, 33), y=st.floats(30, 33), fwhm=st.floats(0.5, 8))
def test_gaussian_pixels_add_up_to_the_flux(x, y, fwhm):
    image = Stars([x], [y], [1000.0], fwhm=fwhm).render((64, 64))
    assert image.sum(dtype=float) == pytest.approx(1000, rel=2e-7)


@settings(max_examples=40, deadline=None)
@given(x=st.floats(99, 101), y=st.floats(99, 101), fwhm=st.floats(0.5, 4), beta=st.floats(2.5, 6))
def test_moffat_pixels_add_up_to_the_flux_within_the_radius(x, y, fwhm, beta):
    stars = Stars([x], [y], [1.0], fwhm=fwhm, profile="moffat", beta=beta)
    image = stars.render((201, 201))
    assert image.sum(dtype=float) == pytest.approx(1 - 1e-4, abs=1e-4)
    rows, columns = np.nonzero(image)
    assert np.hypot(rows - y, columns - x).max() <= stars.radius + 1


@pytest.mark.parametrize(("fwhm", "beta"), [(0.5, 2.5), (1.0, 4.0), (2.5, 3.0), (6.0, 2.5)])
@pytest.mark.parametrize("pixel", [(0, 0), (1, 0), (2, -1), (5, 3)])
def test_a_moffat_pixel_is_its_integral(fwhm, beta, pixel):
    x, y = 50.21, 49.67
    stars = Stars([x], [y], [1.0], fwhm=fwhm, profile="moffat", beta=beta)
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    column, row = 50 + pixel[0], 50 + pixel[1]
    expected, _ = integrate.dblquad(
        lambda v, w: (
            (beta - 1) / (np.pi * alpha**2) * (1 + ((w - x) ** 2 + (v - y) ** 2) / alpha**2) ** -beta
        ),
        column - 0.5,
        column + 0.5,
        row - 0.5,
        row + 0.5,
    )
    if np.hypot(column - x, row - y) + 1 < stars.radius:
        assert stars.render((100, 100))[row, column] == pytest.approx(expected, abs=2e-5)


def test_the_half_maximum_is_where_it_should_be():
    for profile in ("gaussian", "moffat"):
        image = Stars([100], [100], [1.0], fwhm=40, profile=profile).render((201, 201))
        assert image[100, 120] / image[100, 100] == pytest.approx(0.5, rel=2e-3)


def test_gaussian_moments():
    image = Stars([30.25], [31.5], [1.0], fwhm=5).render((64, 64)).astype(float)
    rows, columns = np.indices(image.shape)
    assert (image * columns).sum() == pytest.approx(30.25, abs=1e-5)
    assert (image * rows).sum() == pytest.approx(31.5, abs=1e-5)
    variance = (5 / 2.3548200450309493) ** 2 + 1 / 12  # the pixel widens it
    assert (image * (columns - 30.25) ** 2).sum() == pytest.approx(variance, rel=1e-4)


def test_stars_outside_shed_their_wings_only():
    inside = Stars([50.0], [20.0], [1.0], fwhm=4).render((64, 100))
    np.testing.assert_array_equal(
        Stars([-1.0], [20.0], [1.0], fwhm=4).render((64, 100))[:, :49], inside[:, 51:]
    )
    assert not Stars([-100.0], [20.0], [1.0]).render((64, 64)).any()


def test_random_field():
    names = {"shape": (100, 200), "flux": (10, 1000), "seed": 4, "margin": 8}
    field = Stars.random(20000, **names)
    assert field.flux.min() >= 10
    assert field.flux.max() <= 1000
    # N(>F) falls as 1/F: a share of (1/100 - 1/1000)/(1/10 - 1/1000) above 100. 5 sigma, false alarm 6e-7.
    assert (field.flux > 100).mean() == pytest.approx(1 / 11, abs=5 * np.sqrt(1 / 11 / 20000))
    assert field.x.min() == pytest.approx(-8.5, abs=0.2)
    assert field.x.max() == pytest.approx(207.5, abs=0.2)
    assert field.y.max() == pytest.approx(107.5, abs=0.2)
    np.testing.assert_array_equal(field.x, Stars.random(20000, **names).x)
    np.testing.assert_array_equal(
        field.x[:50], Stars.random(50, **names).x
    )  # more stars leave the first alone
    assert (field.x != Stars.random(20000, **(names | {"seed": 5})).x).all()


def test_shifted():
    stars = Stars([50.0], [50.0], [1.0])
    np.testing.assert_array_equal(
        stars.shifted(3, -2).render((100, 100))[:96, 4:], stars.render((100, 100))[2:98, 1:97]
    )


def test_quantities():
    stars = Stars([5.0], [5.0], [60] * u.electron / u.min)
    assert stars.flux.tolist() == [1.0]
    with pytest.raises(ParameterError, match="e-/s"):
        Stars([5.0], [5.0], [60] * u.m)


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": [1.0, 2.0]},
        {"x": [np.nan]},
        {"flux": [-1.0]},
        {"flux": [np.inf]},
        {"fwhm": 0.4},
        {"fwhm": np.nan},
        {"profile": "airy"},
        {"profile": "moffat", "beta": 1.0},
    ],
)
def test_impossible_stars(wrong):
    with pytest.raises(ParameterError):
        Stars(**({"x": [1.0], "y": [1.0], "flux": [1.0]} | wrong))


@pytest.mark.parametrize("wrong", [{"flux": (0, 1)}, {"flux": (2, 1)}, {"flux": (1, np.inf)}])
def test_impossible_fields(wrong):
    with pytest.raises(ParameterError):
        Stars.random(3, **({"shape": (10, 10), "flux": (1, 2), "seed": 1} | wrong))
