"""Values between which a frame is shown: from all pixels where they can be counted, else from a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.detector import Box
from fullwell.errors import FrameError
from fullwell.kernels.histograms import count_values
from fullwell.kernels.pool import over_blocks
from fullwell.picture import find_limits
from fullwell.web.pixels import Pixels, band_boxes

__all__ = ["find_all_limits"]

_SAMPLE_ROWS, _SAMPLE = 256, 400_000
_PERCENTAGES = {"p90": 90.0, "p95": 95.0, "p99": 99.0, "p995": 99.5, "p999": 99.9}
Interval = tuple[float, float]


def find_all_limits(pixels: Pixels) -> dict[str, Interval] | None:
    """Return the limits of all kinds: zscale, minmax, and percentages of the pixels.

    Parameters
    ----------
    pixels : Pixels

    Returns
    -------
    dict
        Lowest and highest value each; None if no pixel is finite. Those of 16-bit integers are
        exact; of other types minmax is, and percentages are those of a sample.
    """
    rows, columns = pixels.shape
    whole = Box(0, columns, 0, rows)
    step = max(1, rows * columns // _SAMPLE)
    rows_apart = max(1, min(step, rows // _SAMPLE_ROWS))
    columns_apart = max(1, step // rows_apart)
    exact = pixels.dtype == np.uint16

    def of_band(box: Box) -> tuple[npt.NDArray[Any], Any, list[float]]:
        band = pixels.read(box)
        sample = band[-box.y0 % rows_apart :: rows_apart, ::columns_apart].copy()
        if exact:
            return sample, count_values(band), []
        finite = band[np.isfinite(band)]
        return sample, 0, [float(finite.min()), float(finite.max())] if finite.size else []

    parts = over_blocks(of_band, band_boxes(pixels, whole))
    values = np.concatenate([sample for sample, _, _ in parts])
    counts = sum(counted for _, counted, _ in parts)
    extremes = [value for _, _, found in parts for value in found]
    try:
        limits = {"zscale": find_limits(values, limits="zscale")}
    except FrameError:
        if not extremes and not exact:
            return None
        limits = {"zscale": _wide(min(extremes), max(extremes))}
    if exact:
        seen = np.flatnonzero(counts)
        limits["minmax"] = _wide(float(seen[0]), float(seen[-1]))
        limits |= {name: _percentile(counts, percent) for name, percent in _PERCENTAGES.items()}
    else:
        limits["minmax"] = _wide(min(extremes), max(extremes))
        finite = values[np.isfinite(values)]
        limits |= {
            name: find_limits(finite[np.newaxis], limits=percent) if finite.size else limits["minmax"]
            for name, percent in _PERCENTAGES.items()
        }
    return limits


def _percentile(counts: npt.NDArray[Any], percent: float) -> Interval:
    total = np.cumsum(counts)
    tail = (100.0 - percent) / 200.0
    low, high = (int(np.searchsorted(total, part * (total[-1] - 1) + 1)) for part in (tail, 1.0 - tail))
    return _wide(low, high)


def _wide(low: float, high: float) -> Interval:
    return (float(low), float(high)) if low < high else (low - 0.5, low + 0.5)
