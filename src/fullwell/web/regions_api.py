"""Endpoints about boxes of one frame: statistics, histogram, cuts and averaged projections."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from starlette.requests import Request

from fullwell.detector import Box
from fullwell.flags import mask_of
from fullwell.kernels.pool import over_blocks
from fullwell.web.answers import Answer
from fullwell.web.inspecting import frame_of, inspector_of
from fullwell.web.opening import OpenFrame
from fullwell.web.parameters import box_of, choice, whole
from fullwell.web.pixels import bands
from fullwell.web.summaries import Sample, sample_of

__all__ = ["cut", "histogram", "projection", "statistics"]

_MOST_BINS = 2**16
#: Columns whose median is taken at once.
_COLUMNS = 128


def statistics(request: Request) -> Answer:
    """Answer with number, mean, median, spread and extremes of the good pixels."""
    sample, frame = _sample(request)
    return Answer(sample.summary() | {"unit": frame.unit})


def histogram(request: Request) -> Answer:
    """Answer with counts in bins from the lowest to the highest value."""
    bins = whole(request, "bins", lowest=1, highest=_MOST_BINS, default=256)
    sample, frame = _sample(request)
    edges, counts = _binned(sample, bins, whole_numbers=frame.data.dtype.kind in "iu")
    mean, sigma = sample.clipped().mean_and_std() if sample.n else (None, None)
    gaussian = {"mean": mean, "sigma": sigma, "n": sample.clipped().n if sample.n else 0}
    return Answer({"edges": edges, "counts": counts, "gaussian": gaussian, "unit": frame.unit})


def cut(request: Request) -> Answer:
    """Answer with the values of one row, or of one column."""
    _, frame = frame_of(request)
    rows, columns = frame.shape
    along_row = choice(request, "axis", ("row", "column")) == "row"
    at = whole(request, "at", lowest=0, highest=(rows if along_row else columns) - 1)
    box = Box(0, columns, at, at + 1) if along_row else Box(at, at + 1, 0, rows)
    values = np.concatenate([band.ravel() for _, band in bands(frame.data, box)])
    return Answer({"positions": np.arange(values.size), "values": values, "unit": frame.unit})


def projection(request: Request) -> Answer:
    """Answer with a row that is the average of the rows of a box, or a column that is that of its columns."""
    inspector, (frame_id, frame) = inspector_of(request), frame_of(request)
    box = box_of(request, frame.shape)
    axis = choice(request, "axis", ("row", "column"))
    average = choice(request, "average", ("mean", "median"))
    key = ("projection", frame_id, frame.version, box, axis, average)

    def made() -> npt.NDArray[np.float64]:
        if average == "mean" or axis == "column":
            return _by_bands(frame, box, axis, average)
        with inspector.heavy():
            return _median_of_rows(frame, box)

    values = inspector.numbers.get(key, made)
    first = box.x0 if axis == "row" else box.y0
    return Answer({"positions": first + np.arange(values.size), "values": values, "unit": frame.unit})


def _sample(request: Request) -> tuple[Sample, OpenFrame]:
    inspector, (_, frame) = inspector_of(request), frame_of(request)
    box = box_of(request, frame.shape)
    circle = choice(request, "shape", ("box", "circle")) == "circle"
    if frame.data.dtype == np.uint16:
        return sample_of(frame, box, circle=circle), frame
    with inspector.heavy():
        return sample_of(frame, box, circle=circle), frame


def _binned(
    sample: Sample, bins: int, *, whole_numbers: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return edges and counts; of integers each bin holds the same number of values."""
    if not sample.n:
        return np.array([0.0, 1.0]), np.zeros(1, np.int64)
    low, high = float(sample.values[0]), float(sample.values[-1])
    if whole_numbers:
        step = max(1, -(-(int(high) - int(low) + 1) // bins))
        edges = np.arange(low - 0.5, high + step, step)
    else:
        edges = np.linspace(low, high, bins + 1) if low < high else np.array([low - 0.5, low + 0.5])
    counts, _ = np.histogram(sample.values, edges, weights=sample.counts)
    return edges, counts.astype(np.int64)


def _good_values(frame: OpenFrame, part: Box, band: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Pixels in a type that holds them, as floats with NaN where some do not count."""
    if frame.flags is None and band.dtype.kind in "iu":
        return band
    values = band.astype(np.float32 if band.dtype.itemsize <= 2 or band.dtype == np.float32 else np.float64)
    if frame.flags is not None:
        values[mask_of(frame.flags.read(part))] = np.nan
    values[~np.isfinite(values)] = np.nan
    return values


def _by_bands(frame: OpenFrame, box: Box, axis: str, average: str) -> npt.NDArray[np.float64]:
    parts = []
    total, number = np.zeros(box.shape[1]), np.zeros(box.shape[1])
    for y, band in bands(frame.data, box):
        part = attrs.evolve(box, y0=box.y0 + y, y1=box.y0 + y + band.shape[0])
        values = _good_values(frame, part, band)
        if axis == "column":
            parts.append(_medians(values) if average == "median" else _means(values))
        else:
            total += np.nansum(values, axis=0, dtype=np.float64)
            number += np.isfinite(values).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.concatenate(parts) if parts else total / number


def _median_of_rows(frame: OpenFrame, box: Box) -> npt.NDArray[np.float64]:
    whole_box = frame.data.read(box)

    def of_columns(x: int) -> npt.NDArray[np.float64]:
        part = attrs.evolve(box, x0=box.x0 + x, x1=min(box.x0 + x + _COLUMNS, box.x1))
        return _medians(_good_values(frame, part, whole_box[:, x : x + _COLUMNS]).T)

    return np.concatenate(over_blocks(of_columns, range(0, box.shape[1], _COLUMNS)))


def _medians(lines: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Median of each line without what is NaN; NaN where nothing is left."""
    lines = np.ascontiguousarray(lines)
    counts = lines.shape[1] - np.isnan(lines).sum(axis=1)
    if counts.min() == lines.shape[1]:
        half = lines.shape[1] // 2
        ordered = np.partition(lines, half, axis=1)
        upper = ordered[:, half].astype(np.float64)
        return upper if lines.shape[1] % 2 else (ordered[:, :half].max(axis=1) + upper) / 2
    ordered = np.sort(lines, axis=1)  # NaN comes last
    ranks = np.stack([np.maximum(counts - 1, 0) // 2, counts // 2], axis=1)
    middle = np.take_along_axis(ordered, np.minimum(ranks, lines.shape[1] - 1), axis=1)
    return np.where(counts > 0, middle.mean(axis=1, dtype=np.float64), np.nan)


def _means(lines: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Mean of each line without what is NaN; NaN where nothing is left."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(lines, axis=1, dtype=np.float64) / np.isfinite(lines).sum(axis=1))
