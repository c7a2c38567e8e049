"""What counts as the same: temperatures within 1 K, exposure times within 0.1 %, times of one night."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from fullwell.io.metadata import iso_time
from fullwell.sorting.records import FrameRecord

__all__ = ["exposure_classes", "frame_temperature", "nights", "temperature_classes"]

#: Frames of one group differ by no more than this, in kelvin (dark current: 12 %).
TEMPERATURE_SPAN = 1.0
#: So long without a frame and another night begins, in days.
NIGHT_GAP = 8 / 24
_RELATIVE, _ABSOLUTE = 1e-3, 1e-3
#: Times are compared to the microsecond: a modified Julian date as a float resolves no less.
_TIME_NOISE = 1e-6 / 86400
#: Temperatures are compared to the microkelvin, so that 0.1 + 0.2 makes no difference.
_TEMPERATURE_NOISE = 1e-6


def frame_temperature(record: FrameRecord) -> float | None:
    """Return the temperature in deg C by which a frame is grouped.

    The set temperature where the cooler had reached it within 1 K, which is what the observer meant and
    does not jitter; else the measured one; None if the header has neither.
    """
    measured, wanted = record.metadata.temperature.value, record.metadata.set_temperature.value
    if measured is None:
        return None if wanted is None else float(wanted)
    if wanted is not None and abs(measured - wanted) <= TEMPERATURE_SPAN:
        return float(wanted)
    return float(measured)


def temperature_classes(temperatures: Sequence[float | None]) -> list[float | None]:
    """Return for each temperature the median of its class, rounded to 0.1 deg C.

    Classes are split at gaps over 1 K, and those that still span more than 1 K (a camera that drifted)
    at their widest gap, until none does. A missing temperature joins the only class there is, else it
    stays None.
    """
    known = sorted(value for value in temperatures if value is not None)
    centers: dict[float, float] = {}
    for members in _split(known):
        center = round(median(members), 1) + 0.0  # no -0.0
        centers |= dict.fromkeys(members, center)
    only = next(iter(centers.values())) if len(set(centers.values())) == 1 else None
    return [only if value is None else centers[value] for value in temperatures]


def exposure_classes(seconds: Sequence[float | None]) -> list[float | None]:
    """Return for each exposure time that of its class: equal within 0.1 % or 1 ms.

    The shortest of a class speaks for it; None stays None.
    """
    anchors: dict[float, float] = {}
    anchor: float | None = None
    for value in sorted(value for value in seconds if value is not None):
        if anchor is None or value - anchor > max(_ABSOLUTE, _RELATIVE * anchor) * (1 + 1e-9):
            anchor = value
        anchors[value] = anchor
    return [None if value is None else anchors[value] for value in seconds]


def nights(times: Sequence[float | None]) -> list[str | None]:
    """Return for each modified Julian date the night it belongs to.

    A night ends where 8 h pass without a frame. It is named by the date, half a day before its first
    frame (``'2017-09-08'``); two nights of one name get letters. A frame without a time joins the only
    night there is, else it stays None.
    """
    known = sorted({value for value in times if value is not None})
    names: dict[float, str] = {}
    used: dict[str, int] = {}
    name, last = "", None
    for value in known:
        if last is None or value - last > NIGHT_GAP + _TIME_NOISE:
            date = (iso_time(value - 0.5) or "")[:10]
            used[date] = used.get(date, 0) + 1
            name = date + ("" if used[date] == 1 else _letter(used[date]))
        names[value], last = name, value
    only = next(iter(names.values())) if len(set(names.values())) == 1 else None
    return [only if value is None else names[value] for value in times]


def _split(values: list[float]) -> list[list[float]]:
    if not values or values[-1] - values[0] <= TEMPERATURE_SPAN + _TEMPERATURE_NOISE:
        return [values] if values else []
    gaps = [after - before for before, after in pairwise(values)]
    # Of equal gaps the one nearest to the middle: a steady drift falls into halves, not into crumbs.
    widest = max(range(len(gaps)), key=lambda i: (round(gaps[i], 6), -abs(2 * i - len(gaps) + 1))) + 1
    return _split(values[:widest]) + _split(values[widest:])


def _letter(count: int) -> str:
    return chr(ord("a") + count - 1) if count <= 26 else f"-{count}"
