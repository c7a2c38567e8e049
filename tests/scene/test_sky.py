from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell.errors import ParameterError
from fullwell.scene import Sky


def test_level_and_gradient():
    image = Sky(10, gradient=(0.2, -0.1)).render((100, 400))
    assert image.dtype == np.float32
    assert image.mean(dtype=float) == pytest.approx(10)
    assert np.diff(image.mean(axis=0)).mean() == pytest.approx(10 * 0.2 / 400, rel=1e-4)
    assert np.diff(image.mean(axis=1)).mean() == pytest.approx(-10 * 0.1 / 100, rel=1e-4)


@pytest.mark.parametrize("unit", [u.electron / u.s, u.electron / u.s / u.pix])
def test_quantity(unit):
    assert Sky(3 * unit).level == 3


def test_the_steepest_gradient_ends_at_zero():
    assert Sky(1, gradient=(1, 1)).render((50, 50)).min() >= 0


@pytest.mark.parametrize(
    "wrong", [{"level": -1}, {"level": np.nan}, {"level": 1, "gradient": (1.5, 1)}, {"level": 1 * u.m}]
)
def test_impossible(wrong):
    with pytest.raises(ParameterError):
        Sky(**wrong)
