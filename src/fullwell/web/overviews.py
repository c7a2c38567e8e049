"""What one pass over the pixels of a frame gives before it is shown: limits, and the levels that are small.

Limits are what becomes black and white: from all pixels where they can be counted, else from a sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Box
from fullwell.errors import FrameError
from fullwell.kernels.histograms import count_values
from fullwell.kernels.pool import over_blocks
from fullwell.kernels.pooling import pool_blocks
from fullwell.picture import find_limits
from fullwell.web.pixels import Pixels, band_boxes

__all__ = ["TILE", "Interval", "Overview", "levels_of", "make_overview", "small_levels", "tile_type"]

#: Side of a tile in pixels of its level.
TILE = 512
_SAMPLE_ROWS, _SAMPLE = 256, 400_000
_PERCENTAGES = {"p90": 90.0, "p95": 95.0, "p99": 99.0, "p995": 99.5, "p999": 99.9}
Interval = tuple[float, float]


def levels_of(shape: tuple[int, int]) -> int:
    """Return how many levels there are; the last one fits into one tile."""
    return 1 + max(0, math.ceil(math.log2(max(shape) / TILE)))


def small_levels(shape: tuple[int, int]) -> list[int]:
    """Return the pooled levels of at most two tiles a side, which is what screens show of a whole frame."""
    return list(range(max(1, levels_of(shape) - 2), levels_of(shape)))


def tile_type(pixels: Pixels) -> np.dtype[Any]:
    """Return the type in which tiles are sent: uint16 where it holds all values, else float32."""
    return np.dtype(np.uint16 if pixels.dtype in (np.uint16, np.uint8) else np.float32)


@attrs.frozen(eq=False)
class Overview:
    """What one pass gives.

    Parameters
    ----------
    limits : dict or None
        Lowest and highest value by kind: zscale, minmax, and percentages of the pixels. Those of
        16-bit integers are exact; of other types minmax is, and percentages are those of a sample.
        None if no pixel is finite.
    images : dict
        The frame at each of `small_levels`, pooled by the mean.
    """

    limits: dict[str, Interval] | None
    images: dict[int, npt.NDArray[Any]]

    @property
    def nbytes(self) -> int:
        """Bytes of the images."""
        return sum(image.nbytes for image in self.images.values())


@attrs.frozen(eq=False)
class _Band:
    sample: npt.NDArray[Any]
    counts: npt.NDArray[np.int64] | None
    extremes: Sequence[float]
    small: list[npt.NDArray[Any]]


def make_overview(pixels: Pixels) -> Overview:
    """Look at all pixels of a frame, by all threads.

    Parameters
    ----------
    pixels : Pixels

    Returns
    -------
    Overview
    """
    rows, columns = pixels.shape
    step = max(1, rows * columns // _SAMPLE)
    rows_apart = max(1, min(step, rows // _SAMPLE_ROWS))
    columns_apart = max(1, step // rows_apart)
    levels, dtype = small_levels(pixels.shape), tile_type(pixels)
    exact = pixels.dtype == np.uint16

    def look_at(box: Box) -> _Band:
        band = pixels.read(box)
        with np.errstate(over="ignore"):  # what float32 cannot hold is shown as infinite
            sent = np.ascontiguousarray(band, dtype) if levels else band
        return _Band(
            band[-box.y0 % rows_apart :: rows_apart, ::columns_apart].copy(),
            count_values(band) if exact else None,
            () if exact else _extremes(band),
            [pool_blocks(sent, 1 << level) for level in levels],
        )

    boxes = band_boxes(pixels, Box(0, columns, 0, rows), multiple=1 << max(levels, default=0))
    bands = over_blocks(look_at, boxes)
    images = {level: np.concatenate([band.small[k] for band in bands]) for k, level in enumerate(levels)}
    return Overview(_limits(bands), images)


def _extremes(band: npt.NDArray[Any]) -> Sequence[float]:
    low, high = float(np.fmin.reduce(band, axis=None)), float(np.fmax.reduce(band, axis=None))
    if np.isfinite(low) and np.isfinite(high):  # NaN does not count there, infinities do
        return low, high
    finite = band[np.isfinite(band)]
    return (float(finite.min()), float(finite.max())) if finite.size else ()


def _limits(bands: Sequence[_Band]) -> dict[str, Interval] | None:
    values = np.concatenate([band.sample for band in bands])
    counted = [band.counts for band in bands if band.counts is not None]
    counts = np.sum(counted, axis=0) if counted else None
    extremes = [value for band in bands for value in band.extremes]
    if counts is not None:
        seen = np.flatnonzero(counts)
        extremes = [float(seen[0]), float(seen[-1])]
    if not extremes:
        return None
    minmax = _wide(min(extremes), max(extremes))
    try:
        limits = {"zscale": find_limits(values, limits="zscale"), "minmax": minmax}
    except FrameError:  # no pixel of the sample is finite
        limits = {"zscale": minmax, "minmax": minmax}
    if counts is not None:
        return limits | {name: _percentile(counts, percent) for name, percent in _PERCENTAGES.items()}
    finite = values[np.isfinite(values)]
    if not finite.size:
        return limits | dict.fromkeys(_PERCENTAGES, minmax)
    ends = [(100.0 - percent) / 2.0 for percent in _PERCENTAGES.values()]
    low, high = np.percentile(finite, [ends, [100.0 - end for end in ends]])
    return limits | {name: _wide(*pair) for name, *pair in zip(_PERCENTAGES, low, high, strict=True)}


def _percentile(counts: npt.NDArray[Any], percent: float) -> Interval:
    total = np.cumsum(counts)
    tail = (100.0 - percent) / 200.0
    low, high = (int(np.searchsorted(total, part * (total[-1] - 1) + 1)) for part in (tail, 1.0 - tail))
    return _wide(low, high)


def _wide(low: float, high: float) -> Interval:
    return (float(low), float(high)) if low < high else (low - 0.5, low + 0.5)
