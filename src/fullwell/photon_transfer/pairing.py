"""Which flats make a pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fullwell.errors import FrameError, NotEnoughFrames, ParameterError
from fullwell.frame import Frame, as_frame

__all__ = ["match_pairs"]

TOLERANCE = 5e-3


def match_pairs(
    frames: Sequence[Frame], *, by: str = "time", tolerance: float = TOLERANCE
) -> tuple[list[tuple[int, int]], list[int]]:
    """Match frames of one exposure time, or of one flux, two by two in the order taken.

    Parameters
    ----------
    frames : FrameSet or sequence of Frame
        In the order taken.
    by : str
        ``'time'`` for the exposure time, or the name of a header card that says how much light there was.
    tolerance : float
        Largest difference within a pair: seconds, or the unit of the card.

    Returns
    -------
    pairs : list of (int, int)
        Numbers of the frames; the former was taken first.
    left : list of int
        Numbers of the frames without a partner.

    Raises
    ------
    NotEnoughFrames
        If there is no pair at all.
    FrameError
        If a frame does not say its exposure time, or has no number in that card.
    ParameterError
        If the tolerance is negative.
    """
    if not tolerance >= 0:
        raise ParameterError("tolerance", tolerance, "0 or more")
    waiting: list[tuple[int, float]] = []
    pairs = []
    for number in range(len(frames)):
        value = _value(as_frame(frames[number]), by, number)
        partner = next((w for w in waiting if abs(w[1] - value) <= tolerance), None)
        if partner is None:
            waiting.append((number, value))
        else:
            waiting.remove(partner)
            pairs.append((partner[0], number))
    if not pairs:
        raise NotEnoughFrames(
            f"none of the {len(frames)} frames has a partner of the same {by} within {tolerance:g}"
        )
    return pairs, [number for number, _ in waiting]


def _value(frame: Frame, by: str, number: int) -> float:
    if by == "time":
        if frame.exposure_time is None:
            raise FrameError(f"frame {frame.source or number} does not say its exposure time")
        return float(frame.exposure_time)
    value = frame.header.get(by)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise FrameError(f"frame {frame.source or number}: card {by} is {value!r}, not a number")
    return float(value)
