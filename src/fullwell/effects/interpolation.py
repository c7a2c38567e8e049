"""Values for flagged pixels from their neighbors, for those who cannot bear holes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame

__all__ = ["interpolated"]

_BLOCK = 100_000  # pixels that are worked on at a time


def interpolated(frame: Frame, *, planes: Flags, size: int = 5) -> Frame:
    """Replace pixels with the median of the good ones around them.

    Parameters
    ----------
    frame : Frame
    planes : Flags
        Pixels with any of these are replaced. They keep their flags, so that nobody takes them for measured
        ones, and get INTERPOLATED.
    size : int
        Side of the square that is looked at, an odd number of 3 or more. A pixel without a good neighbor
        stays as it is.

    Returns
    -------
    Frame
        With the variance of a median, pi/2 times that of a mean (Kendall & Stuart, *The Advanced Theory of
        Statistics*, section 14.14), where there is a variance.

    Raises
    ------
    ParameterError
        If `size` is not odd or below 3.
    """
    if size < 3 or size % 2 == 0:
        raise ParameterError("size", size, "an odd number of 3 pixels or more")
    rows, columns = np.nonzero(frame.flags & FLAG_DTYPE.type(planes))
    good = ~frame.mask & np.isfinite(frame.data)
    data, flags = frame.data.copy(), frame.flags.copy()
    variance = None if frame.variance is None else frame.variance.copy()
    for start in range(0, rows.size, _BLOCK):
        where = rows[start : start + _BLOCK], columns[start : start + _BLOCK]
        near_y, near_x, inside = _neighbors(*where, size, frame.shape)
        usable = inside & good[near_y, near_x]
        values = np.where(usable, frame.data[near_y, near_x], np.nan)
        count = usable.sum(axis=1)
        some = count > 0
        target = where[0][some], where[1][some]
        data[target] = np.nanmedian(values[some], axis=1)
        flags[target] |= FLAG_DTYPE.type(Flags.INTERPOLATED)
        if variance is not None and frame.variance is not None:
            around = np.where(usable, frame.variance[near_y, near_x], 0.0).sum(axis=1)
            n = count[some]
            variance[target] = (np.where(n > 2, np.pi / 2, 1.0) * around[some] / n**2).astype(variance.dtype)
    return frame.with_(data=data, flags=flags, variance=variance)


def _neighbors(
    rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], size: int, shape: tuple[int, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Places of all pixels of the squares, shape (pixels, size^2), and which of them exist."""
    reach = np.arange(size) - size // 2
    dy, dx = (part.ravel() for part in np.meshgrid(reach, reach, indexing="ij"))
    y, x = rows[:, None] + dy, columns[:, None] + dx
    inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
    return np.clip(y, 0, shape[0] - 1), np.clip(x, 0, shape[1] - 1), inside
