"""Full pixels and what bled from them, as raw values show it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags
from fullwell.frame import Frame

__all__ = ["flag_full"]


def flag_full(
    frame: Frame, *, saturation: Sequence[float], suspect: Sequence[float] | None, trail: int
) -> FlagImage:
    """Flag raw values at or above their levels, and the trails along the columns.

    Parameters
    ----------
    frame : Frame
        Raw values in ADU.
    saturation, suspect : sequence of float
        ADU with bias, for all amplifiers or one each.
    trail : int
        Least length of a saturated run that is a trail.

    Returns
    -------
    ndarray of uint16
        SATURATED at or above the saturation; BLEED in runs of `trail` such pixels along a column, and in the
        pixel at each end of every run, where the last of the charge came to rest; SUSPECT above `suspect`.
    """
    detector = frame.detector or Detector.single(frame.shape)
    flags = np.zeros(frame.shape, FLAG_DTYPE)
    full = frame.data >= detector.spread(saturation, layout=frame.layout, fill=np.inf)
    if suspect is not None:
        near = frame.data >= detector.spread(suspect, layout=frame.layout, fill=np.inf)
        flags[near & ~full] |= FLAG_DTYPE.type(Flags.SUSPECT)
    if full.any():
        flags[full] |= FLAG_DTYPE.type(Flags.SATURATED)
        columns = np.flatnonzero(full.any(axis=0))
        bleeding = np.zeros(frame.shape, bool)
        bleeding[:, columns] = _trails(full[:, columns], trail)
        flags[bleeding] |= FLAG_DTYPE.type(Flags.BLEED)
    return flags


def _trails(full: npt.NDArray[np.bool_], trail: int) -> npt.NDArray[np.bool_]:
    """Long runs along the first axis, and the neighbors of each run."""
    padded = np.zeros((full.shape[0] + 2, full.shape[1]), np.int8)
    padded[1:-1] = full
    change = np.diff(padded, axis=0)
    starts = np.argwhere(change.T == 1)
    ends = np.argwhere(change.T == -1)
    result = np.zeros(full.shape, bool)
    for (column, first), (_, last) in zip(starts, ends, strict=True):
        if last - first >= trail:
            result[first:last, column] = True
        if first > 0:
            result[first - 1, column] = True
        if last < full.shape[0]:
            result[last, column] = True
    return result
