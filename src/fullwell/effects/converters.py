"""What the constructors of effects take: numbers and images, with a unit or in the one that is stated."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.base import in_unit
from fullwell.errors import ParameterError

__all__ = ["adu", "electron_rate", "electrons", "finite_image", "rate_image", "seconds"]


def seconds(value: Any) -> float:
    """Return a time in seconds."""
    return float(in_unit(value, u.s))


def electrons(value: Any) -> float:
    """Return a charge in electrons."""
    return float(in_unit(value, u.electron))


def electron_rate(value: Any) -> float:
    """Return a rate in electrons per second."""
    return float(in_unit(value, u.electron / u.s))


def adu(value: Any) -> float:
    """Return a level in ADU."""
    return float(in_unit(value, u.adu))


def finite_image(value: Any) -> npt.NDArray[np.float32]:
    """Return an image without a unit, such as a pattern.

    Raises
    ------
    ParameterError
        If it has not two dimensions, or a value that is not finite.
    """
    array = np.asarray(value, np.float32)
    if array.ndim != 2 or not np.isfinite(array).all():
        raise ParameterError("pattern", array.shape, "a two-dimensional image of finite numbers")
    return array


def rate_image(value: Any) -> npt.NDArray[np.float32]:
    """Return an image of rates in electrons per second, such as of dark current.

    Raises
    ------
    ParameterError
        If it has not two dimensions, or a value that is not finite or below 0.
    """
    array = np.asarray(in_unit(value, u.electron / u.s), np.float32)
    if array.ndim != 2 or not (np.isfinite(array) & (array >= 0)).all():
        raise ParameterError("rate", array.shape, "a two-dimensional image, finite and 0 e-/s or more")
    return array
