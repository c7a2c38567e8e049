"""Charge that crosses the boundaries of pixels, which the charge already collected has moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError
from fullwell.kernels.pool import over_blocks

__all__ = ["mirrored", "moved_charge", "warm_up"]

_ROWS = 32  # that one call of the compiled loop takes


def moved_charge(
    light: npt.NDArray[np.float32],
    charge: npt.NDArray[np.float32],
    east: npt.NDArray[Any],
    north: npt.NDArray[Any],
    *,
    workers: int | None = None,
) -> npt.NDArray[np.float32]:
    """Return what every pixel gains when light falls on an array whose boundaries charge has moved.

    Parameters
    ----------
    light : ndarray of float32, shape (rows, columns)
        Electrons that arrive where they would without the charge.
    charge : ndarray of float32, same shape
        Electrons that move the boundaries. Beyond the edge of the array it is as in a mirror: an even flat
        stays even up to its edge, and no charge leaves.
    east : ndarray, shape (n - 1, n)
        Displacement to the right, in pixels, of a boundary between columns for each electron that lies
        ``i + 1/2`` columns to the left of it and j rows away, at ``[i, j]``; the opposite for one to
        the right.
    north : ndarray, shape (n, n - 1)
        Displacement upward of a boundary between rows for each electron that lies i columns away and
        ``j + 1/2`` rows below.
    workers : int, optional
        Threads; as many as there are cores if not given. The result does not depend on it.

    Returns
    -------
    ndarray of float32, same shape
        Electrons; the sum over all pixels is zero up to rounding. What crosses a boundary is its displacement
        times the mean of the light on both sides.

    Raises
    ------
    FrameError
        If shapes do not fit, or the image has fewer than n rows or columns.
    """
    from fullwell.kernels.brighter_fatter_compiled import add_rows

    n = north.shape[0]
    if light.ndim != 2 or light.shape != charge.shape or min(light.shape) < n:
        raise FrameError(
            f"light and charge must be images of one shape, {n} pixels or more: {light.shape}, {charge.shape}"
        )
    if east.shape != (n - 1, n) or north.shape != (n, n - 1):
        raise FrameError(
            f"displacements of {east.shape} and {north.shape} do not fit; (n - 1, n) and (n, n - 1)"
        )
    tables = [np.ascontiguousarray(table, np.float32) for table in (east, north)]
    light = np.ascontiguousarray(light, np.float32)
    wide = mirrored(charge, n)
    out = np.empty(light.shape, np.float32)
    over_blocks(
        lambda first: add_rows(light, wide, *tables, first, min(first + _ROWS, light.shape[0]), out),
        range(0, light.shape[0], _ROWS),
        workers=workers,
    )
    return out


def mirrored(charge: npt.NDArray[Any], margin: int) -> npt.NDArray[np.float32]:
    """Return `charge` with `margin` rows and columns more on each side, as mirrors at the edges show them."""
    rows, columns = charge.shape
    wide = np.empty((rows + 2 * margin, columns + 2 * margin), np.float32)
    wide[margin:-margin, margin:-margin] = charge
    left, right = wide[:, margin : 2 * margin], wide[:, -2 * margin : -margin]
    wide[:, :margin], wide[:, -margin:] = left[:, ::-1], right[:, ::-1]
    below, above = wide[margin : 2 * margin], wide[-2 * margin : -margin]
    wide[:margin], wide[-margin:] = below[::-1], above[::-1]
    return wide


def warm_up() -> None:
    """Compile the loop."""
    image = np.ones((4, 4), np.float32)
    moved_charge(image, image, np.zeros((1, 2)), np.zeros((2, 1)))
