"""Mean and variance of an image, or of the difference of two, without what lies far from the median.

The median is exact: a sample tells between which values it must lie, and only what lies there is sorted
(Floyd and Rivest 1975, Communications of the ACM 18, 165). No image of the difference is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.kernels.pool import over_blocks

__all__ = ["Spread", "clipped_spread", "median_of", "quantile_of", "warm_up"]

SMALL = 2**18  # pixels; the plain form is done before the compiled one is loaded
BLOCK = 2**18  # pixels; fixed, so that sums do not depend on the number of threads
SAMPLE = 2**16  # pixels that tell about where the median is
_GREATEST = float(np.finfo(np.float64).max)


@attrs.frozen
class Spread:
    """What is left after clipping.

    Parameters
    ----------
    count : int
        Number of values.
    mean, variance : float
        Of these; NaN if there is none.
    low, high : float
        The least and the greatest of these.
    """

    count: int
    mean: float
    variance: float
    low: float
    high: float


def clipped_spread(
    first: npt.NDArray[Any],
    second: npt.NDArray[Any] | None = None,
    *,
    scale: float = 1.0,
    good: npt.NDArray[np.bool_] | None = None,
    clip: float | None = None,
    rounds: int | None = None,
    compiled: bool | None = None,
) -> Spread:
    """Mean and variance of ``first - scale second`` within some standard deviations of the median, iterated.

    Parameters
    ----------
    first, second : ndarray, shape (rows, columns)
        Of numbers; the compiled loops take float32 and 16-bit integers without sign.
    scale : float
        Factor of `second`.
    good : ndarray of bool, optional
        Pixels that count; those without a finite value never do.
    clip : float or None
        Standard deviations; None clips nothing.
    rounds : int, optional
        How often to clip at most; until nothing changes if not given.
    compiled : bool, optional
        Whether the compiled loops are used; unless the image is small or of another type.

    Returns
    -------
    Spread
        Computed with 64 bits.
    """
    values = _values(first, second, scale, good, compiled)
    low, high = -_GREATEST, _GREATEST
    spread = values.moments(low, high)
    done = 0
    while clip is not None and spread.count and done != rounds:
        center, width = values.median(low, high, spread), clip * float(np.sqrt(spread.variance))
        if not (spread.low < center - width or spread.high > center + width):
            break
        low, high = max(low, center - width), min(high, center + width)
        spread = values.moments(low, high)
        done += 1
    return spread


def median_of(
    image: npt.NDArray[Any], good: npt.NDArray[np.bool_] | None = None, *, compiled: bool | None = None
) -> float:
    """Median of the finite values of an image; NaN if there is none.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    good : ndarray of bool, optional
        Pixels that count.
    compiled : bool, optional
        As for `clipped_spread`.
    """
    values = _values(image, None, 1.0, good, compiled)
    spread = values.moments(-_GREATEST, _GREATEST)
    return values.median(-_GREATEST, _GREATEST, spread) if spread.count else float("nan")


def quantile_of(
    image: npt.NDArray[Any],
    fraction: float,
    good: npt.NDArray[np.bool_] | None = None,
    *,
    compiled: bool | None = None,
) -> float:
    """Quantile of the finite values of an image, linear between two; NaN if there is none.

    Parameters
    ----------
    image, good, compiled
        As for `median_of`.
    fraction : float
        From 0 to 1.
    """
    values = _values(image, None, 1.0, good, compiled)
    spread = values.moments(-_GREATEST, _GREATEST)
    if not spread.count:
        return float("nan")
    place = (spread.count - 1) * fraction
    below = int(place)
    ranks = below, min(below + 1, spread.count - 1)
    low, high = values.ranked(-_GREATEST, _GREATEST, spread, ranks)
    return low + (high - low) * (place - below)


def warm_up() -> None:
    """Compile the loops."""
    ones = np.eye(4, dtype=np.float32)
    for good in (None, ones > 0):
        clipped_spread(ones, ones[::-1], good=good, clip=5.0, compiled=True)
        median_of(ones, good, compiled=True)


def _values(first: Any, second: Any, scale: float, good: Any, compiled: bool | None) -> _Plain | _Compiled:
    if compiled is None:
        kinds = {image.dtype for image in (first, second) if image is not None}
        compiled = first.size >= SMALL and kinds <= {np.dtype(np.float32), np.dtype(np.uint16)}
    return (_Compiled if compiled and first.size else _Plain)(first, second, scale, good)


class _Plain:
    """The values themselves."""

    def __init__(self, first: Any, second: Any, scale: float, good: Any) -> None:
        with np.errstate(invalid="ignore"):
            values = first.astype(np.float64)
            values = values if second is None else values - scale * second.astype(np.float64)
        use = np.isfinite(values)
        self.values: npt.NDArray[np.float64] = values[use if good is None else use & good]

    def moments(self, low: float, high: float) -> Spread:
        inside = self._inside(low, high)
        if not inside.size:
            return Spread(0, float("nan"), float("nan"), float("nan"), float("nan"))
        ends = float(inside.min()), float(inside.max())
        return Spread(inside.size, float(inside.mean()), float(inside.var()), *ends)

    def median(self, low: float, high: float, _: Spread) -> float:
        return float(np.median(self._inside(low, high)))

    def ranked(self, low: float, high: float, _: Spread, ranks: tuple[int, int]) -> tuple[float, float]:
        values = np.partition(self._inside(low, high), sorted(set(ranks)))
        return float(values[ranks[0]]), float(values[ranks[1]])

    def _inside(self, low: float, high: float) -> npt.NDArray[np.float64]:
        return self.values[(self.values >= low) & (self.values <= high)]


class _Compiled:
    """Passes over the images, block by block of rows."""

    def __init__(self, first: Any, second: Any, scale: float, good: Any) -> None:
        # One row stands for what is not there; a frame of one row is not large.
        self._none, self._all = np.zeros((0, 1), np.float32), np.zeros((0, 1), np.bool_)
        height = max(1, BLOCK // max(1, first.shape[1]))
        parts = [slice(y, y + height) for y in range(0, len(first), height)]
        self._blocks = [
            (
                _plane(first[part]),
                self._none if second is None else _plane(second[part]),
                float(scale),
                self._all if good is None else np.ascontiguousarray(good[part]),
            )
            for part in parts
        ]
        self._sample = self._some()
        # A value near them all keeps the digits of the sum of squares.
        self._pivot = float(np.median(self._sample)) if self._sample.size else 0.0

    def moments(self, low: float, high: float) -> Spread:
        from fullwell.kernels.spread_compiled import moments_of_rows

        parts = self._over(lambda block: moments_of_rows(*block, low, high, self._pivot))
        count = sum(part[0] for part in parts)
        if not count:
            return Spread(0, float("nan"), float("nan"), float("nan"), float("nan"))
        total, squares = sum(part[1] for part in parts), sum(part[2] for part in parts)
        mean = total / count
        variance = max(0.0, squares / count - mean * mean)
        ends = float(min(part[3] for part in parts)), float(max(part[4] for part in parts))
        return Spread(count, float(self._pivot + mean), float(variance), *ends)

    def median(self, low: float, high: float, spread: Spread) -> float:
        first, second = self.ranked(low, high, spread, ((spread.count - 1) // 2, spread.count // 2))
        return (first + second) / 2

    def ranked(self, low: float, high: float, spread: Spread, ranks: tuple[int, int]) -> tuple[float, float]:
        """Return the values with so many below them, of those from `low` to `high`; the ranks are close."""
        if spread.low == spread.high:
            return spread.low, spread.low
        sample = self._sample[(self._sample >= low) & (self._sample <= high)]
        share = (ranks[0] + ranks[1] + 1) / (2 * spread.count)
        # Five standard deviations of the rank in the sample; what lies beyond is looked for among all values.
        reach = int(5 * np.sqrt(sample.size * share * (1 - share))) + 1
        place = int(sample.size * share)
        bracket = (low, high)
        if reach < place < sample.size - reach:
            bracket = float(sample[place - reach]), float(sample[place + reach])
        below, values = self._within(low, *bracket)
        if not below <= ranks[0] <= ranks[1] < below + values.size:
            below, values = self._within(low, low, high)
        places = [rank - below for rank in ranks]
        values.partition(sorted(set(places)))
        return float(values[places[0]]), float(values[places[1]])

    def _within(self, low: float, start: float, end: float) -> tuple[int, npt.NDArray[np.float64]]:
        """Count the values from `low` up to `start`, and return those from `start` to `end`."""
        from fullwell.kernels.spread_compiled import collect_rows

        def collect(block: Any) -> Any:
            out = np.empty(block[0].size)
            below, count = collect_rows(*block, low, start, end, out)
            return below, out[:count].copy()

        parts = self._over(collect)
        return sum(part[0] for part in parts), np.concatenate([part[1] for part in parts])

    def _over(self, function: Callable[[Any], Any]) -> list[Any]:
        return over_blocks(function, self._blocks)

    def _some(self) -> npt.NDArray[np.float64]:
        """Return some of the values in rising order, spread over the image."""
        step = max(1, sum(block[0].size for block in self._blocks) // SAMPLE) | 1  # odd: no column of its own
        parts = []
        for first, second, scale, good in self._blocks:
            one, two, use = (
                plane.reshape(-1)[::step] if len(plane) else None for plane in (first, second, good)
            )
            parts.append(_Plain(one, two, scale, use).values)
        return np.sort(np.concatenate(parts))


def _plane(image: Any) -> Any:
    return np.ascontiguousarray(image, dtype=np.float32)
