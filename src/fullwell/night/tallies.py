"""Robust statistics of integers from how often each occurs: the same numbers as from the values, unsorted."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.kernels.histograms import count_differences, count_values

__all__ = ["Tally"]


@attrs.frozen(eq=False)
class Tally:
    """Values in rising order, and how often each occurs.

    Parameters
    ----------
    values : ndarray of float64
    counts : ndarray of int64
        Above 0.
    """

    values: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, image: npt.NDArray[np.uint16]) -> Tally:
        """Tally the pixels of an image."""
        return cls._of(count_values(image), 0)

    @classmethod
    def of_differences(cls, image: npt.NDArray[np.uint16]) -> Tally:
        """Tally the differences of pixels two columns apart."""
        counts = count_differences(image)
        return cls._of(counts, -(len(counts) // 2))

    @classmethod
    def _of(cls, counts: npt.NDArray[np.int64], first: int) -> Tally:
        there = np.flatnonzero(counts)
        return cls((there + first).astype(np.float64), counts[there])

    @property
    def size(self) -> int:
        """Number of values."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        """Mean."""
        return float((self.values * self.counts).sum() / self.size)

    @property
    def std(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(((self.values - self.mean) ** 2 * self.counts).sum() / self.size))

    @property
    def median(self) -> float:
        """Median; between the two middle values of an even number."""
        return self.percentile(50)

    def percentile(self, percent: float) -> float:
        """Return a percentile, with NumPy's linear rule."""
        place = (self.size - 1) * percent / 100
        below, above = (self._ranked(int(rank)) for rank in (np.floor(place), np.ceil(place)))
        return float(below + (above - below) * (place - np.floor(place)))

    def clipped(self, *, limit: float = 5.0, rounds: int = 10) -> Tally:
        """Return the values within `limit` standard deviations of their median, iterated."""
        tally = self
        for _ in range(rounds):
            if not tally.size:
                break
            inside = np.abs(tally.values - tally.median) <= limit * tally.std
            if inside.all():
                break
            tally = Tally(tally.values[inside], tally.counts[inside])
        return tally

    def share(self, at_least: float) -> float:
        """Fraction of the values at or above a limit."""
        return float(self.counts[self.values >= at_least].sum() / self.size)

    def _ranked(self, rank: int) -> float:
        """Return the value with so many below it."""
        return float(self.values[np.searchsorted(np.cumsum(self.counts), rank, side="right")])
