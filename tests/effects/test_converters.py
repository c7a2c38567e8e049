"""Numbers and images with units."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell.effects.converters import adu, electron_rate, electrons, rate_image, seconds
from fullwell.errors import ParameterError


@pytest.mark.parametrize(
    ("convert", "value", "expected"),
    [
        (seconds, 2 * u.min, 120.0),
        (electrons, 3 * u.electron, 3.0),
        (electron_rate, 60 * u.electron / u.min, 1.0),
        (adu, 7 * u.adu, 7.0),
    ],
)
def test_numbers_come_with_a_unit_or_in_the_one_that_is_stated(convert, value, expected):
    assert convert(value) == pytest.approx(expected)
    assert convert(np.float32(1.5)) == 1.5
    with pytest.raises(ParameterError, match="something in"):
        convert(3 * u.m)


def test_images_too():
    image = rate_image(np.ones((2, 3)) * u.electron / u.min)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, 1 / 60)
    same = np.ones((2, 3), np.float32)
    assert rate_image(same) is same


@pytest.mark.parametrize("value", [3.0, np.ones(4), -np.ones((2, 2)), np.full((2, 2), np.nan)])
def test_what_is_no_image_of_possible_values_is_refused_by_name(value):
    with pytest.raises(ParameterError, match=r"^rate = .*finite and 0 e-/s or more"):
        rate_image(value)
