"""What the constructors of effects take: numbers and images, with a unit or in the one that is stated."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.errors import ChainError, ParameterError
from fullwell.quantities import dimensions, in_unit, number

__all__ = ["checked_image", "fits", "matrix_of", "number_or_image", "places"]


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
        plain = np.asarray(in_unit(value, unit, name=name))
    except ValueError as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(name, type(value).__name__, f"a two-dimensional image, {limit}") from error
    if plain.dtype.kind not in "biuf":
        raise ParameterError(name, type(value).__name__, f"a two-dimensional image of numbers, {limit}")
    with np.errstate(over="ignore"):
        array = plain.astype(np.float32, copy=False)
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


def number_or_image(name: str, value: Any, unit: u.UnitBase) -> Any:
    """Return a plain number, or an image of float32.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if dimensions(value) == 0:
        return number(value, name, unit)
    return checked_image(name, value, unit)


def places(value: Any) -> npt.NDArray[np.int64]:
    """Return rows and columns of pixels, shape (n, 2); there may be none.

    Raises
    ------
    ParameterError
        If they are no whole numbers of 0 or more, in pairs.
    """
    allowed = "whole rows and columns of 0 or more, in pairs"
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ParameterError("pixels", value, allowed) from error
    if not array.size and array.ndim:
        return np.zeros((0, 2), np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 2 or array.shape[1] != 2 or array.min() < 0:
        seen = array.min() if array.size and array.dtype.kind in "iu" else array.dtype.name
        raise ParameterError("pixels", seen, allowed)
    return array.astype(np.int64)


def matrix_of(name: str, value: Any) -> npt.NDArray[np.float64]:
    """Return an array of numbers of any shape, as a copy.

    Raises
    ------
    ParameterError
        If it holds anything but numbers.
    """
    try:
        array = np.array(value)
    except ValueError as error:
        raise ParameterError(name, value, "an array of numbers") from error
    if array.dtype.kind not in "iuf":
        raise ParameterError(name, value, "an array of numbers")
    return array.astype(np.float64)
