"""What the constructors of effects take: numbers and images, with a unit or in the one that is stated."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.base import in_unit
from fullwell.errors import ChainError, ParameterError

__all__ = [
    "adu",
    "checked_image",
    "electron_rate",
    "electrons",
    "finite_image",
    "fits",
    "rate_image",
    "seconds",
]


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


def checked_image(
    name: str,
    value: Any,
    unit: u.UnitBase | None = None,
    *,
    least: float | None = None,
    unknown: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.float32]:
    """Return an image of float32.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value : array or Quantity
    unit : astropy unit, optional
        In which plain numbers are.
    least : float, optional
        No value lies below.
    unknown : ndarray of bool, optional
        Pixels whose value does not count.

    Raises
    ------
    ParameterError
        If it has not two dimensions or no pixel, or a value that is not finite or too low.
    """
    words = "" if unit is None else f" {unit.to_string().replace('electron', 'e-').replace(' ', '')}"
    limit = "finite" if least is None else f"finite and {least:g}{words} or more"
    try:
        array = np.asarray(value if unit is None else in_unit(value, unit), np.float32)
    except (TypeError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(name, type(value).__name__, f"a two-dimensional image, {limit}") from error
    if array.ndim != 2 or not array.size:
        raise ParameterError(name, array.shape, f"a two-dimensional image with pixels, {limit}")
    if unknown is not None and unknown.shape != array.shape:
        raise ParameterError("flags", unknown.shape, f"{array.shape}, as {name}")
    bad = ~np.isfinite(array) if least is None else ~(np.isfinite(array) & (array >= least))
    if unknown is not None:
        bad &= ~unknown
    if bad.any():
        row, column = np.argwhere(bad)[0]
        where = f"{int(bad.sum())} pixels are not, the first in row {row}, column {column}"
        raise ParameterError(name, float(array[row, column]), f"a two-dimensional image, {limit}; {where}")
    return array


def fits(effect: str, image: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that an image of an effect has the shape of the frame.

    Raises
    ------
    ChainError
        If it has not.
    """
    if image.shape != shape:
        raise ChainError(f"{effect} has shape {image.shape}, the frame {shape}; crop the one or the other")


def finite_image(value: Any) -> npt.NDArray[np.float32]:
    """Return an image without a unit, such as a pattern; see `checked_image`."""
    return checked_image("pattern", value)


def rate_image(value: Any) -> npt.NDArray[np.float32]:
    """Return an image of rates in electrons per second, such as of dark current; see `checked_image`."""
    return checked_image("rate", value, u.electron / u.s, least=0.0)
