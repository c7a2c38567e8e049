"""Combine raw integers: the loops for frames of 16-bit pixels without masks, levels or weights.

Everything up to the first rejection runs across the pixels of a tile; the few pixels that may lose a value are
finished one by one on their sorted column (`clip_columns`). The rule is that of `fullwell.kernels.combine`.

Numba makes 64 bits of the sum of two integers of 32, which halves the speed; hence single precision, in which all
integers here are exact, and 16 bits where they are enough.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine import MAD_TO_STD
from fullwell.kernels.combine_columns_compiled import MAD, NOISE, NONE, STD, clip_columns
from fullwell.kernels.memory_compiled import count_outside, load_ordered, prefetch
from fullwell.kernels.networks import BLOCK
from fullwell.kernels.networks_compiled import WIDTH, sort_rows

__all__ = ["combine_integers"]

u8, u16, u64 = np.uint8, np.uint16, np.uint64
f32, f64 = np.float32, np.float64
_W = WIDTH
_LINE = 64  # bytes that memory hands out at once
_CHUNK = 64  # rows: sums of so many 16-bit integers are exact in single precision

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")
#: For loops across pixels. No flag lets the compiler forget NaN and infinity.
_fast = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})


@_jit
def combine_integers(
    planes: Any, network: Any, rule: Any, noise: Any, factors: Any, start: Any, stop: Any,
    value: Any, used: Any, empirical: Any, propagated: Any, lost: Any,
) -> None:  # fmt: skip
    """Combine the pixels from `start` to `stop`.

    Parameters
    ----------
    planes : (addresses of uint64, swapped of bool, top of uint16, zero)
        Where the frames are; see `load_ordered`. `zero` is the value whose ordered form is 0.
    network : ndarray of int32
        ``batcher(padded(N) // BLOCK)``.
    rule : (spread, clip, median)
        Code of the spread, factor, whether the median is wanted.
    noise : (read_variance, slope, pedestal)
        The same for all frames.
    factors : (ndarray of float64, float, float)
        Sum of the squared shares of n kept values, for n = 0 to N; what to multiply the empirical and the
        propagated variance with.
    start, stop : int
        Pixels.
    value, empirical, propagated : ndarray of float32
    used : ndarray of uint16
        Of the whole plane, flat; `propagated` may be empty.
    lost : ndarray of int64, shape (N,)
        Number of rejected values of each frame, to which is added.
    """
    addresses, swapped, top, zero = planes
    n = addresses.size
    blocks = (n + BLOCK - 1) // BLOCK
    space = np.empty(blocks * BLOCK * _W * 2 + _LINE, np.uint8)
    shift = (_LINE - space.ctypes.data % _LINE) % _LINE
    tile = space[shift : shift + blocks * BLOCK * _W * 2].view(np.uint16)
    tile[n * _W :] = u16(0xFFFF)
    singles = np.empty(5 * _W, np.float32)
    totals, bad, column = np.empty(_W), np.empty(_W, np.uint8), np.empty(n, np.int64)
    least, most = np.empty(_W, np.uint16), np.empty(_W, np.uint16)
    outputs = np.empty(3 * _W, np.float32), np.empty(_W, np.uint16)
    spare = np.empty(_W, np.float32)
    for first in range(start, stop, _W):
        count = min(_W, stop - first)
        for i in range(n):
            load_ordered(addresses[i], swapped[i], top[i], first, count, tile[i * _W : i * _W + _W])
            tile[i * _W + count : i * _W + _W] = u16(0)
            for line in range(_W * 2 // _LINE):
                prefetch(addresses[i] + u64(2 * (first + _W) + line * _LINE))
        sort_rows(tile, blocks, network)
        if count == _W:
            end = first + _W
            v, m, e = value[first:end], used[first:end], empirical[first:end]
            w = propagated[first:end] if propagated.size else spare
        else:
            v, e, w = outputs[0][:_W], outputs[0][_W : 2 * _W], outputs[0][2 * _W :]
            m = outputs[1]
        _tile(tile, n, rule, noise, factors, zero, singles, totals, bad, least, v, m, e, w)
        if rule[0] != NONE and bad[:count].any():
            clip_columns(
                tile, column, first, count, planes, rule, noise, factors, bad, least, most, v, m, e, w
            )
            for i in range(n):
                lost[i] += count_outside(addresses[i], swapped[i], top[i], first, count, least, most)
        if count < _W:
            value[first:stop], used[first:stop], empirical[first:stop] = v[:count], m[:count], e[:count]
            if propagated.size:
                propagated[first:stop] = w[:count]


@_fast
def _tile(
    tile: Any, n: Any, rule: Any, noise: Any, factors: Any, zero: Any, singles: Any, totals: Any, bad: Any, best: Any,
    value: Any, used: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    """Finish all pixels as if nothing were rejected, and mark those where something may be."""
    spread, clip, median = rule
    low, high = tile[(n - 1) // 2 * _W : ((n - 1) // 2 + 1) * _W], tile[n // 2 * _W : (n // 2 + 1) * _W]
    square, limit = singles[:_W], singles[_W : 2 * _W]
    _sums(tile, n, low, singles, totals)
    _results(n, low, zero, totals, square, factors, value, used, empirical)
    if median:
        for p in range(_W):
            value[p] = f32(0.5 * (f64(low[p]) + f64(high[p])) + zero)
    _model(low, high, zero, noise, factors[0][n] * factors[2], propagated, limit)
    if spread == NONE:
        return
    # Squared limits on twice the distance from the median, a little too tight: `clip_columns` has the last word.
    tight = f32(4.0 * clip * clip * (1.0 - 3e-5))
    if spread == STD:
        scale = f32(tight / (f64(n) * f64(n)))
        for p in range(_W):
            s = f32(totals[p])
            limit[p] = max(f32(n) * square[p] - s * s, f32(0)) * scale
    elif spread == NOISE:
        for p in range(_W):
            limit[p] *= tight
    else:
        _mad(tile, n, low, high, limit, best)
        tight *= f32(MAD_TO_STD * MAD_TO_STD / 16.0)
        for p in range(_W):
            limit[p] = limit[p] * limit[p] * tight
    _mark(tile[:_W], tile[(n - 1) * _W : n * _W], low, high, limit, bad)


@_fast
def _mark(least: Any, most: Any, low: Any, high: Any, limit: Any, bad: Any) -> None:
    for p in range(_W):
        twice = f32(low[p]) + f32(high[p])
        reach = max(f32(2) * f32(most[p]) - twice, twice - f32(2) * f32(least[p]))
        bad[p] = u8(reach * reach > limit[p])


@_fast
def _model(low: Any, high: Any, zero: Any, noise: Any, share: Any, propagated: Any, limit: Any) -> None:
    """Variance by the noise model, and what the mean of all has of it."""
    read, slope, pedestal = f32(noise[0]), f32(noise[1]), f32(noise[2] - zero)
    for p in range(_W):
        signal = f32(0.5) * (f32(low[p]) + f32(high[p])) - pedestal
        limit[p] = read + slope * max(signal, f32(0))
        propagated[p] = limit[p] * f32(share)


@_fast
def _sums(tile: Any, n: Any, low: Any, singles: Any, totals: Any) -> None:
    """Sum of distances from the lower median, exact, and of their squares."""
    square, middle, total, part = (
        singles[:_W],
        singles[2 * _W : 3 * _W],
        singles[3 * _W : 4 * _W],
        singles[4 * _W :],
    )
    for p in range(_W):
        middle[p] = f32(low[p])
    for p in range(_W):
        square[p] = f32(0)
    for p in range(_W):
        totals[p] = 0.0
    for chunk in range(0, n, _CHUNK):
        end = min(chunk + _CHUNK, n)
        fours = chunk + (end - chunk) // 4 * 4
        for p in range(_W):
            total[p] = f32(0)
        for p in range(_W):
            part[p] = f32(0)
        for i in range(chunk, fours, 4):
            _add_four(tile[i * _W : (i + 4) * _W], middle, total, part)
        for i in range(fours, end):
            _add_one(tile[i * _W : (i + 1) * _W], middle, total, part)
        for p in range(_W):
            totals[p] += f64(total[p])
        for p in range(_W):
            square[p] += part[p]


@_fast
def _add_four(x: Any, middle: Any, total: Any, part: Any) -> None:
    for p in range(_W):
        m = middle[p]
        a, b, c, d = f32(x[p]) - m, f32(x[_W + p]) - m, f32(x[2 * _W + p]) - m, f32(x[3 * _W + p]) - m
        total[p] += (a + b) + (c + d)
        part[p] += (a * a + b * b) + (c * c + d * d)


@_fast
def _add_one(x: Any, middle: Any, total: Any, part: Any) -> None:
    for p in range(_W):
        d = f32(x[p]) - middle[p]
        total[p] += d
        part[p] += d * d


@_fast
def _results(
    n: Any, low: Any, zero: Any, totals: Any, square: Any, factors: Any, value: Any, used: Any, empirical: Any
) -> None:
    inverse = 1.0 / f64(n)
    for p in range(_W):
        value[p] = f32((f64(low[p]) * f64(n) + totals[p]) * inverse + zero)
    scale = f32(factors[0][n] * factors[1] / (f64(n) * f64(n - 1))) if n > 1 else f32(np.nan)
    for p in range(_W):
        s = f32(totals[p])
        empirical[p] = max(f32(n) * square[p] - s * s, f32(0)) * scale
    for p in range(_W):
        used[p] = u16(n)


@_fast
def _mad(tile: Any, n: Any, low: Any, high: Any, double: Any, best: Any) -> None:
    """Four times the MAD: the two middle distances from the median, each doubled, added up.

    The k+1 values nearest to the median stand next to each other in a sorted column; the k-th distance is the
    least, over all windows of that length, of the larger one of the distances of their two ends.
    """
    for p in range(_W):
        double[p] = f32(2) * (f32(high[p]) - f32(low[p]))
    for k in ((n - 1) // 2, n // 2):
        for p in range(_W):
            best[p] = u16(0xFFFF)
        for j in range(n - k):
            _narrow(low, high, tile[j * _W : (j + 1) * _W], tile[(j + k) * _W : (j + k + 1) * _W], best)
        for p in range(_W):
            double[p] += f32(2) * f32(best[p])


@_fast
def _narrow(low: Any, high: Any, first: Any, last: Any, best: Any) -> None:
    for p in range(_W):
        # Distances beyond the two middle values; below 0 the other end of the window is the farther one.
        left = u16(max(low[p], first[p]) - first[p])
        right = u16(max(high[p], last[p]) - high[p])
        best[p] = min(best[p], max(left, right))
