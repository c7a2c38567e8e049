"""Small parts of an image around a point, and boundaries along a line."""

from __future__ import annotations

import numpy as np

from fullwell.features.base import Map

__all__ = ["around", "boundaries_along", "step_between"]


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


def boundaries_along(areas: Map) -> Map:
    """Return how far the boundaries of pixels on a line are moved so that they have these areas.

    Parameters
    ----------
    areas : ndarray, shape (size,)
        1 for pixels that are not changed.

    Returns
    -------
    ndarray, shape (size + 1,)
        0 in the middle: what a pixel lacks goes out at the nearer end.
    """
    moved = np.concatenate(([0.0], np.cumsum(areas - 1)))
    return np.asarray(moved - moved[len(areas) // 2])
