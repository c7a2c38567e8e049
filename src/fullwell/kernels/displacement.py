"""Charge that lands where the moved boundaries of pixels collect it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError
from fullwell.kernels.pool import over_blocks

__all__ = ["displaced", "warm_up"]

_ROWS = 64  # that one call of the compiled loop takes


def displaced(
    light: npt.NDArray[Any],
    east: npt.NDArray[Any],
    north: npt.NDArray[Any],
    *,
    workers: int | None = None,
) -> npt.NDArray[np.float32]:
    """Return what pixels with moved boundaries collect of the light that falls on pixels without.

    Parameters
    ----------
    light : ndarray, shape (rows, columns)
        0 or more. Beyond the edges it goes on as it is there.
    east : ndarray, shape (rows, columns + 1)
        Displacement to the right, in pixels, of the boundary to the left of each column and of the last one.
    north : ndarray, shape (rows + 1, columns)
        Displacement upward of the boundary below each row and of the last one.
    workers : int, optional
        Threads; as many as there are cores if not given. The result does not depend on it.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        What one pixel gains at a boundary the other loses: the integral of the light over the strip between
        the old boundary and the new. In each pixel the light is a straight line with the slope of its two
        neighbors, held to what stays above 0 (Fromm 1968, J. Comput. Phys. 3, 176). Even light is multiplied
        by 1 + east[:, 1:] - east[:, :-1] + north[1:] - north[:-1] exactly.

    Raises
    ------
    FrameError
        If shapes do not fit.
    """
    from fullwell.kernels.displacement_compiled import collect_rows

    rows, columns = light.shape if light.ndim == 2 else (0, 0)
    if not rows or not columns or east.shape != (rows, columns + 1) or north.shape != (rows + 1, columns):
        raise FrameError(
            f"boundaries of {east.shape} and {north.shape} do not fit light of {light.shape}; "
            "(rows, columns + 1) and (rows + 1, columns)"
        )
    image, *moved = (np.ascontiguousarray(array, np.float32) for array in (light, east, north))
    out = np.empty(image.shape, np.float32)
    over_blocks(
        lambda first: collect_rows(image, *moved, first, min(first + _ROWS, rows), out),
        range(0, rows, _ROWS),
        workers=workers,
    )
    return out


def warm_up() -> None:
    """Compile the loop."""
    displaced(np.ones((2, 2), np.float32), np.zeros((2, 3)), np.zeros((3, 2)))
