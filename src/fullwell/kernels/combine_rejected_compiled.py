"""Clip many pixels of raw integers in lock-step: a tile of nothing but pixels that may lose a value.

Every round narrows the range of the values of each pixel that stay, by what stayed before, until no range
changes. Only where a limit in units of the standard deviation, the one spread that rounds, lies next to a
whole number in single precision, the pixel is left to `clip_columns`.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine import FLOOR, MAD_TO_STD
from fullwell.kernels.combine_columns_compiled import clip_columns
from fullwell.kernels.combine_tiles_compiled import CHUNK, NOISE, PIXELS, STD, STEP
from fullwell.kernels.lanes_compiled import any_less, differ, doubles, floats, fused, integers, larger, less
from fullwell.kernels.lanes_compiled import load, pick, roots, shortfall, smaller, splat, store, wholes
from fullwell.kernels.networks_compiled import sort_rows

__all__ = ["REALS", "WORDS", "clip_tile"]

#: Rows of a tile of uint16 and of float64 that the functions here need as work space.
WORDS, REALS = 6, 4

u8, u16, u64, i32, i64 = np.uint8, np.uint16, np.uint64, np.int32, np.int64
f32, f64 = np.float32, np.float64
_W = PIXELS
_LANES = 16  # pixels side by side
_FAR = 1e6  # beyond twice any distance
_NEAR = 4e-9  # of a limit
_CANCELS = 0.75  # of the sum of squares: where the sum takes more away, too few digits are left
_jit = numba.njit(nogil=True, cache=True, error_model="numpy")
_fast = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})


@_jit
def clip_tile(
    raw: Any, tile: Any, spare: Any, n: Any, rows: Any, merges: Any, width: Any, zero: Any, rule: Any,
    noise: Any, shares: Any, words: Any, reals: Any, column: Any, marked: Any, doubt: Any,
    value: Any, used: Any, empirical: Any, propagated: Any, lost: Any,
) -> None:  # fmt: skip
    """Combine the pixels of a tile, and count what each frame loses.

    Parameters
    ----------
    raw : ndarray of uint16
        Values in the order of the frames.
    tile, spare : ndarray of uint16
        Work space of the same shape; rows of `spare` beyond the N first hold 0xFFFF.
    n, width : int
        Number of frames, and of pixels; further pixels of `raw` must be there, and may hold anything.
    rows, merges, zero, rule, noise, shares, lost
        As for `combine_integers`.
    words : ndarray of uint16, shape (WORDS * PIXELS,)
    reals : ndarray of float64, shape (REALS * PIXELS,)
    column : ndarray of int32, shape (N,)
    marked : ndarray of int64, shape (PIXELS,)
    doubt : ndarray of uint8, shape (PIXELS,)
        Work space.
    value, used, empirical, propagated : ndarray
        Of the tile.
    """
    spread, clip, _ = rule
    reach = -(-width // _LANES) * _LANES
    sort_rows(raw, tile, rows, merges, 0, reach)
    for p in range(reach):
        words[p] = u16(0)  # least value that stays
        words[_W + p] = u16(0xFFFF)  # highest
        words[3 * _W + p] = u16(n)  # their number
        doubt[p] = u8(0)
    for start in range(0, reach, _LANES):
        # Few pixels at once: they go round as often as the slowest of them.
        _count(tile, n, start, words, reals)
        for p in range(start, start + _LANES):
            reals[2 * _W + p] = reals[p]
        while True:
            _find_centers(tile, start, words)
            if spread == STD:
                _limit_by_std(tile, n, start, clip, words, reals, doubt)
            elif spread == NOISE:
                _limit_by_noise(start, zero, clip, noise, words, reals)
            else:
                _limit_by_mad(tile, spare, n, rows, merges, start, clip, words, reals)
            _narrow(start, words, reals)
            if not _count(tile, n, start, words, reals):
                break
    _finish(tile, n, width, zero, rule, noise, shares, words, reals, value, used, empirical, propagated)
    unsure = u8(0)
    for p in range(width):
        unsure |= doubt[p]
    if unsure:
        clip_columns(
            raw, tile, n, width, zero, rule, noise, shares, doubt, column, marked, words,
            value, used, empirical, propagated,
        )  # fmt: skip
    for i in range(n):
        lost[i] += _count_outside(raw, i * STEP, width, words)


@_jit
def _count_outside(raw: Any, row: Any, width: Any, words: Any) -> Any:
    found = u16(0)
    for p in range(width):
        x = raw[row + p]
        found = u16(found + u16((x < words[p]) | (x > words[_W + p])))
    return i64(found)


@_fast
def _count(tile: Any, n: Any, start: Any, words: Any, reals: Any) -> Any:
    """Count and sum what stays, about the lower median of all; return how many counts changed.

    Rows 2 and 3 of the words become how many values lie below the range, and in it; rows 0 and 1 of the reals
    the sum and the sum of squares.
    """
    reference = load(tile, (n - 1) // 2 * STEP + start, _LANES)
    center = floats(reference)
    least, most = load(words, start, _LANES), load(words, _W + start, _LANES)
    below, outside = splat(u16(0), _LANES), splat(u16(0), _LANES)
    totals, squares = splat(f64(0), _LANES), splat(f64(0), _LANES)
    for first in range(0, n, CHUNK):
        total, square = splat(f32(0), _LANES), splat(f32(0), _LANES)
        for i in range(first, min(n, first + CHUNK)):
            x = load(tile, i * STEP + start, _LANES)
            low = less(x, least)
            out = low | less(most, x)
            below -= low
            outside -= out
            d = floats(pick(out, reference, x)) - center
            total += d
            square = fused(d, d, square)
        totals += doubles(total)
        squares += doubles(square)
    store(words, 2 * _W + start, below)
    store(reals, start, totals)
    store(reals, _W + start, squares)
    count = splat(u16(n), _LANES) - outside
    changed = differ(count, load(words, 3 * _W + start, _LANES))
    store(words, 3 * _W + start, count)
    return changed


@_jit
def _find_centers(tile: Any, start: Any, words: Any) -> None:
    """Rows 4 and 5 of the words become the two middle values."""
    last = tile.size // STEP - 1
    for k in range(_LANES):
        p = start + k
        first, count = i64(words[u64(2 * _W + p)]), i64(words[u64(3 * _W + p)])
        # Where nothing is left these are values of some other row, which does no harm.
        words[u64(4 * _W + p)] = tile[u64(max(first + (count + 1) // 2 - 1, 0) * STEP + p)]
        words[u64(5 * _W + p)] = tile[u64(min(first + count // 2, last) * STEP + p)]


# Row 3 of the reals becomes the limit on twice the distance from the median.


@_jit
def _limit_by_std(tile: Any, n: Any, start: Any, clip: Any, words: Any, reals: Any, doubt: Any) -> None:
    total = load(reals, start, _LANES)
    count = larger(doubles(load(words, 3 * _W + start, _LANES)), splat(1.0, _LANES))
    squares = count * load(reals, _W + start, _LANES)
    square = total * total
    root = roots(larger(squares - square, splat(0.0, _LANES)))
    limit = smaller(splat(2.0 * clip, _LANES) / count * root, splat(_FAR, _LANES))
    store(reals, 3 * _W + start, limit)
    away = limit - wholes(limit + splat(0.5, _LANES))
    epsilon = 2.0 * f64(min(n, CHUNK) + 8) / 2.0**24  # of the limit, by the rounding of the sum of squares
    if any_less(away * away, limit * limit * splat(epsilon * epsilon, _LANES)) or any_less(
        squares * splat(_CANCELS, _LANES), square
    ):
        for p in range(start, start + _LANES):
            _limit_exactly(tile, n, p, clip, epsilon, words, reals, doubt)


@_jit
def _limit_exactly(
    tile: Any, n: Any, p: Any, clip: Any, epsilon: Any, words: Any, reals: Any, doubt: Any
) -> None:
    """Do it once more where the limit is near a whole number."""
    total, count, limit = reals[p], max(f64(words[3 * _W + p]), 1.0), reals[3 * _W + p]
    near = abs(limit - f64(i32(limit + 0.5))) <= 1.01 * epsilon * limit
    if near or total * total >= _CANCELS * count * reals[_W + p]:
        limit = min(2.0 * clip / count * np.sqrt(_exact_squares(tile, n, p, words)), _FAR)
        reals[3 * _W + p] = limit
        doubt[p] |= u8(abs(limit - f64(i32(limit + 0.5))) < _NEAR * limit)


@_jit
def _exact_squares(tile: Any, n: Any, p: Any, words: Any) -> Any:
    """Return the number of what stays times the sum of squares, less the square of the sum."""
    reference = i64(tile[(n - 1) // 2 * STEP + p])
    total, square = i64(0), i64(0)
    first, count = i64(words[2 * _W + p]), i64(words[3 * _W + p])
    for i in range(first, first + count):
        d = i64(tile[u64(i * STEP + p)]) - reference
        total += d
        square += d * d
    return f64(count * square - total * total)


@_jit
def _limit_by_noise(start: Any, zero: Any, clip: Any, noise: Any, words: Any, reals: Any) -> None:
    read, slope, pedestal = noise
    center = _twice(start, words) * splat(0.5, _LANES) + splat(zero, _LANES)
    signal = larger(center - splat(pedestal, _LANES), splat(0.0, _LANES))
    root = roots(splat(read, _LANES) + splat(slope, _LANES) * signal)
    store(reals, 3 * _W + start, splat(2.0, _LANES) * (splat(clip, _LANES) * root))


@_jit
def _twice(start: Any, words: Any) -> Any:
    low, high = load(words, 4 * _W + start, _LANES), load(words, 5 * _W + start, _LANES)
    return doubles(low) + doubles(high)


@_jit
def _limit_by_mad(
    tile: Any, spare: Any, n: Any, rows: Any, merges: Any, start: Any, clip: Any, words: Any, reals: Any
) -> None:
    _measure(tile, spare, n, start, words)
    sort_rows(spare, spare, rows, merges, start, start + _LANES)
    for k in range(_LANES):
        p = start + k
        count = max(i64(words[u64(3 * _W + p)]), 1)
        twice = f64(spare[u64((count - 1) // 2 * STEP + p)]) + f64(spare[u64(count // 2 * STEP + p)])
        twice += f64(words[u64(5 * _W + p)]) - f64(words[u64(4 * _W + p)])
        reals[u64(3 * _W + p)] = 2.0 * (clip * (MAD_TO_STD * (0.5 * twice)))


@_jit
def _measure(tile: Any, spare: Any, n: Any, start: Any, words: Any) -> None:
    """Measure how far what stays is beyond the nearer of the two middle values."""
    least, most = load(words, start, _LANES), load(words, _W + start, _LANES)
    low, high = load(words, 4 * _W + start, _LANES), load(words, 5 * _W + start, _LANES)
    far = splat(u16(0xFFFF), _LANES)
    for i in range(n):
        x = load(tile, i * STEP + start, _LANES)
        out = less(x, least) | less(most, x)
        store(spare, i * STEP + start, pick(out, far, larger(shortfall(low, x), shortfall(x, high))))


@_jit
def _narrow(start: Any, words: Any, reals: Any) -> None:
    """Narrow the range to what lies within the limit; all but the limit are whole numbers."""
    twice, half = _twice(start, words), splat(0.5, _LANES)
    reach = wholes(smaller(load(reals, 3 * _W + start, _LANES), splat(_FAR, _LANES)))
    one = splat(1.0, _LANES)
    least = integers(larger((twice - reach + one) * half, splat(0.0, _LANES)))  # rounded up
    most = integers(smaller((twice + reach) * half, splat(65535.0, _LANES)))
    store(words, start, larger(load(words, start, _LANES), least))
    store(words, _W + start, smaller(load(words, _W + start, _LANES), most))


@_jit
def _finish(
    tile: Any, n: Any, width: Any, zero: Any, rule: Any, noise: Any, shares: Any, words: Any, reals: Any,
    value: Any, used: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    median, row = rule[2], (n - 1) // 2 * STEP
    read, slope, pedestal = noise
    for p in range(width):
        m, total = f64(words[3 * _W + p]), reals[p]
        squares = m * reals[_W + p]
        if total * total > _CANCELS * squares:
            reals[_W + p] = _exact_squares(tile, n, p, words)
        else:
            reals[_W + p] = squares - total * total
        # Of all values where nothing is left.
        reals[3 * _W + p] = shares[words[3 * _W + p]] if m else shares[n]
    for p in range(width):
        m, share = f64(words[3 * _W + p]), reals[3 * _W + p]
        center = 0.5 * (f64(words[4 * _W + p]) + f64(words[5 * _W + p])) + zero
        count = m if m else f64(n)
        total = reals[p] if m else reals[2 * _W + p]
        best = (f64(tile[row + p]) * count + total + zero * count) / count
        value[p] = f32(center if median and m else best)
        signal = center - pedestal if m else 0.0
        propagated[p] = f32(max(read + slope * signal, FLOOR * read) * share)
        scatter = reals[_W + p] / (m * (m - 1.0)) * share
        empirical[p] = f32(scatter if m > 1.0 else np.nan)
    for p in range(width):
        used[p] = words[3 * _W + p]
