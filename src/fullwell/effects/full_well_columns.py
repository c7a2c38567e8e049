"""The columns of a detector, cut where charge cannot pass."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Amplifier, Detector

__all__ = ["Segment", "segments_of"]

Rows = npt.NDArray[np.float64]


@attrs.frozen(eq=False)
class Segment:
    """Neighboring columns between two ends; levels are one a row.

    Parameters
    ----------
    slices : tuple of slice
        Rows and columns in the assembled image.
    capacity, onset, ramp : ndarray of float64
        Electrons.
    open_low, open_high : bool
        Whether a register lies before the first row, behind the last.
    """

    slices: tuple[slice, slice]
    capacity: Rows
    onset: Rows
    ramp: Rows
    open_low: bool
    open_high: bool


def segments_of(
    detector: Detector, *, capacity: Rows, onset: Rows, ramp: Rows, midline_stop: bool
) -> Iterator[Segment]:
    """Go through the columns of a detector.

    Parameters
    ----------
    detector : Detector
        The corner from which each amplifier is read says where its register is.
    capacity, onset, ramp : ndarray
        One for each amplifier.
    midline_stop : bool
        Whether charge stops between two amplifiers that are read to different ends.
    """
    boxes = [amplifier.box for amplifier in detector.amplifiers]
    edges = sorted({x for box in boxes for x in (box.x0, box.x1)})
    for x0, x1 in pairwise(edges):
        inside = [i for i, box in enumerate(boxes) if box.x0 <= x0 and box.x1 >= x1]
        inside.sort(key=lambda i: boxes[i].y0)
        run: list[int] = []
        for i in inside:
            if run and _apart(detector.amplifiers[run[-1]], detector.amplifiers[i], stop=midline_stop):
                yield _segment(detector, run, (x0, x1), (capacity, onset, ramp))
                run = []
            run.append(i)
        if run:
            yield _segment(detector, run, (x0, x1), (capacity, onset, ramp))


def _apart(below: Amplifier, above: Amplifier, *, stop: bool) -> bool:
    """Whether charge cannot pass from one amplifier to the one above it."""
    if below.box.y1 != above.box.y0:
        return True
    register_between = below.read_out_corner[1] or not above.read_out_corner[1]
    same_end = below.read_out_corner[1] == above.read_out_corner[1]
    return (register_between and not same_end) or (stop and not same_end)


def _segment(
    detector: Detector, run: list[int], columns: tuple[int, int], levels: tuple[Rows, Rows, Rows]
) -> Segment:
    amplifiers = [detector.amplifiers[i] for i in run]
    heights = [a.box.y1 - a.box.y0 for a in amplifiers]
    capacity, onset, ramp = (np.repeat(level[run], heights) for level in levels)
    return Segment(
        (slice(amplifiers[0].box.y0, amplifiers[-1].box.y1), slice(*columns)),
        capacity,
        onset,
        ramp,
        open_low=not amplifiers[0].read_out_corner[1],
        open_high=amplifiers[-1].read_out_corner[1],
    )
