"""Clip many pixels of raw integers in lock-step: a tile of nothing but pixels that may lose a value.

Every round narrows the range of the values of each pixel that stay, by what stayed before, until no range
changes. Only where a limit in units of the standard deviation, the one spread that rounds, lies next to a
whole number in single precision, the pixel is left to `clip_columns`.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.combine import FLOOR, MAD_TO_STD
from fullwell.kernels.combine_columns_compiled import clip_columns, list_marked
from fullwell.kernels.combine_tiles_compiled import CHUNK, NOISE, PIXELS, STD, STEP
from fullwell.kernels.lane_types_compiled import doubles, floats, integers
from fullwell.kernels.lanes_compiled import (
    any_less,
    fused,
    how_many,
    larger,
    less,
    load,
    pick,
    roots,
    shortfall,
    smaller,
    splat,
    store,
    wholes,
)
from fullwell.kernels.networks_compiled import sort_rows
from fullwell.kernels.numba_cache import jit

__all__ = ["REALS", "WORDS", "clip_tile", "count_lost"]

#: Rows that the functions here need as work space.
#: Of uint16: the least and the highest value that stays, how many values lie below these, and how many stay;
#: the two middle values; 1 where something changed; 1 where a limit is in doubt.
#: Of float64: sum and sum of squares of what stays, about the lower median of all; sum of all; limit on twice
#: the distance from the median.
WORDS, REALS = 8, 4

u8, u16, u64, i32, i64 = np.uint8, np.uint16, np.uint64, np.int32, np.int64
f32, f64 = np.float32, np.float64
_W = PIXELS
_LANES = 16  # pixels side by side; few, as they go round as often as the slowest of them
_ROUNDS = 2  # after which only pixels that still change are looked at
_FAR = 1e6  # beyond twice any distance
_NEAR = 4e-9  # of a limit
_CANCELS = 0.75  # of the sum of squares: where the sum takes more away, too few digits are left
_jit = jit()
_fast = jit(fastmath={"contract", "nsz", "arcp"})


@_jit
def clip_tile(
    raw: Any, tile: Any, late: Any, spare: Any, n: Any, rows: Any, merges: Any, width: Any, zero: Any,
    rule: Any, noise: Any, shares: Any, words: Any, reals: Any, column: Any, marked: Any,
    value: Any, used: Any, empirical: Any, propagated: Any, lost: Any,
) -> None:  # fmt: skip
    """Combine the pixels of a tile, and count what each frame loses.

    Parameters
    ----------
    raw : ndarray of uint16
        Values in the order of the frames.
    tile, late, spare : ndarray of uint16
        Work space of the same shape; rows of `spare` beyond the N first hold 0xFFFF.
    n, width : int
        Number of frames, and of pixels; further pixels of `raw` must be there, and may hold anything.
    rows, merges, zero, rule, noise, shares, lost
        As for `combine_integers`.
    words : ndarray of uint16, shape (2 * WORDS * PIXELS,)
    reals : ndarray of float64, shape (2 * REALS * PIXELS,)
    column : ndarray of int32, shape (N,)
    marked : ndarray of int64, shape (PIXELS,)
        Work space.
    value, used, empirical, propagated : ndarray
        Of the tile.
    """
    reach = -(-width // _LANES) * _LANES
    sort_rows(raw, tile, rows, merges, 0, reach)
    for p in range(reach):
        words[p] = u16(0)
        words[_W + p] = u16(0xFFFF)
        words[3 * _W + p] = u16(n)
        words[7 * _W + p] = u16(0)
    for start in range(0, reach, _LANES):
        _count(tile, n, start, words, reals)
        for k in range(_LANES):
            reals[u64(2 * _W + start + k)] = reals[u64(start + k)]
        _iterate(tile, spare, n, rows, merges, start, _ROUNDS, zero, rule, noise, words, reals)
    _go_on(tile, late, spare, n, rows, merges, width, zero, rule, noise, words, reals, marked)
    _finish(tile, n, width, zero, rule, noise, shares, words, reals, value, used, empirical, propagated)
    clip_columns(
        raw, tile, n, width, zero, rule, noise, shares, words[7 * _W : 8 * _W], column, marked, words,
        value, used, empirical, propagated,
    )  # fmt: skip
    for p in range(width, reach):
        words[p], words[_W + p] = u16(0), u16(0xFFFF)
    count_lost(raw, n, reach, words, lost)


@_jit
def count_lost(raw: Any, n: Any, width: Any, bounds: Any, lost: Any) -> None:
    """Count what lies outside of the bounds of its pixel, for each frame.

    Parameters
    ----------
    raw : ndarray of uint16
        A tile, in the order of the frames.
    n, width : int
        Number of frames, and of pixels, a multiple of 16.
    bounds : ndarray of uint16, shape (2 * PIXELS,) or more
        Least value that stays, of each pixel; highest.
    lost : ndarray of int64, shape (N,)
        What is added to.
    """
    for i in range(n):
        lost[i] += _count_outside(raw, i * STEP, width, bounds)


@_jit
def _iterate(
    tile: Any, spare: Any, n: Any, rows: Any, merges: Any, start: Any, most: Any, zero: Any, rule: Any,
    noise: Any, words: Any, reals: Any,
) -> None:  # fmt: skip
    """Go round until nothing changes, or so many times."""
    spread, clip, _ = rule
    for _ in range(most):
        _find_centers(tile, start, words)
        if spread == STD:
            _limit_by_std(tile, n, start, clip, words, reals)
        elif spread == NOISE:
            _limit_by_noise(start, zero, clip, noise, words, reals)
        else:
            _limit_by_mad(tile, spare, n, rows, merges, start, clip, words, reals)
        _narrow(start, words, reals)
        if not _count(tile, n, start, words, reals):
            return


@_jit
def _go_on(
    tile: Any, late: Any, spare: Any, n: Any, rows: Any, merges: Any, width: Any, zero: Any, rule: Any,
    noise: Any, words: Any, reals: Any, marked: Any,
) -> None:  # fmt: skip
    """Bring together the pixels that changed in the last round, or others would go round with them."""
    found = list_marked(words[6 * _W : 7 * _W], width, marked)
    reach = -(-found // _LANES) * _LANES
    for k in range(found, reach):
        marked[k] = marked[0]
    for i in range(n):
        for k in range(reach):
            late[u64(i * STEP + k)] = tile[u64(i * STEP + marked[u64(k)])]
    own, sums = words[WORDS * _W :], reals[REALS * _W :]
    for k in range(reach):
        for row in range(WORDS):
            own[row * _W + k] = words[row * _W + marked[k]]
        sums[k], sums[_W + k] = reals[marked[k]], reals[_W + marked[k]]
    for start in range(0, reach, _LANES):
        _iterate(late, spare, n, rows, merges, start, n + 1, zero, rule, noise, own, sums)
    for k in range(found):
        for row in range(WORDS):
            words[row * _W + marked[k]] = own[row * _W + k]
        reals[marked[k]], reals[_W + marked[k]] = sums[k], sums[_W + k]


@_jit
def _count_outside(raw: Any, row: Any, reach: Any, words: Any) -> Any:
    found = i64(0)
    for p in range(0, reach, _LANES):
        x = load(raw, row + p, _LANES)
        found += how_many(less(x, load(words, p, _LANES)) | less(load(words, _W + p, _LANES), x))
    return found


@_fast
def _count(tile: Any, n: Any, start: Any, words: Any, reals: Any) -> Any:
    """Count and sum what stays, about the lower median of all; return how many counts changed."""
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
    fewer = less(splat(u16(0), _LANES), load(words, 3 * _W + start, _LANES) - count)
    store(words, 3 * _W + start, count)
    store(words, 6 * _W + start, splat(u16(0), _LANES) - fewer)
    return how_many(fewer)


@_jit
def _find_centers(tile: Any, start: Any, words: Any) -> None:
    """Find the two middle values of what stays."""
    last = tile.size // STEP - 1
    for k in range(_LANES):
        p = start + k
        first: Any = i64(words[u64(2 * _W + p)])
        count: Any = i64(words[u64(3 * _W + p)])
        # Where nothing is left these are values of some other row, which does no harm.
        low: Any = max(first + (count + 1) // 2 - 1, 0)
        high: Any = min(first + count // 2, last)
        words[u64(4 * _W + p)] = tile[u64(low * STEP + p)]
        words[u64(5 * _W + p)] = tile[u64(high * STEP + p)]


@_jit
def _limit_by_std(tile: Any, n: Any, start: Any, clip: Any, words: Any, reals: Any) -> None:
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
            _limit_exactly(tile, n, p, clip, epsilon, words, reals)


@_jit
def _limit_exactly(tile: Any, n: Any, p: Any, clip: Any, epsilon: Any, words: Any, reals: Any) -> None:
    """Do it once more where the limit is near a whole number."""
    total, count, limit = reals[p], max(f64(words[3 * _W + p]), 1.0), reals[3 * _W + p]
    near = abs(limit - f64(i32(limit + 0.5))) <= 1.01 * epsilon * limit
    if near or total * total >= _CANCELS * count * reals[_W + p]:
        limit = min(2.0 * clip / count * np.sqrt(_exact_squares(tile, n, p, words)), _FAR)
        reals[3 * _W + p] = limit
        words[7 * _W + p] |= u16(abs(limit - f64(i32(limit + 0.5))) < _NEAR * limit)


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
        count: Any = max(i64(words[u64(3 * _W + p)]), 1)
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
