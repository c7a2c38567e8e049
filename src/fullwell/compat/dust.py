"""Vignetting and the shadows of dust, as the guide's artificial flat has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.compat.shapes import shape_of
from fullwell.errors import ParameterError

__all__ = ["add_donuts", "make_one_donut", "sensitivity_variations"]

Image = npt.NDArray[np.float64]
_BORDER = 50
#: A ring ends here, standard deviations: what is left is the last bit of 1.
_REACH = 9.0
_NUMBER_OF_FLAT = 40


def make_one_donut(center: Sequence[float], diameter: float = 10, amplitude: float = 0.25) -> Any:
    """Make the shadow of one grain of dust: a dark ring around a point.

    Parameters
    ----------
    center : (x, y)
        Column and row.
    diameter : float
        Pixels. The ring is darkest at ``diameter / sqrt(2)`` from the center.
    amplitude : float
        The ring takes ``amplitude / e`` of the light where it is darkest.

    Returns
    -------
    astropy.modeling.Model
        To be called with x and y: 1 in the center and far away, less between.
    """
    from astropy.modeling.models import Const2D, Gaussian2D, RickerWavelet2D

    if not (np.isfinite(diameter) and diameter > 0):
        raise ParameterError("diameter", diameter, "finite and above 0 pixels")
    x, y = (float(value) for value in center)
    sigma = diameter / 2
    hat = RickerWavelet2D(amplitude, x, y, sigma)
    return Const2D(1.0) + hat - Gaussian2D(amplitude, x, y, x_stddev=sigma, y_stddev=sigma)


def add_donuts(
    image: npt.ArrayLike, number: int = 20, *, seed: int = 43901, amplitude: float = 0.06
) -> Image:
    """Make the shadows of many grains of dust.

    Parameters
    ----------
    image : ndarray
        Gives the shape.
    number : int
        A quarter of the grains throws rings of 5 % of the larger side of the image, the others of 2 %.
    seed : int
        Where the grains lie, and how dark they are.
    amplitude : float
        Mean amplitude of the rings (see `make_one_donut`), which scatter by a fifth of it.

    Returns
    -------
    ndarray of float64
        Part of the light that passes, up to 1. Each grain takes its own part, whatever their number;
        the guide averages the rings instead, so that 40 of them are 0.2 % deep.

    Raises
    ------
    ParameterError
        If the number is negative or `image` is none.
    """
    shape = shape_of(image)
    if number < 0:
        raise ParameterError("number", number, "0 or more")
    generator = np.random.default_rng(seed)
    border = [min(_BORDER, side // 4) for side in shape]
    y, x = (generator.uniform(b, side - b, size=number) for side, b in zip(shape, border, strict=True))
    sizes = np.where(np.arange(number) % 4 == 0, 0.05, 0.02) * max(shape)
    depths = np.clip(generator.normal(amplitude, amplitude / 5, size=number), 0, None)
    passes = np.ones(shape)
    for row, column, size, depth in zip(y, x, sizes, depths, strict=True):
        reach = _REACH * size / 2
        part = tuple(slice(max(int(middle - reach), 0), int(middle + reach) + 1) for middle in (row, column))
        rows, columns = (np.arange(side)[cut] for side, cut in zip(shape, part, strict=True))
        passes[part] *= make_one_donut((column, row), size, depth)(*np.meshgrid(columns, rows))
    return passes


def sensitivity_variations(
    image: npt.ArrayLike,
    vignetting: bool = True,
    dust: bool = True,
    *,
    seed: int = 43901,
) -> Image:
    """Make an artificial flat: less light toward the corners, and dust.

    Parameters
    ----------
    image : ndarray
        Gives the shape.
    vignetting : bool
        A Gaussian around the middle, with twice the larger side as its standard deviation: the corners
        of a square image get 6 % less.
    dust : bool
        The shadows of 40 grains.
    seed : int
        Where the grains lie.

    Returns
    -------
    ndarray of float64
        Relative sensitivity; the highest is 1.
    """
    flat = add_donuts(image, number=_NUMBER_OF_FLAT if dust else 0, seed=seed)
    if vignetting:
        rows, columns = flat.shape
        y = (np.arange(rows) - (rows - 1) / 2)[:, None]
        x = np.arange(columns) - (columns - 1) / 2
        flat *= np.exp(-(x * x + y * y) / (2 * (2 * max(rows, columns)) ** 2))
    return np.asarray(flat / flat.max())
