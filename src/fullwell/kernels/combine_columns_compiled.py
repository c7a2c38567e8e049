"""Clip single pixels of raw integers: on their sorted column survivors stand next to each other.

Sums are exact integers from which rejected values are taken away. What lies within 1e-9 of a limit in units
of the standard deviation, the one spread that rounds, is decided as the plain form does it, frame by frame.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine import MAD_TO_STD
from fullwell.kernels.combine_tiles_compiled import FLOOR, MAD, NOISE
from fullwell.kernels.memory_compiled import value_at
from fullwell.kernels.networks_compiled import WIDTH

__all__ = ["clip_columns"]

u16, i64 = np.uint16, np.int64
f32, f64 = np.float32, np.float64
_NEAR = 1e-9
_jit = numba.njit(nogil=True, cache=True, error_model="numpy")


@_jit
def clip_columns(
    tile: Any, n: Any, first: Any, count: Any, planes: Any, rule: Any, noise: Any, factors: Any,
    bad: Any, least: Any, most: Any, value: Any, used: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    """Finish the pixels of a tile that are marked in `bad`.

    Parameters
    ----------
    tile : ndarray of uint16
        Sorted.
    n : int
        Number of frames.
    first, count : int
        Pixels of the plane that the tile holds.
    planes, rule, noise, factors
        As for `combine_integers`.
    least, most : ndarray of uint16
        Filled with the lowest and highest value that is kept: 0 and 0xFFFF where nothing was marked, 1 and 0
        where nothing is left.
    value, used, empirical, propagated : ndarray
        Of the tile.
    """
    zero = planes[3]
    read, slope, pedestal = noise
    median = rule[2]
    for p in range(WIDTH):
        least[p] = u16(0)
    for p in range(WIDTH):
        most[p] = u16(0xFFFF)
    for p in range(count):
        if not bad[p]:
            continue
        column = tile[p:]
        low, high, total, square, center = _clip(column, n, first + p, planes, rule, noise)
        m = high - low
        r = _at(column, (n - 1) // 2)
        if m == 0:
            # Nothing is left: the plain mean of all values.
            least[p], most[p] = u16(1), u16(0)
            mean, share, signal = _mean(column, n) + zero, factors[0][n], 0.0
            value[p] = f32(mean)
        else:
            least[p], most[p] = u16(_at(column, low)), u16(_at(column, high - 1))
            mean, share, signal = (
                (f64(r * m + total) + zero * f64(m)) / f64(m),
                factors[0][m],
                center - pedestal,
            )
            value[p] = f32(center if median else mean)
        used[p] = u16(m)
        empirical[p] = f32(np.nan)
        if m > 1:
            scatter = f64(m * square - total * total) / (f64(m) * f64(m - 1))
            empirical[p] = f32(scatter * share * factors[1])
        propagated[p] = f32(max(read + slope * signal, FLOOR * read) * share * factors[2])


@_jit
def _at(column: Any, i: Any) -> Any:
    return i64(column[i * WIDTH])


@_jit
def _mean(column: Any, n: Any) -> Any:
    total = i64(0)
    for i in range(n):
        total += _at(column, i)
    return f64(total) / f64(n)


@_jit
def _clip(column: Any, n: Any, pixel: Any, planes: Any, rule: Any, noise: Any) -> Any:
    """Return the range of survivors, sum and sum of squares about the lower median of all, and center."""
    spread, clip, _ = rule
    zero = planes[3]
    r = _at(column, (n - 1) // 2)
    total, square = i64(0), i64(0)
    for i in range(n):
        d = _at(column, i) - r
        total += d
        square += d * d
    low, high, center = 0, n, np.nan
    while high > low:
        m = high - low
        twice = _at(column, low + (m - 1) // 2) + _at(column, low + m // 2)
        center = 0.5 * f64(twice) + zero
        exact = True
        if spread == NOISE:
            limit = clip * np.sqrt(noise[0] + noise[1] * max(center - noise[2], 0.0))
        elif spread == MAD:
            limit = clip * (MAD_TO_STD * _mad_of(column, low, high, twice))
        else:
            limit = clip * (np.sqrt(f64(m * square - total * total)) / f64(m))
            exact = False
        below, above = low, high
        while below < high:
            reach = 0.5 * f64(twice - 2 * _at(column, below))
            if not exact and abs(reach - limit) <= _NEAR * (reach + limit):
                limit = clip * _plain_std(
                    column, low, high, (f64(r * m + total) + zero * f64(m)) / f64(m), pixel, planes
                )
                exact = True
            if reach <= limit:
                break
            below += 1
        while above > below:
            reach = 0.5 * f64(2 * _at(column, above - 1) - twice)
            if not exact and abs(reach - limit) <= _NEAR * (reach + limit):
                # The same for the other end: values there may not be judged by another limit.
                limit = clip * _plain_std(
                    column, low, high, (f64(r * m + total) + zero * f64(m)) / f64(m), pixel, planes
                )
                exact = True
            if reach <= limit:
                break
            above -= 1
        if below == low and above == high:
            break
        for i in range(low, below):
            d = _at(column, i) - r
            total, square = total - d, square - d * d
        for i in range(above, high):
            d = _at(column, i) - r
            total, square = total - d, square - d * d
        low, high = below, above
    return low, high, total, square, center


@_jit
def _mad_of(column: Any, low: Any, high: Any, twice: Any) -> Any:
    """MAD of the survivors, as for the tiles; the best window is where the farther end changes sides."""
    m = high - low
    result = i64(0)
    for k in ((m - 1) // 2, m // 2):
        first, last = low, high - k - 1
        while first < last:
            j = (first + last) // 2
            if twice - 2 * _at(column, j) > 2 * _at(column, j + k) - twice:
                first = j + 1
            else:
                last = j
        best = max(twice - 2 * _at(column, first), 2 * _at(column, first + k) - twice)
        if first > low:
            j = first - 1
            best = min(best, max(twice - 2 * _at(column, j), 2 * _at(column, j + k) - twice))
        result += best
    return 0.25 * f64(result)


@_jit
def _plain_std(column: Any, low: Any, high: Any, mean: Any, pixel: Any, planes: Any) -> Any:
    """Return the standard deviation of the survivors with the roundings of the plain form: frame by frame."""
    addresses, swapped, top, zero = planes
    least, most = _at(column, low), _at(column, high - 1)
    total = 0.0
    for i in range(addresses.size):
        x = i64(value_at(addresses[i], swapped[i], top[i], pixel))
        if least <= x <= most:
            d = (f64(x) + zero) - mean
            total += d * d
    return np.sqrt(total / f64(high - low))
