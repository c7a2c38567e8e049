"""Bad pixels and columns by the thresholds of electro-optical tests."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order
from fullwell.errors import ParameterError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags

__all__ = ["DefectRules", "bad_columns", "find_defects"]

Mask = npt.NDArray[np.bool_]
CELL = 32  # pixels whose median is what is around


@attrs.frozen
class DefectRules:
    """Thresholds; the defaults are those of the tests of LSST (eotest, eo_pipe, cp_pipe).

    Parameters
    ----------
    bright : float
        Dark current from which on a pixel is HOT, e-/s.
    dark : float
        Response, as part of the median of the pixels around, below which a pixel is DEAD.
    bright_run, dark_run : int
        So many such pixels on one column, gaps included, make it a bad column: BAD from the first of them, in
        the order of the read-out, to the end that is read last.
    gap : int
        Good pixels between two bad ones that do not interrupt a run.
    border : int
        Pixels along the edge of the detector that are not judged by their response.

    Raises
    ------
    ParameterError
        If a value is impossible.
    """

    bright: float = 5.0
    dark: float = 0.8
    bright_run: int = 20
    dark_run: int = 100
    gap: int = 30
    border: int = 9

    def __attrs_post_init__(self) -> None:
        if not (np.isfinite(self.bright) and self.bright > 0):
            raise ParameterError("bright", self.bright, "finite and above 0 e-/s")
        if not 0 < self.dark < 1:
            raise ParameterError("dark", self.dark, "between 0 and 1, both excluded")
        for name, least in (("bright_run", 2), ("dark_run", 2), ("gap", 0), ("border", 0)):
            if not getattr(self, name) >= least:
                raise ParameterError(name, getattr(self, name), f"{least} pixels or more")


def find_defects(
    rate: Any, response: npt.NDArray[Any] | None, detector: Detector, rules: DefectRules
) -> FlagImage:
    """Return HOT, DEAD and BAD pixels.

    Parameters
    ----------
    rate : ndarray or None, shape (rows, columns)
        Dark current, e-/s.
    response : ndarray or None, shape (rows, columns)
        Of a flat.
    detector : Detector
        In which order columns are read.
    rules : DefectRules
    """
    flags = np.zeros(detector.shape, FLAG_DTYPE)
    if rate is not None:
        bright = np.asarray(rate > rules.bright)
        flags[bright] |= FLAG_DTYPE.type(Flags.HOT)
        flags[bad_columns(bright, detector, least=rules.bright_run, gap=rules.gap)] |= FLAG_DTYPE.type(
            Flags.BAD
        )
    if response is not None:
        weak = np.asarray(response < rules.dark * _around(response))
        inside = np.zeros(weak.shape, bool)
        edge = rules.border
        inside[edge : weak.shape[0] - edge, edge : weak.shape[1] - edge] = True
        weak &= inside
        flags[weak] |= FLAG_DTYPE.type(Flags.DEAD)
        flags[bad_columns(weak, detector, least=rules.dark_run, gap=rules.gap)] |= FLAG_DTYPE.type(Flags.BAD)
    return flags


def bad_columns(bad: Mask, detector: Detector, *, least: int, gap: int) -> Mask:
    """Return which pixels lie on a column behind the begin of a long run of bad ones."""
    columns = np.zeros(bad.shape, bool)
    views = in_read_order(columns, detector, layout="assembled")
    for part, behind in zip(in_read_order(bad, detector, layout="assembled"), views, strict=True):
        for column in np.flatnonzero(part.sum(axis=0) * (gap + 1) >= least):
            rows = np.flatnonzero(part[:, column])
            for run in np.split(rows, np.flatnonzero(np.diff(rows) > gap + 1) + 1):
                # Half of a run at least is bad itself: hot pixels that lie about by chance are no column.
                if run[-1] - run[0] + 1 >= least and 2 * run.size >= run[-1] - run[0] + 1:
                    behind[run[0] :, column] = True
                    break
    return columns


def _around(response: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Median of the cell about each pixel."""
    rows, columns = response.shape
    around = np.ones((rows, columns))
    for top in range(0, rows, CELL):
        for left in range(0, columns, CELL):
            part = (slice(top, top + CELL), slice(left, left + CELL))
            good = response[part][np.isfinite(response[part])]
            around[part] = np.median(good) if good.size else 1.0
    return around
