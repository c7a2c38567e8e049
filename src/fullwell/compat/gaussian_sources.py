"""Images of Gaussian sources from a table, by the names that photutils gave up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["make_gaussian_sources_image", "make_random_gaussians_table"]

Image = npt.NDArray[np.float64]
#: Where a source ends, standard deviations: exp(-8.5**2 / 2) is the last bit of its amplitude.
_REACH = 8.5
_DEFAULTS = {"x_stddev": 1.0, "y_stddev": 1.0, "theta": 0.0}


def make_random_gaussians_table(
    n_sources: int,
    param_ranges: Mapping[str, Sequence[float]],
    seed: Any = None,
    *,
    random_state: Any = None,
) -> Table:
    """Draw the parameters of Gaussian sources, each evenly from a range.

    Parameters
    ----------
    n_sources : int
        How many rows.
    param_ranges : mapping of str to (low, high)
        Columns of the table: ``amplitude`` or ``flux``, ``x_mean``, ``y_mean``, ``x_stddev``,
        ``y_stddev``, ``theta`` (radians).
    seed : int or Generator, optional
        The same number gives the same table; without one it is another each time.
    random_state : int or Generator, optional
        The older name of `seed`.

    Returns
    -------
    astropy.table.Table
        With a column ``amplitude`` wherever ``flux`` was given without it.

    Raises
    ------
    ParameterError
        If the number is negative, a range is none, or both names of the seed are used.
    """
    from astropy.table import Table

    if n_sources < 0:
        raise ParameterError("n_sources", n_sources, "0 or more")
    if seed is not None and random_state is not None:
        raise ParameterError("random_state", random_state, "nothing where seed is given: both name the same")
    generator = np.random.default_rng(seed if random_state is None else random_state)
    table = Table()
    for name, limits in param_ranges.items():
        low, high = _range(name, limits)
        table[name] = generator.uniform(low, high, n_sources)
    if "flux" in table.colnames and "amplitude" not in table.colnames:
        table["amplitude"] = _amplitudes(table)
    return table


def make_gaussian_sources_image(shape: tuple[int, int], source_table: Table, oversample: int = 1) -> Image:
    """Draw the Gaussian sources of a table.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    source_table : astropy.table.Table
        Columns ``amplitude`` or ``flux``, ``x_mean``, ``y_mean``, and, where they differ from a round
        source of standard deviation 1, ``x_stddev``, ``y_stddev``, ``theta`` (radians from the x axis).
    oversample : int
        Points along each side of a pixel whose mean is its value; 1 takes the middle.

    Returns
    -------
    ndarray of float64, shape `shape`

    Raises
    ------
    ParameterError
        If a column is missing, a width is not above 0, or `oversample` is below 1.
    """
    if oversample < 1:
        raise ParameterError("oversample", oversample, "1 or more")
    missing = {"x_mean", "y_mean"} - set(source_table.colnames)
    if missing:
        raise ParameterError("source_table", source_table.colnames, f"columns {sorted(missing)} too")
    image = np.zeros(shape)
    known = [name for name in (*_DEFAULTS, "x_mean", "y_mean") if name in source_table.colnames]
    for row, amplitude in zip(source_table, _amplitudes(source_table), strict=True):
        values = _DEFAULTS | {name: float(row[name]) for name in known}
        _add(image, float(amplitude), oversample=int(oversample), **values)
    return image


def _range(name: str, limits: Sequence[float]) -> tuple[float, float]:
    if len(limits) != 2 or not (np.isfinite(limits).all() and limits[0] <= limits[1]):
        raise ParameterError(f"range of {name}", limits, "two finite values, the lower first")
    return float(limits[0]), float(limits[1])


def _amplitudes(table: Table) -> Image:
    """Return the column, or what follows from the flux and the widths."""
    if "amplitude" in table.colnames:
        return np.asarray(table["amplitude"], np.float64)
    if "flux" not in table.colnames:
        raise ParameterError("source_table", table.colnames, "a column amplitude or flux")
    x, y = (table[name] if name in table.colnames else 1.0 for name in ("x_stddev", "y_stddev"))
    return np.asarray(table["flux"] / (2 * np.pi * x * y), np.float64)


def _add(
    image: Image,
    amplitude: float,
    *,
    x_mean: float,
    y_mean: float,
    x_stddev: float,
    y_stddev: float,
    theta: float,
    oversample: int,
) -> None:
    if not (x_stddev > 0 and y_stddev > 0):
        raise ParameterError("x_stddev, y_stddev", (x_stddev, y_stddev), "above 0 pixels")
    reach = _REACH * max(x_stddev, y_stddev) + 1
    part, rows, columns = _around(image, y_mean, x_mean, reach)
    steps = (np.arange(oversample) + 0.5) / oversample - 0.5
    dy = (rows[:, None] + steps).ravel()[:, None] - y_mean
    dx = (columns[:, None] + steps).ravel() - x_mean
    along = (dx * np.cos(theta) + dy * np.sin(theta)) / x_stddev
    across = (dy * np.cos(theta) - dx * np.sin(theta)) / y_stddev
    light = np.exp(-(along * along + across * across) / 2)
    part += amplitude * light.reshape(rows.size, oversample, columns.size, oversample).mean(axis=(1, 3))


def _around(image: Image, row: float, column: float, reach: float) -> tuple[Image, Image, Image]:
    """Part of an image around a point as a view, with the numbers of its rows and columns."""
    first, last = (int(np.clip(row + side * reach, 0, image.shape[0])) for side in (-1, 1))
    left, right = (int(np.clip(column + side * reach, 0, image.shape[1])) for side in (-1, 1))
    rows, columns = np.arange(first, last), np.arange(left, right)
    return image[first:last, left:right], rows.astype(np.float64), columns.astype(np.float64)
