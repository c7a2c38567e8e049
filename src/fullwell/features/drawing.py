"""Small parts of an image around a point."""

from __future__ import annotations

import numpy as np

from fullwell.features.base import Map

__all__ = ["around", "step_between"]


def around(image: Map, row: float, column: float, reach: float) -> tuple[Map, Map, Map]:
    """Return the part of `image` within `reach` pixels of a point, as a view.

    Returns
    -------
    part : ndarray
        Writing to it writes to `image`; without an element where the point is too far outside.
    dy, dx : ndarray, shapes (rows, 1) and (columns,)
        Distances from the point.
    """
    rows = slice(max(int(row - reach), 0), max(int(row + reach) + 2, 0))
    columns = slice(max(int(column - reach), 0), max(int(column + reach) + 2, 0))
    part = image[rows, columns]
    dy = (np.arange(part.shape[0]) + rows.start - row)[:, None]
    dx = np.arange(part.shape[1]) + columns.start - column
    return part, np.asarray(dy, np.float64), np.asarray(dx, np.float64)


def step_between(x: Map) -> Map:
    """Go from 0 to 1 around x = 0, within about 4 units."""
    return np.asarray(0.5 * (1 + np.tanh(x)))
