"""Statistics of pixels; of 16-bit integers they follow from how often each value occurs, without sorting."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Box
from fullwell.flags import mask_of
from fullwell.web.opening import OpenFrame
from fullwell.web.pixels import bands

__all__ = ["Sample", "sample_of"]

#: From the median absolute deviation to the standard deviation of a Gaussian.
MAD_TO_STD = 1.4826022185056018
_CLIP, _ROUNDS = 3.0, 20
_PIECE = 2**18
_LARGE = 1e100


@attrs.frozen(eq=False)
class Sample:
    """Values and how often each occurs.

    Parameters
    ----------
    values : ndarray
        In ascending order.
    counts : ndarray of int64, optional
        All above 0; each value occurs once if not given.
    masked : int
        Pixels that were left out.
    """

    values: npt.NDArray[Any]
    counts: npt.NDArray[np.int64] | None = None
    masked: int = 0

    @property
    def n(self) -> int:
        """Number of pixels."""
        return len(self.values) if self.counts is None else int(self.counts.sum())

    def mean_and_std(self) -> tuple[float, float]:
        """Return mean and standard deviation (ddof 0)."""
        unit = self._unit()
        mean = self._sum(0.0, 1, unit) / self.n
        return mean * unit, math.sqrt(self._sum(mean, 2, unit) / self.n) * unit

    def median(self) -> float:
        """Return the median; the mean of both where two values are in the middle."""
        return self._middle(self._value_of_rank)

    def mad_std(self) -> float:
        """Return the standard deviation of a Gaussian of this median absolute deviation."""
        center = self.median()
        return MAD_TO_STD * self._middle(lambda rank: self._distance_of_rank(center, rank))

    def _unit(self) -> float:
        """Return 1, or a power of two for values whose squares are beyond floats."""
        largest = max(abs(float(self.values[0])), abs(float(self.values[-1])))
        return math.ldexp(1.0, math.frexp(largest)[1] - 1) if largest > _LARGE else 1.0

    def _sum(self, center: float, power: int, unit: float) -> float:
        """Sum powers of differences by pieces: millions of floats are not there twice."""
        total = 0.0
        for start in range(0, len(self.values), _PIECE):
            terms = (self.values[start : start + _PIECE].astype(np.float64) / unit - center) ** power
            if self.counts is not None:
                terms *= self.counts[start : start + _PIECE]
            total += float(terms.sum())
        return total

    def _middle(self, of_rank: Callable[[int], float]) -> float:
        n = self.n
        return of_rank((n - 1) // 2) / 2 + of_rank(n // 2) / 2

    def _value_of_rank(self, rank: int) -> float:
        if self.counts is None:
            return float(self.values[rank])
        return float(self.values[np.searchsorted(np.cumsum(self.counts), rank, side="right")])

    def _distance_of_rank(self, center: float, rank: int) -> float:
        """Return the distance from the center of this rank: both sides are sorted, so bisection finds it."""
        total = None if self.counts is None else np.concatenate(([0], np.cumsum(self.counts)))

        def offset(value: Any) -> float:
            return float(value) - center

        def pixels_within(distance: float) -> int:
            left = bisect.bisect_left(self.values, -distance, key=offset)
            right = bisect.bisect_right(self.values, distance, key=offset)
            return right - left if total is None else int(total[right] - total[left])

        def nearest(side: npt.NDArray[Any]) -> float:
            """Smallest distance on one side within which there are more pixels than `rank`."""
            found = bisect.bisect_right(side, rank, key=lambda value: pixels_within(abs(offset(value))))
            return abs(offset(side[found])) if found < len(side) else math.inf

        middle = bisect.bisect_left(self.values, 0.0, key=offset)
        return min(nearest(self.values[middle:]), nearest(self.values[:middle][::-1]))

    def clipped(self) -> Sample:
        """Leave out what is over 3 standard deviations from the median, until nothing changes."""
        kept = self
        for _ in range(_ROUNDS):
            middle, (_, std) = kept.median(), kept.mean_and_std()
            low = np.searchsorted(kept.values, middle - _CLIP * std, side="left")
            high = np.searchsorted(kept.values, middle + _CLIP * std, side="right")
            if high - low in (0, len(kept.values)):
                break
            counts = None if kept.counts is None else kept.counts[low:high]
            kept = attrs.evolve(kept, values=kept.values[low:high], counts=counts)
        return kept

    def summary(self) -> dict[str, Any]:
        """Return all statistics; None where there is no pixel."""
        names = ("mean", "median", "std", "mad_std", "clipped_mean", "clipped_std", "minimum", "maximum")
        if not self.n:
            return {"n": 0, "masked": self.masked, **dict.fromkeys(names)}
        numbers = (*self.mean_and_std(), *self.clipped().mean_and_std())
        mean, std, clipped_mean, clipped_std = numbers
        edges = self.values[0].item(), self.values[-1].item()
        values = (mean, self.median(), std, self.mad_std(), clipped_mean, clipped_std, *edges)
        return {"n": self.n, "masked": self.masked, **dict(zip(names, values, strict=True))}


def sample_of(frame: OpenFrame, box: Box, *, circle: bool = False) -> Sample:
    """Gather the good pixels of a box.

    Parameters
    ----------
    frame : OpenFrame
        Pixels with a flag that is bad for science are left out, and those that are not finite.
    box : Box
    circle : bool
        Whether only pixels whose centers lie in the largest circle, or ellipse, within the box count.

    Returns
    -------
    Sample
    """
    integers = frame.data.dtype == np.uint16
    counts, masked, n = np.zeros(2**16, np.int64), 0, 0
    values = np.empty(0 if integers else box.shape[0] * box.shape[1], frame.data.dtype)
    plain = integers and frame.flags is None and not circle
    for y, band in bands(frame.data, box):
        if plain:
            counts += _counted(band)
            continue
        part = Box(box.x0, box.x1, box.y0 + y, box.y0 + y + band.shape[0])
        inside = _ellipse(part, box) if circle else np.ones(band.shape, bool)
        good = inside & np.isfinite(band)
        if frame.flags is not None:
            good &= ~mask_of(frame.flags.read(part))
        masked += int(inside.sum() - good.sum())
        if integers:
            counts += np.bincount(band[good], minlength=2**16)
        else:
            found = band[good]
            values[n : n + found.size] = found
            n += found.size
    if integers:
        seen = np.flatnonzero(counts)
        return Sample(seen, counts[seen], masked)
    values[:n].sort()
    return Sample(values[:n], None, masked)


def _counted(band: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    from fullwell.kernels.histograms import count_values

    return count_values(band)


def _ellipse(part: Box, box: Box) -> npt.NDArray[np.bool_]:
    x = (np.arange(part.x0, part.x1) + 0.5 - (box.x0 + box.x1) / 2) / ((box.x1 - box.x0) / 2)
    y = (np.arange(part.y0, part.y1) + 0.5 - (box.y0 + box.y1) / 2) / ((box.y1 - box.y0) / 2)
    return np.asarray(y[:, np.newaxis] ** 2 + x[np.newaxis] ** 2 <= 1)
