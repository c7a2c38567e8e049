"""Endpoints about several frames, or all pixels of one: series, flags, hot pixels, two headers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from starlette.requests import Request

from fullwell.detector import Box
from fullwell.errors import FullwellError
from fullwell.flags import Flags
from fullwell.web.answers import Answer, Refusal, refused
from fullwell.web.frames_api import cards_of
from fullwell.web.inspecting import Inspector, frame_of, inspector_of
from fullwell.web.opening import MAIN, OpenFrame
from fullwell.web.parameters import box_of, number, whole
from fullwell.web.pixels import bands
from fullwell.web.summaries import MAD_TO_STD, Sample, sample_of

__all__ = ["compare_headers", "count_flags", "hot_pixels", "series"]

_MOST_FRAMES, _MOST_PIXELS = 2000, 10_000
#: Points this many spreads from the median are marked.
_OUTLIER = 5.0
#: Spread of rounding to whole numbers.
_ROUNDING = 12**-0.5


def series(request: Request) -> Answer:
    """Follow one pixel, or the mean of a box, through a stack."""
    inspector = inspector_of(request)
    ids = _ids(request.query_params.get("ids", ""))
    points: list[dict[str, Any]] = []
    units = set()
    for frame_id in ids:
        try:
            frame = inspector.library.open(frame_id)
            value, problem = _value_in(frame, request), None
            units.add(frame.unit)
        except (FullwellError, OSError) as error:
            refusal = refused(error)
            if refusal.code == "bad-request" and not points:
                raise refusal from None  # the first frame decides what is possible
            value, problem = None, refusal.sentence
        points.append({"id": frame_id, "value": value, "problem": problem, **_labels(inspector, frame_id)})
    values = np.array([point["value"] for point in points if point["value"] is not None], float)
    values = values[np.isfinite(values)]
    median = float(np.median(values)) if values.size else None
    spread = float(MAD_TO_STD * np.median(np.abs(values - median))) if values.size else None
    for point in points:
        point["outlier"] = _is_outlier(point["value"], median, spread)
    unit = units.pop() if len(units) == 1 else None
    return Answer({"points": points, "median": median, "spread": spread, "unit": unit})


def count_flags(request: Request) -> Answer:
    """Count the pixels of each flag."""
    frame_id, frame = frame_of(request)
    counts = inspector_of(request).numbers.get(("flags", frame_id, frame.version), lambda: _flags_in(frame))
    return Answer({"planes": [{"name": name, "count": count} for name, count in counts.items()]})


def hot_pixels(request: Request) -> Answer:
    """List the pixels that stand out above all others, brightest first."""
    frame_id, frame = frame_of(request)
    limit = whole(request, "limit", lowest=1, highest=_MOST_PIXELS, default=200)
    sigma = number(request, "sigma", lowest=1, highest=1e9, default=8)
    inspector = inspector_of(request)

    def level_and_spread() -> tuple[float, float]:
        with inspector.heavy():
            return _level_and_spread(frame)

    level, spread = inspector.numbers.get(("level", frame_id, frame.version), level_and_spread)
    threshold = level + sigma * spread
    found, total = _above(frame, threshold, limit)
    pixels = [
        {"x": x, "y": y, "value": value, "sigma": (value - level) / spread if spread else None}
        for value, x, y in found
    ]
    return Answer(
        {"threshold": threshold, "level": level, "spread": spread, "total": total, "pixels": pixels}
    )


def compare_headers(request: Request) -> Answer:
    """Tell in which cards two frames differ."""
    inspector = inspector_of(request)
    one, two = (_flat_cards(inspector, request.query_params.get(name, "")) for name in ("a", "b"))
    lines_one, lines_two = Counter(one.pop("", ())), Counter(two.pop("", ()))
    common = [keyword for keyword in one if keyword in two]
    differ = [[keyword, one[keyword], two[keyword]] for keyword in common if one[keyword] != two[keyword]]
    only_a = [[keyword, value] for keyword, value in one.items() if keyword not in two]
    only_b = [[keyword, value] for keyword, value in two.items() if keyword not in one]
    same = len(common) - len(differ) + (lines_one & lines_two).total()
    only_a += [list(line) for line in (lines_one - lines_two).elements()]
    only_b += [list(line) for line in (lines_two - lines_one).elements()]
    return Answer({"only_a": only_a, "only_b": only_b, "differ": differ, "same": same})


def _ids(text: str) -> list[str]:
    ids = [one for one in text.split(",") if one]
    if not 1 <= len(ids) <= _MOST_FRAMES:
        raise Refusal("bad-request", f"ids names {len(ids)} frames; 1 to {_MOST_FRAMES} are possible.")
    return ids


def _value_in(frame: OpenFrame, request: Request) -> Any:
    rows, columns = frame.shape
    if "x" in request.query_params or "y" in request.query_params:
        x = whole(request, "x", lowest=0, highest=columns - 1)
        y = whole(request, "y", lowest=0, highest=rows - 1)
        return frame.data.read(Box(x, x + 1, y, y + 1)).item()
    total, good = 0.0, 0
    for _, band in bands(frame.data, box_of(request, frame.shape)):
        finite = np.isfinite(band)
        total += float(band.sum(where=finite, dtype=np.float64))
        good += int(finite.sum())
    return total / good if good else None


def _labels(inspector: Inspector, frame_id: str) -> dict[str, Any]:
    if inspector.library.is_given(frame_id):
        return {"name": frame_id, "date": None}
    try:
        entry = inspector.library.entry(frame_id)
    except Refusal:
        return {"name": None, "date": None}
    return {"name": entry.shown.rpartition("/")[2], "date": entry.facts.get("date")}


def _is_outlier(value: Any, median: float | None, spread: float | None) -> bool:
    if value is None or median is None or spread is None or not np.isfinite(value):
        return False
    least = _ROUNDING if isinstance(value, int) else 0.0
    return bool(abs(value - median) > _OUTLIER * max(spread, least))


def _flags_in(frame: OpenFrame) -> dict[str, int]:
    counts = {str(plane.name): 0 for plane in Flags}
    if frame.flags is not None:
        rows, columns = frame.shape
        for _, band in bands(frame.flags, Box(0, columns, 0, rows)):
            for plane in Flags:
                counts[str(plane.name)] += int(np.count_nonzero(band & np.uint16(plane.value)))
    return counts


def _level_and_spread(frame: OpenFrame) -> tuple[float, float]:
    rows, columns = frame.shape
    sample = sample_of(frame, Box(0, columns, 0, rows))
    if not sample.n:
        sample = Sample(np.zeros(1))
    # Where more than half of all pixels are alike the median absolute deviation is 0.
    return sample.median(), sample.mad_std() or sample.clipped().mean_and_std()[1]


def _above(frame: OpenFrame, threshold: float, limit: int) -> tuple[list[tuple[Any, int, int]], int]:
    rows, columns = frame.shape
    found: list[tuple[Any, int, int]] = []
    total = 0
    for start, band in bands(frame.data, Box(0, columns, 0, rows)):
        y, x = np.nonzero(band > threshold)
        values = band[y, x]
        total += values.size
        best = np.argsort(-values.astype(np.float64), kind="stable")[:limit]
        found += zip(values[best].tolist(), x[best].tolist(), (y[best] + start).tolist(), strict=True)
        found = sorted(found, key=lambda pixel: -pixel[0])[:limit]
    return found, total


def _flat_cards(inspector: Inspector, frame_id: str) -> dict[str, Any]:
    """Cards of the frame by keyword, those of the primary below its own; comments and history under ''."""
    if not frame_id:
        raise Refusal("bad-request", "a and b are missing: ids of two frames.")
    hdus = cards_of(inspector, frame_id)
    part = "" if inspector.library.is_given(frame_id) else inspector.library.entry(frame_id).part
    wanted = {0, int(part)} if part.isdigit() else {0}
    cards: dict[str, Any] = {"": []}
    for hdu in hdus:
        if hdu["index"] in wanted or (part == MAIN and hdu["index"] == 1 and not _has_axes(hdus[0])):
            for keyword, value, _ in hdu["cards"]:
                if keyword in ("COMMENT", "HISTORY", ""):
                    cards[""].append((keyword, value))
                else:
                    cards[keyword] = value
    return cards


def _has_axes(hdu: dict[str, Any]) -> bool:
    return any(keyword == "NAXIS" and value for keyword, value, _ in hdu["cards"])
