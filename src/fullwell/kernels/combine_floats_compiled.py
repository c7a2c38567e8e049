"""Combine values of any kind: masks, NaN, levels, weights, own variances; the loops, in float64.

Pixels of which every value can be used, and none is rejected, run side by side; the others are gathered and
finished together (`combine_gathered_compiled`). Every operation is that of `fullwell.kernels.combine`, in its
order: the same bits come out. That forbids all fast-math.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.combine import MAD_TO_STD
from fullwell.kernels.combine_gathered_compiled import LINES, combine_gathered
from fullwell.kernels.combine_tiles_compiled import FLOOR, NOISE, NONE, STD
from fullwell.kernels.memory_compiled import load_flags, load_float
from fullwell.kernels.networks_compiled import ROW, STRIDE, sort_rows
from fullwell.kernels.numba_cache import jit

__all__ = ["combine_floats"]

u8, u16, u64, i64 = np.uint8, np.uint16, np.uint64, np.int64
f32, f64 = np.float32, np.float64
_W, _S = ROW // 8, STRIDE // 8  # pixels of a tile, and from row to row
_jit = jit()


@_jit
def combine_floats(
    planes: Any, levels: Any, flags: Any, own: Any, model: Any, rows: Any, merges: Any, rule: Any, start: Any,
    stop: Any, value: Any, used: Any, rejected: Any, empirical: Any, propagated: Any, flagged: Any, lost: Any,
    counted: Any,
) -> None:  # fmt: skip
    """Combine the pixels from `start` to `stop`.

    Parameters
    ----------
    planes : (addresses of uint64, kinds of uint8, top of uint16, zero of float64), each of shape (N,)
        Where the frames are; see `load_float`.
    levels : (scales, offsets, weights), ndarray of float64, shape (N,)
    flags : (addresses of uint64, bad, unused, infinite)
        Planes of uint16, 0 for a frame without; the bits that take a value out; those for pixels of which
        no value was used, and of which none is finite.
    own : (addresses of uint64, kinds of uint8, typical of float64)
        Variances of the frames, of no length where there are none.
    model : (read_noise, gain, pedestal, given)
        Noise model: ndarray of float64 of 1 or of all pixels, twice; float; whether there is one.
    rows, merges
        ``padded(N)`` and ``merges(N)`` of `fullwell.kernels.networks`.
    rule : (spread, clip, median, lowest, highest)
        Code of the spread, factor, whether the median is wanted, how many extrema to drop.
    start, stop : int
        Pixels.
    value, empirical, propagated : ndarray of float32
    used, rejected, flagged : ndarray of uint16
        Of all pixels, flat; `propagated` may be empty. Variances are without factors of finite N.
    lost, counted : ndarray of int64, shape (N,)
        Values that the clipping took of each frame, and that it saw, to which is added.
    """
    n = planes[0].size
    values, keys = _aligned(rows * _S), _aligned(rows * _S)
    values[n * _S :] = np.inf
    variances = _aligned(rows * _S if own[0].size else 0)
    lines = np.empty((LINES, _W))
    bad, marks, any_flag = np.empty(_W, np.uint8), np.empty(_W, np.uint16), np.empty(_W, np.uint16)
    # Pixels that are not finished with their neighbors, of any number of tiles.
    gathered, others = _aligned(rows * _S), _aligned(variances.size)
    gathered[:] = np.inf
    held, pixels, sizes = 0, np.empty(_W, np.int64), np.empty((2, _W), np.int64)
    for first in range(start, stop, _W):
        count = min(_W, stop - first)
        _load(planes, levels, flags, own, first, count, values, variances, bad, marks, any_flag)
        if rule[3] + rule[4]:
            for p in range(_W):
                bad[p] = u8(1)
        else:
            _center(values, keys, n, rows, merges, lines)
            _sums(values, n, levels, rule[2], lines)
            _judge(
                values, variances, keys, n, rows, merges, levels, own, model, rule, first, count, lines, bad
            )
        _store(
            variances, n, levels, own, model, rule, first, count, lines,
            value, used, rejected, empirical, propagated,
        )  # fmt: skip
        whole = 0
        for p in range(count):
            flagged[first + p] = _majority(flags, first + p, n) if any_flag[p] else u16(0)
            if not bad[p]:
                whole += 1
                continue
            for i in range(n):
                gathered[u64(i * _S + held)] = values[u64(i * _S + p)]
            for i in range(n if own[0].size else 0):
                others[u64(i * _S + held)] = variances[u64(i * _S + p)]
            pixels[held] = first + p
            held += 1
            if held == _W:
                _finish(
                    gathered, others, keys, pixels, held, n, rows, merges, planes, levels, flags, own, model,
                    rule, lines, sizes, value, used, rejected, empirical, propagated, flagged, lost, counted,
                )  # fmt: skip
                held = 0
        for i in range(n):
            counted[i] += whole
    if held:
        _finish(
            gathered, others, keys, pixels, held, n, rows, merges, planes, levels, flags, own, model,
            rule, lines, sizes, value, used, rejected, empirical, propagated, flagged, lost, counted,
        )  # fmt: skip


@_jit
def _finish(
    gathered: Any, others: Any, keys: Any, pixels: Any, held: Any, n: Any, rows: Any, merges: Any,
    planes: Any, levels: Any, flags: Any, own: Any, model: Any, rule: Any, lines: Any, sizes: Any,
    value: Any, used: Any, rejected: Any, empirical: Any, propagated: Any, flagged: Any, lost: Any,
    counted: Any,
) -> None:  # fmt: skip
    """Combine what was gathered."""
    keys[n * _S :] = np.inf
    combine_gathered(
        gathered, others, keys, pixels, held, n, rows, merges, planes, levels, own, model, rule, lines,
        sizes, value, used, rejected, empirical, propagated, lost, counted,
    )  # fmt: skip
    for k in range(held):
        p = pixels[k]
        if not used[p] and not (flagged[p] & flags[1]):
            # Without a finite value there is not even a plain mean.
            flagged[p] |= flags[2] if value[p] == value[p] else flags[3]


@_jit
def _aligned(size: Any) -> Any:
    space = np.empty(size + 8)
    shift = (64 - space.ctypes.data % 64) % 64 // 8
    return space[shift : shift + size]


@_jit
def _load(
    planes: Any, levels: Any, flags: Any, own: Any, first: Any, count: Any,
    values: Any, variances: Any, bad: Any, marks: Any, any_flag: Any,
) -> None:  # fmt: skip
    """Load levelled values, mark pixels of which one cannot be used, and gather flags."""
    bad[:] = u8(0)
    any_flag[:] = u16(0)
    for i in range(planes[0].size):
        row = values[i * _S : i * _S + _W]
        load_float(
            planes[0][i],
            planes[1][i],
            planes[2][i],
            planes[3][i],
            levels[0][i],
            levels[1][i],
            first,
            count,
            row,
        )
        if count < _W:
            row[count:] = 0.0
        _mark_infinite(row, bad)
        if flags[0][i]:
            load_flags(flags[0][i], first, count, marks)
            for p in range(count):
                any_flag[p] |= marks[p]
                row[p] = np.nan if marks[p] & flags[1] else row[p]
        if own[0].size:
            row = variances[i * _S : i * _S + _W]
            square = levels[0][i] * levels[0][i]
            load_float(own[0][i], own[1][i], u16(0), 0.0, square, 0.0, first, count, row)
            if count < _W:
                row[count:] = 0.0
            _mark_infinite(row, bad)
    for p in range(count):
        bad[p] |= u8((any_flag[p] & flags[1]) != 0)


@_jit
def _mark_infinite(row: Any, bad: Any) -> None:
    for p in range(_W):
        bad[p] |= u8(not (abs(row[p]) < np.inf))


@_jit
def _center(values: Any, keys: Any, n: Any, rows: Any, merges: Any, lines: Any) -> None:
    """Sort a copy of the values; line 0 becomes the median."""
    sort_rows(values, keys, rows, merges, 0, _W)
    low, high, center = keys[(n - 1) // 2 * _S :], keys[n // 2 * _S :], lines[0]
    for p in range(_W):
        center[p] = 0.5 * (low[p] + high[p])


@_jit
def _sums(values: Any, n: Any, levels: Any, median: Any, lines: Any) -> None:
    """Line 1 becomes the weighted mean, line 2 the plain one, line 3 the sum of squares about it."""
    weighted, plain, squares = lines[1], lines[2], lines[3]
    weights = levels[2]
    weighted[:] = 0.0
    plain[:] = 0.0
    squares[:] = 0.0
    for i in range(n):
        _add(values[i * _S : i * _S + _W], plain)
        if not median:
            _add_scaled(values[i * _S : i * _S + _W], weights[i], weighted)
    total = 0.0
    for i in range(n):
        total += weights[i]
    for p in range(_W):
        weighted[p] = weighted[p] / total
    for p in range(_W):
        plain[p] = plain[p] / f64(n)
    for i in range(n):
        _add_squares(values[i * _S : i * _S + _W], plain, squares)


@_jit
def _add(row: Any, total: Any) -> None:
    for p in range(_W):
        total[p] += row[p]


@_jit
def _add_scaled(row: Any, factor: Any, total: Any) -> None:
    for p in range(_W):
        total[p] += factor * row[p]


@_jit
def _add_squares(row: Any, mean: Any, total: Any) -> None:
    for p in range(_W):
        d = row[p] - mean[p]
        total[p] += d * d


@_jit
def _judge(
    values: Any, variances: Any, keys: Any, n: Any, rows: Any, merges: Any, levels: Any, own: Any,
    model: Any, rule: Any, first: Any, count: Any, lines: Any, bad: Any,
) -> None:  # fmt: skip
    """Mark pixels that lose a value."""
    spread, clip = rule[0], rule[1]
    if spread == NONE:
        return
    center, limit = lines[0], lines[4]
    if spread == NOISE:
        if not model[3]:
            _typical(variances, keys, n, rows, merges, own[2], levels[0], lines[5])
        for i in range(n):
            _expected(i, levels, own, model, first, count, lines, 0.0)
            _outside(values[i * _S : i * _S + _W], center, clip, limit, bad)
        return
    if spread == STD:
        squares = lines[3]
        for p in range(_W):
            limit[p] = clip * np.sqrt(squares[p] / f64(n))
    else:
        _mad(keys, n, center, limit, lines[5])
        for p in range(_W):
            limit[p] = clip * (MAD_TO_STD * limit[p])
    low, high = keys[:_W], keys[(n - 1) * _S : (n - 1) * _S + _W]
    for p in range(_W):
        bad[p] |= u8(not (max(center[p] - low[p], high[p] - center[p]) <= limit[p]))


@_jit
def _outside(row: Any, center: Any, clip: Any, variance: Any, bad: Any) -> None:
    for p in range(_W):
        bad[p] |= u8(not (abs(row[p] - center[p]) <= clip * np.sqrt(variance[p])))


@_jit
def _expected(
    i: Any, levels: Any, own: Any, model: Any, first: Any, count: Any, lines: Any, floor: Any
) -> None:
    """Line 4 becomes the variance of frame i: by the model, or from line 5, the typical one.

    With a floor (in parts of the variance without signal) the signal may be below 0, without it may not.
    """
    center, expected, typical = lines[0], lines[4], lines[5]
    scale = levels[0][i]
    if not model[3]:
        factor = own[2][i] * (scale * scale)
        for p in range(_W):
            expected[p] = typical[p] * factor
        return
    read, gain = model[0], model[1]
    pedestal = scale * model[2] + levels[1][i]
    least = 0.0 if floor == 0.0 else -np.inf
    if read.size == 1 and gain.size == 1:
        noise, slope = (scale * read[0]) ** 2, scale / gain[0]
        for p in range(_W):
            expected[p] = max(noise + slope * max(center[p] - pedestal, least), floor * noise)
        return
    for p in range(count):
        noise = (scale * read[first + p if read.size > 1 else 0]) ** 2
        slope = scale / gain[first + p if gain.size > 1 else 0]
        expected[p] = max(noise + slope * max(center[p] - pedestal, least), floor * noise)
    expected[count:] = np.inf


@_jit
def _typical(
    variances: Any, keys: Any, n: Any, rows: Any, merges: Any, typical: Any, scales: Any, result: Any
) -> None:
    """Lower median over the frames of variances in units of the typical one of each."""
    for i in range(n):
        source, row = variances[i * _S : i * _S + _W], keys[i * _S : i * _S + _W]
        factor = typical[i] * (scales[i] * scales[i])
        for p in range(_W):
            row[p] = source[p] / factor
    keys[n * _S :] = np.inf
    sort_rows(keys, keys, rows, merges, 0, _W)
    result[:] = keys[(n - 1) // 2 * _S : (n - 1) // 2 * _S + _W]


@_jit
def _mad(keys: Any, n: Any, center: Any, result: Any, best: Any) -> None:
    """MAD; `fullwell.kernels.combine_tiles_compiled` says how."""
    result[:] = 0.0
    for k in ((n - 1) // 2, n // 2):
        best[:] = np.inf
        for j in range(n - k):
            first, last = keys[j * _S : j * _S + _W], keys[(j + k) * _S : (j + k) * _S + _W]
            _narrow(center, first, last, best)
        for p in range(_W):
            result[p] += best[p]
    for p in range(_W):
        result[p] *= 0.5


@_jit
def _narrow(center: Any, first: Any, last: Any, best: Any) -> None:
    for p in range(_W):
        best[p] = min(best[p], max(center[p] - first[p], last[p] - center[p]))


@_jit
def _store(
    variances: Any, n: Any, levels: Any, own: Any, model: Any, rule: Any, first: Any, count: Any,
    lines: Any, value: Any, used: Any, rejected: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    """Write the results of pixels that keep all values (of the others too, to be written over)."""
    median = rule[2]
    best, squares = lines[0] if median else lines[1], lines[3]
    weights, total, squared = levels[2], 0.0, 0.0
    for i in range(n):
        total += 1.0 if median else weights[i]
    for i in range(n):
        share = (1.0 if median else weights[i]) / total
        squared += share * share
    for p in range(count):
        value[first + p] = f32(best[p])
    for p in range(count):
        empirical[first + p] = f32(squares[p] / f64(n - 1) * squared) if n > 1 else f32(np.nan)
    used[first : first + count] = u16(n)
    rejected[first : first + count] = u16(0)
    if propagated.size == 0:
        return
    result = lines[2]
    result[:] = 0.0
    for i in range(n):
        share = (1.0 if median else weights[i]) / total
        if own[0].size:
            _add_scaled(variances[i * _S : i * _S + _W], share * share, result)
        else:
            _expected(i, levels, own, model, first, count, lines, FLOOR)
            _add_scaled(lines[4], share * share, result)
    for p in range(count):
        propagated[first + p] = f32(result[p])


@_jit
def _majority(flags: Any, pixel: Any, n: Any) -> Any:
    """Return the flags that more than half of the frames carry."""
    result = u16(0)
    one = np.empty(1, np.uint16)
    counts = np.zeros(16, np.int64)
    for i in range(n):
        if flags[0][i]:
            load_flags(flags[0][i], pixel, 1, one)
            for bit in range(16):
                counts[bit] += (i64(one[0]) >> bit) & 1
    for bit in range(16):
        if 2 * counts[bit] > n:
            result |= u16(1 << bit)
    return result
