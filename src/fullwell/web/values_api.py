"""What one pixel says: value, noise, electrons, flags, amplifier, and its neighbors."""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.requests import Request

from fullwell.detector import Amplifier, Box
from fullwell.flags import Flags, names_of
from fullwell.web.answers import Answer
from fullwell.web.frames_api import sections_of
from fullwell.web.inspecting import Inspector, frame_of, inspector_of
from fullwell.web.opening import OpenFrame
from fullwell.web.parameters import whole

__all__ = ["value"]

_KNOWN_FLAGS = sum(plane.value for plane in Flags)


def value(request: Request) -> Answer:
    """Read one pixel, and with `size` the square around it."""
    frame_id, frame = frame_of(request)
    rows, columns = frame.shape
    x = whole(request, "x", lowest=0, highest=columns - 1)
    y = whole(request, "y", lowest=0, highest=rows - 1)
    size = whole(request, "size", lowest=0, highest=9, default=0)
    one = Box(x, x + 1, y, y + 1)
    seen = frame.data.read(one).item()
    answer: dict[str, Any] = {"x": x, "y": y, "value": seen, "unit": frame.unit}
    answer["variance"] = None if frame.variance is None else frame.variance.read(one).item()
    flags = 0 if frame.flags is None else int(frame.flags.read(one).item())
    answer["flags"] = names_of(flags & _KNOWN_FLAGS)
    amplifier = _amplifier_at(frame, x, y)
    gain = frame.gain
    if amplifier is not None:
        box = amplifier.raw if frame.layout == "raw" else amplifier.box
        answer |= {
            "amplifier": amplifier.name,
            "section": _section_at(amplifier, frame.layout, x, y),
            "amplifier_x": x - box.x0,
            "amplifier_y": y - box.y0,
        }
        gain = amplifier.gain if amplifier.gain is not None and frame.unit == "adu" else gain
    else:
        answer |= dict.fromkeys(("amplifier", "section", "amplifier_x", "amplifier_y"))
    level = _level(inspector_of(request), frame_id, frame, amplifier)
    answer["electrons"] = None if gain is None or level is None else (seen - level) * gain
    if size:
        answer["neighbors"] = _neighbors(frame, x, y, size)
    return Answer(answer)


def _amplifier_at(frame: OpenFrame, x: int, y: int) -> Amplifier | None:
    if frame.detector is None:
        return None
    for amplifier in frame.detector.amplifiers:
        if _holds(amplifier.raw if frame.layout == "raw" else amplifier.box, x, y):
            return amplifier
    return None


def _level(
    inspector: Inspector, frame_id: str, frame: OpenFrame, amplifier: Amplifier | None
) -> float | None:
    """Value without electrons: 0 where the bias is out, else the median of the overscan; None if unknown."""
    product = str(frame.cards.get("PRODUCT", "")).strip().casefold()
    if frame.unit == "electron" or product == "calibrated" or frame.metadata.already_calibrated.value:
        return 0.0
    raw = frame if frame.layout == "raw" else frame.read_out
    if raw is None or raw.detector is None or amplifier is None:
        return None
    overscan = next(a.overscan for a in raw.detector.amplifiers if a.name == amplifier.name)
    if overscan is None:
        return None
    key = ("overscan", frame_id, frame.version, amplifier.name)
    level: float = inspector.numbers.get(key, lambda: float(np.median(raw.data.read(overscan))))
    return level


def _section_at(amplifier: Amplifier, layout: str, x: int, y: int) -> str:
    found = (name for name, box in sections_of(amplifier, layout) if _holds(box, x, y))
    return next(found, "other")


def _holds(box: Box, x: int, y: int) -> bool:
    return box.x0 <= x < box.x1 and box.y0 <= y < box.y1


def _neighbors(frame: OpenFrame, x: int, y: int, size: int) -> list[list[Any]]:
    """Values of the square around a pixel, row 0 first; None outside of the frame."""
    rows, columns = frame.shape
    half = size // 2
    left, bottom = x - half, y - half
    box = Box(max(left, 0), min(left + size, columns), max(bottom, 0), min(bottom + size, rows))
    square = np.full((size, size), None, object)
    square[box.y0 - bottom : box.y1 - bottom, box.x0 - left : box.x1 - left] = frame.data.read(box)
    return [list(row) for row in square.tolist()]
