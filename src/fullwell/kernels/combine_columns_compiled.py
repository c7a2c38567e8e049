"""Clip single pixels of raw integers: on their sorted column survivors stand next to each other.

Sums are exact integers from which rejected values are taken away. What lies within 4e-9 of a squared limit
in units of the standard deviation, the one spread that rounds, is decided as the plain form does it, frame by
frame.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.combine import MAD_TO_STD
from fullwell.kernels.combine_tiles_compiled import FLOOR, NOISE, PIXELS, STD, STEP
from fullwell.kernels.lanes_compiled import load, lowest, which
from fullwell.kernels.numba_cache import jit

__all__ = ["clip_columns", "list_marked"]

u16, u64, i32, i64 = np.uint16, np.uint64, np.int32, np.int64
f32, f64 = np.float32, np.float64
_NEAR = 4e-9
_LANES = 32  # pixels side by side
_jit = jit()


@_jit
def clip_columns(
    raw: Any, tile: Any, n: Any, count: Any, zero: Any, rule: Any, noise: Any, shares: Any, bad: Any,
    column: Any, marked: Any, bounds: Any, value: Any, used: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    """Finish the pixels of a tile that are marked in `bad`.

    Parameters
    ----------
    raw, tile : ndarray of uint16
        Values in the order of the frames, and sorted.
    n : int
        Number of frames.
    count : int
        Pixels that the tile holds.
    zero, rule, noise, shares
        As for `combine_integers`.
    column : ndarray of int32, shape (N,)
    marked : ndarray of int64, shape (PIXELS,)
        Work space.
    bounds : ndarray of uint16, shape (2 * PIXELS,) or more
        The least of the values that stay, of each pixel; the highest.
    value, used, empirical, propagated : ndarray
        Of the tile.
    """
    # No slices, no tuples of arrays, few arrays as arguments: to count references costs more than the rest.
    spread, clip, median = rule
    read, slope, pedestal = noise
    found = list_marked(bad, count, marked)
    for k in range(found):
        p = marked[k]
        for i in range(n):
            column[i] = i32(tile[u64(i * STEP + p)])
        low, high, total, square, center = _clip(column, raw, n, p, zero, spread, clip, read, slope, pedestal)
        m = high - low
        empirical[p] = f32(np.nan)
        if m == 0:
            # Nothing is left: the plain mean of all values.
            value[p], share, signal = f32(_mean(column, n, zero)), shares[n], 0.0
            bounds[p], bounds[PIXELS + p] = u16(1), u16(0)
        else:
            r = i64(column[(n - 1) // 2])
            mean, share, signal = (f64(r * m + total) + zero * f64(m)) / f64(m), shares[m], center - pedestal
            value[p] = f32(center if median else mean)
            bounds[p], bounds[PIXELS + p] = u16(column[low]), u16(column[high - 1])
        if m > 1:
            empirical[p] = f32(f64(m * square - total * total) / (f64(m) * f64(m - 1)) * share)
        used[p] = u16(m)
        propagated[p] = f32(max(read + slope * signal, FLOOR * read) * share)


@_jit
def list_marked(bad: Any, count: Any, marked: Any) -> Any:
    """List what is marked of the first `count` pixels; return how many. `bad` fills whole tiles."""
    found = i64(0)
    for start in range(0, count, _LANES):
        bits = which(load(bad, start, _LANES))
        while bits:
            marked[found] = start + lowest(bits)
            found += 1
            bits &= bits - 1
    while found and marked[found - 1] >= count:
        found -= 1
    return found


@_jit
def _mean(column: Any, n: Any, zero: Any) -> Any:
    total = i64(0)
    for i in range(n):
        total += i64(column[i])
    return (f64(total) + zero * f64(n)) / f64(n)


@_jit
def _clip(
    column: Any,
    raw: Any,
    n: Any,
    p: Any,
    zero: Any,
    spread: Any,
    clip: Any,
    read: Any,
    slope: Any,
    pedestal: Any,
) -> Any:
    """Return the range of survivors, sum and sum of squares about the lower median of all, and center."""
    r = i64(column[(n - 1) // 2])
    total, square = i64(0), i64(0)
    for i in range(n):
        d = i64(column[i]) - r
        total += d
        square += d * d
    low, high, center = 0, n, np.nan
    while high > low:
        m = high - low
        twice = i64(column[low + (m - 1) // 2]) + i64(column[low + m // 2])
        center = 0.5 * f64(twice) + zero
        if spread == STD:
            bound = 4.0 * clip * clip * f64(m * square - total * total)
            first, last, less, squares = _cut(column, r, low, high, twice, f64(m), bound)
            if first < 0:
                mean = (f64(r * m + total) + zero * f64(m)) / f64(m)
                limit = 2.0 * clip * _plain_std(column, raw, n, p, zero, low, high, mean)
                first, last, less, squares = _cut_at(column, r, low, high, twice, limit)
        else:
            if spread == NOISE:
                limit = 2.0 * (clip * np.sqrt(read + slope * max(center - pedestal, 0.0)))
            else:
                limit = 2.0 * (clip * (MAD_TO_STD * _mad_of(column, low, high)))
            first, last, less, squares = _cut_at(column, r, low, high, twice, limit)
        if first == low and last == high:
            break
        low, high, total, square = first, last, total - less, square - squares
    return low, high, total, square, center


@_jit
def _cut_at(column: Any, r: Any, low: Any, high: Any, twice: Any, limit: Any) -> Any:
    """Return the range of what lies within `limit` of `twice`, both doubled, and the sums of the rest."""
    less, squares = i64(0), i64(0)
    while low < high and f64(twice - 2 * i64(column[low])) > limit:
        d = i64(column[low]) - r
        less, squares, low = less + d, squares + d * d, low + 1
    while high > low and f64(2 * i64(column[high - 1]) - twice) > limit:
        d = i64(column[high - 1]) - r
        less, squares, high = less + d, squares + d * d, high - 1
    return low, high, less, squares


@_jit
def _cut(column: Any, r: Any, low: Any, high: Any, twice: Any, m: Any, bound: Any) -> Any:
    """Do the same, the square of `m` times the doubled distance being bounded; -1 for `low` if in doubt."""
    less, squares = i64(0), i64(0)
    doubt = _NEAR * bound
    while low < high:
        reach = f64(twice - 2 * i64(column[low])) * m
        over = reach * abs(reach) - bound
        if abs(over) <= doubt:
            return -1, high, less, squares
        if over < 0.0:
            break
        d = i64(column[low]) - r
        less, squares, low = less + d, squares + d * d, low + 1
    while high > low:
        reach = f64(2 * i64(column[high - 1]) - twice) * m
        over = reach * abs(reach) - bound
        if abs(over) <= doubt:
            return -1, high, less, squares
        if over < 0.0:
            break
        d = i64(column[high - 1]) - r
        less, squares, high = less + d, squares + d * d, high - 1
    return low, high, less, squares


@_jit
def _mad_of(column: Any, low: Any, high: Any) -> Any:
    """MAD of the survivors, as for the tiles."""
    n = high - low
    m = n // 2
    lower, upper = column[low + (n - 1) // 2], column[low + m]
    inner, outer = i32(0), i32(0x7FFFFFFF)
    for i in range(m):
        a, b = i32(lower - column[u64(low + i)]), i32(column[u64(high - m + i)] - upper)
        inner = max(inner, min(a, b))
        outer = min(outer, max(a, b))
    if n % 2:
        outer = inner
    return 0.5 * f64(i64(inner) + i64(outer) + i64(upper) - i64(lower))


@_jit
def _plain_std(column: Any, raw: Any, n: Any, p: Any, zero: Any, low: Any, high: Any, mean: Any) -> Any:
    """Return the standard deviation of the survivors with the roundings of the plain form: frame by frame."""
    least, most = column[low], column[high - 1]
    total = 0.0
    for i in range(n):
        x = i32(raw[i * STEP + p])
        if least <= x <= most:
            d = (f64(x) + zero) - mean
            total += d * d
    return np.sqrt(total / f64(high - low))
