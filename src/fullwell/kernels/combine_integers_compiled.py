"""Combine raw integers: the loops for frames of 16-bit pixels without masks, levels or weights.

Everything up to the first rejection runs across the pixels of a tile; the few pixels that lose a value are finished
one by one on their sorted column, in exact integers. The rule is that of `fullwell.kernels.combine`, decisions agree
with it to the last one: what lies within 1e-9 of a limit in units of the standard deviation, the one spread that
rounds, is decided as the plain form does it.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine import MAD_TO_STD
from fullwell.kernels.memory_compiled import load_ordered, prefetch, value_at
from fullwell.kernels.networks import BLOCK
from fullwell.kernels.networks_compiled import WIDTH, sort_rows

__all__ = ["combine_integers"]

u8, u16, i32, i64, u64 = np.uint8, np.uint16, np.int32, np.int64, np.uint64
f32, f64 = np.float32, np.float64
_W = WIDTH
_LINE = 64  # bytes that memory hands out at once
_CHUNK = 64  # rows whose squares are added up before they join the rest: single precision is enough
_NEAR = 1e-9
NONE, NOISE, STD, MAD = 0, 1, 2, 3

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")
#: For loops across pixels, where no NaN or infinity can be; those flags are left out nonetheless.
_fast = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})


@_jit
def combine_integers(
    planes: Any, network: Any, rule: Any, noise: Any, factors: Any, start: Any, stop: Any,
    value: Any, used: Any, rejected: Any, empirical: Any, propagated: Any, lost: Any,
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
    used, rejected : ndarray of uint16
        Of the whole plane, flat; `propagated` may be empty.
    lost : ndarray of int64, shape (N,)
        Number of rejected values of each frame, to which is added.
    """
    addresses, swapped, top, _ = planes
    n = addresses.size
    blocks = (n + BLOCK - 1) // BLOCK
    space = np.empty(blocks * BLOCK * _W * 2 + _LINE, np.uint8)
    shift = (_LINE - space.ctypes.data % _LINE) % _LINE
    tile = space[shift : shift + blocks * BLOCK * _W * 2].view(np.uint16)
    tile[n * _W :] = u16(0xFFFF)
    work = (np.empty(_W, np.int32), np.empty(_W, np.float32), np.empty(_W, np.float32), np.empty(_W, np.uint8))
    last = np.empty(_W, np.float32), np.empty(_W, np.uint16), np.empty(_W, np.float32), np.empty(_W, np.float32)
    for first in range(start, stop, _W):
        count = min(_W, stop - first)
        for i in range(n):
            load_ordered(addresses[i], swapped[i], top[i], first, count, tile[i * _W : i * _W + _W])
            if count < _W:
                tile[i * _W + count : i * _W + _W] = u16(0)
            for line in range(_W * 2 // _LINE):
                prefetch(addresses[i] + u64(2 * (first + _W) + line * _LINE))
        sort_rows(tile, blocks, network)
        if count == _W:
            end = first + _W
            v, m, e = value[first:end], used[first:end], empirical[first:end]
            w = propagated[first:end] if propagated.size else last[3]
            _tile(tile, n, rule, noise, factors, planes[3], work, v, m, e, w)
        else:
            v, m, e, w = last
            _tile(tile, n, rule, noise, factors, planes[3], work, v, m, e, w)
        bad = work[3]
        for p in range(count):
            if bad[p]:
                _finish(tile, p, first + p, n, planes, rule, noise, factors, v, m, e, w, lost)
        if count < _W:
            for p in range(count):
                value[first + p], used[first + p], empirical[first + p] = v[p], m[p], e[p]
                if propagated.size:
                    propagated[first + p] = w[p]
        for p in range(first, first + count):
            rejected[p] = u16(n) - used[p]


@_fast
def _tile(
    tile: Any, n: Any, rule: Any, noise: Any, factors: Any, zero: Any, work: Any,
    value: Any, used: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    """Finish all pixels as if nothing were rejected, and mark those where something may be."""
    spread, clip, median = rule
    total, square, limit, bad = work
    low, high = (n - 1) // 2 * _W, n // 2 * _W
    _sums(tile, n, low, total, square, limit)
    _results(tile, n, low, high, zero, total, square, factors, value, used, empirical)
    if median:
        for p in range(_W):
            value[p] = f32(0.5 * (f64(tile[low + p]) + f64(tile[high + p])) + zero)
    if spread == NOISE or propagated.size:
        read, slope, pedestal = noise
        share = factors[0][n] * factors[2]
        for p in range(_W):
            signal = 0.5 * (f64(tile[low + p]) + f64(tile[high + p])) + zero - pedestal
            variance = read + slope * max(signal, 0.0)
            propagated[p] = f32(variance * share)
            if spread == NOISE:
                limit[p] = f32(variance)
    if spread == NONE:
        for p in range(_W):
            bad[p] = u8(0)
        return
    # Squared limits on twice the distance from the median, a little too tight: `_finish` has the last word.
    tight = f32(4.0 * clip * clip * (1.0 - 3e-5))
    if spread == STD:
        for p in range(_W):
            s = f32(total[p])
            limit[p] = max(f32(n) * square[p] - s * s, f32(0)) * f32(tight / f64(n * n))
    elif spread == NOISE:
        for p in range(_W):
            limit[p] *= tight
    else:
        _mad(tile, n, limit, total)
        tight *= f32(MAD_TO_STD * MAD_TO_STD / 16.0)
        for p in range(_W):
            limit[p] = limit[p] * limit[p] * tight
    end = (n - 1) * _W
    for p in range(_W):
        twice = i32(tile[low + p]) + i32(tile[high + p])
        reach = f32(max(2 * i32(tile[end + p]) - twice, twice - 2 * i32(tile[p])))
        bad[p] = u8(reach * reach > limit[p])


@_fast
def _sums(tile: Any, n: Any, middle: Any, total: Any, square: Any, part: Any) -> None:
    """Sum of distances from the lower median, exact, and of their squares."""
    r = tile[middle : middle + _W]
    for p in range(_W):
        total[p] = 0
        square[p] = f32(0)
    for chunk in range(0, n, _CHUNK):
        end = min(chunk + _CHUNK, n)
        for p in range(_W):
            part[p] = f32(0)
        fours = chunk + (end - chunk) // 4 * 4
        for i in range(chunk, fours, 4):
            _add_four(tile[i * _W : (i + 4) * _W], r, total, part)
        for i in range(fours, end):
            x = tile[i * _W : (i + 1) * _W]
            for p in range(_W):
                d = i32(x[p]) - i32(r[p])
                total[p] += d
                part[p] += f32(d) * f32(d)
        for p in range(_W):
            square[p] += part[p]


@_fast
def _add_four(x: Any, r: Any, total: Any, part: Any) -> None:
    for p in range(_W):
        m = i32(r[p])
        a, b, c, d = i32(x[p]) - m, i32(x[_W + p]) - m, i32(x[2 * _W + p]) - m, i32(x[3 * _W + p]) - m
        total[p] += (a + b) + (c + d)
        part[p] += (f32(a) * f32(a) + f32(b) * f32(b)) + (f32(c) * f32(c) + f32(d) * f32(d))


@_fast
def _results(
    tile: Any, n: Any, low: Any, high: Any, zero: Any, total: Any, square: Any, factors: Any,
    value: Any, used: Any, empirical: Any,
) -> None:  # fmt: skip
    inverse = 1.0 / f64(n)
    r = tile[low : low + _W]
    for p in range(_W):
        value[p] = f32((f64(r[p]) * f64(n) + f64(total[p])) * inverse + zero)
    scale = f32(factors[0][n] * factors[1] / (f64(n) * f64(n - 1))) if n > 1 else f32(np.nan)
    for p in range(_W):
        s = f32(total[p])
        empirical[p] = max(f32(n) * square[p] - s * s, f32(0)) * scale
    for p in range(_W):
        used[p] = u16(n)


@_fast
def _mad(tile: Any, n: Any, double: Any, work: Any) -> None:
    """Twice the sum of the two middle distances from the median (four times the MAD).

    The k+1 values nearest to the median stand next to each other in a sorted column; the k-th distance is the
    least, over all windows of that length, of the larger one of the distances of their two ends.
    """
    low, high = (n - 1) // 2, n // 2
    for side in range(2):
        k = low if side == 0 else high
        for p in range(_W):
            work[p] = i32(0x7FFFFFF)
        for j in range(n - k):
            _narrow(tile, low * _W, high * _W, j * _W, (j + k) * _W, work)
        if side == 0:
            for p in range(_W):
                double[p] = f32(work[p])
            if low == high:
                for p in range(_W):
                    double[p] *= f32(2)
                return
        else:
            for p in range(_W):
                double[p] += f32(work[p])


@_fast
def _narrow(tile: Any, low: Any, high: Any, first: Any, last: Any, best: Any) -> None:
    a, b, x, y = tile[low : low + _W], tile[high : high + _W], tile[first : first + _W], tile[last : last + _W]
    for p in range(_W):
        twice = i32(a[p]) + i32(b[p])
        best[p] = min(best[p], max(twice - 2 * i32(x[p]), 2 * i32(y[p]) - twice))


@_jit
def _finish(
    tile: Any, p: Any, pixel: Any, n: Any, planes: Any, rule: Any, noise: Any, factors: Any,
    value: Any, used: Any, empirical: Any, propagated: Any, lost: Any,
) -> None:  # fmt: skip
    """Clip one pixel to convergence on its sorted column; its survivors stand next to each other."""
    spread, clip, median = rule
    zero = planes[3]
    low, high = 0, n
    r = i64(tile[(n - 1) // 2 * _W + p])
    total, square = i64(0), i64(0)
    for i in range(n):
        d = i64(tile[i * _W + p]) - r
        total += d
        square += d * d
    center = np.nan
    while high > low:
        m = high - low
        twice = i64(tile[(low + (m - 1) // 2) * _W + p]) + i64(tile[(low + m // 2) * _W + p])
        center = 0.5 * f64(twice) + zero
        limit = _limit(tile, p, pixel, low, high, total, square, r, center, twice, planes, rule, noise)
        first, end = low, high
        while low < end and 0.5 * f64(twice - 2 * i64(tile[low * _W + p])) > limit:
            d = i64(tile[low * _W + p]) - r
            total, square, low = total - d, square - d * d, low + 1
        while high > low and 0.5 * f64(2 * i64(tile[(high - 1) * _W + p]) - twice) > limit:
            d = i64(tile[(high - 1) * _W + p]) - r
            total, square, high = total - d, square - d * d, high - 1
        if low == first and high == end:
            break
    m = high - low
    if m < n:
        _count_lost(tile, p, pixel, low, high, planes, lost)
    share, kept = factors[0][m if m else n], m
    if m == 0:
        # Nothing was kept: the plain mean of all values.
        m, center = n, np.nan
        total = i64(0)
        for i in range(n):
            total += i64(tile[i * _W + p]) - r
    mean = (f64(r) * f64(m) + f64(total)) / f64(m) + zero
    value[p] = f32(center if median and kept else mean)
    used[p] = u16(kept)
    empirical[p] = f32(np.nan)
    if kept > 1:
        scatter = f64(kept * square - total * total) / (f64(kept) * f64(kept - 1))
        empirical[p] = f32(scatter * share * factors[1])
    if propagated.size:
        signal = max(center - noise[2], 0.0) if kept else 0.0
        propagated[p] = f32((noise[0] + noise[1] * signal) * share * factors[2])


@_jit
def _limit(
    tile: Any, p: Any, pixel: Any, low: Any, high: Any, total: Any, square: Any, r: Any, center: Any, twice: Any,
    planes: Any, rule: Any, noise: Any,
) -> Any:  # fmt: skip
    """Largest distance from the median that stays."""
    spread, clip, _ = rule
    m = high - low
    if spread == NOISE:
        return clip * np.sqrt(noise[0] + noise[1] * max(center - noise[2], 0.0))
    if spread == MAD:
        return clip * (MAD_TO_STD * _mad_of(tile, p, low, high, twice))
    limit = clip * (np.sqrt(f64(m * square - total * total)) / f64(m))
    for i in range(low, high):
        reach = 0.5 * f64(abs(2 * i64(tile[i * _W + p]) - twice))
        if abs(reach - limit) <= _NEAR * (reach + limit):
            return clip * _plain_std(tile, p, pixel, low, high, (f64(r) * f64(m) + f64(total)) / f64(m), planes)
    return limit


@_jit
def _mad_of(tile: Any, p: Any, low: Any, high: Any, twice: Any) -> Any:
    m = high - low
    result = i64(0)
    for k in ((m - 1) // 2, m // 2):
        best = i64(1) << i64(40)
        for j in range(low, high - k):
            x, y = 2 * i64(tile[j * _W + p]), 2 * i64(tile[(j + k) * _W + p])
            best = min(best, max(twice - x, y - twice))
        result += best
    return 0.25 * f64(result)


@_jit
def _plain_std(tile: Any, p: Any, pixel: Any, low: Any, high: Any, mean: Any, planes: Any) -> Any:
    """Standard deviation of the survivors with the roundings of the plain form: frame by frame."""
    addresses, swapped, top, zero = planes
    least, most = tile[low * _W + p], tile[(high - 1) * _W + p]
    total = 0.0
    for i in range(addresses.size):
        x = value_at(addresses[i], swapped[i], top[i], pixel)
        if least <= x <= most:
            d = (f64(x) + zero) - (mean + zero)
            total += d * d
    return np.sqrt(total / f64(high - low))


@_jit
def _count_lost(tile: Any, p: Any, pixel: Any, low: Any, high: Any, planes: Any, lost: Any) -> None:
    addresses, swapped, top, _ = planes
    least, most = u16(1), u16(0)
    if high > low:
        least, most = tile[low * _W + p], tile[(high - 1) * _W + p]
    for i in range(addresses.size):
        x = value_at(addresses[i], swapped[i], top[i], pixel)
        lost[i] += not (least <= x <= most)
