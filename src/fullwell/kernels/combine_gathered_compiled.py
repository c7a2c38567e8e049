"""Combine pixels of which values are missing, masked or rejected, many side by side; in float64.

What does not count is infinite here, so that it comes last when values are sorted. Operations and their order
are those of the plain form, `fullwell.kernels.combine`: the same bits come out.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.combine import FLOOR, MAD_TO_STD
from fullwell.kernels.combine_tiles_compiled import MAD, NOISE, NONE, STD
from fullwell.kernels.memory_compiled import load_float
from fullwell.kernels.networks_compiled import ROW, STRIDE, sort_rows
from fullwell.kernels.numba_cache import jit

__all__ = ["LINES", "combine_gathered"]

#: Rows of work space that the functions here need.
LINES = 8

u16, u64, i64 = np.uint16, np.uint64, np.int64
f32, f64 = np.float32, np.float64
_W, _S = ROW // 8, STRIDE // 8
_jit = jit()


@_jit
def combine_gathered(
    x: Any, variances: Any, keys: Any, pixels: Any, found: Any, n: Any, rows: Any, merges: Any,
    planes: Any, levels: Any, own: Any, model: Any, rule: Any, lines: Any, sizes: Any,
    value: Any, used: Any, rejected: Any, empirical: Any, propagated: Any, lost: Any, counted: Any,
) -> None:  # fmt: skip
    """Combine the first pixels of a tile, whatever their numbers.

    Parameters
    ----------
    x, variances, keys : ndarray of float64
        Tiles: the values, NaN where they do not count, which are written over; their variances, of no length
        if there are none; work space, of which the rows beyond the N first are infinite.
    pixels : ndarray of int64, shape (W,)
        Numbers of the pixels.
    found : int
        How many there are.
    lines : ndarray of float64, shape (LINES, W)
    sizes : ndarray of int64, shape (2, W)
        Work space.

    The others are as for `combine_floats`.
    """
    valid, size = sizes[0], sizes[1]
    valid[:] = 0
    for i in range(n):
        _start(x[i * _S : i * _S + _W], found, valid)
    if own[0].size and rule[0] == NOISE and not model[3]:
        _find_typical(x, variances, keys, n, rows, merges, own[2], levels[0], lines, size)
    for k in range(found if rule[3] + rule[4] else 0):
        _drop_extrema(x, n, k, rule[3], rule[4])
    for i in range(n):
        counted[i] += _how_many(x[i * _S : i * _S + _W])
    changed = i64(1)
    while changed:
        _find_centers(x, keys, n, rows, merges, lines[0], size)
        if rule[0] == NONE:
            break
        if rule[0] == STD:
            _limit_by_std(x, n, rule[1], lines, size)
        elif rule[0] == MAD:
            _limit_by_mad(x, keys, n, rows, merges, rule[1], lines, size)
        changed = i64(0)
        for i in range(n):
            row = x[i * _S : i * _S + _W]
            if rule[0] == NOISE:
                _expect(i, pixels, found, levels, own, model, 0.0, lines)
                _limit_by_noise(rule[1], lines)
            gone = _reject(row, lines[0], lines[1])
            lost[i] += gone
            changed += gone
    _finish(x, n, levels[2], rule[2], lines, size)
    _add_variances(x, variances, n, pixels, found, levels, own, model, rule[2], lines, propagated.size)
    for k in range(found):
        p, m = pixels[k], size[k]
        used[p], rejected[p] = u16(m), u16(valid[k] - m)
        value[p] = f32(lines[0, k] if rule[2] else lines[3, k])
        empirical[p] = f32(lines[2, k] / f64(m - 1) * lines[5, k]) if m > 1 else f32(np.nan)
        if propagated.size:
            propagated[p] = f32(lines[6, k])
        if m == 0:
            _take_all(variances, k, p, n, planes, levels, own, model, value, propagated)


@_jit
def _start(row: Any, found: Any, valid: Any) -> None:
    row[found:] = np.inf
    for k in range(_W):
        row[k] = row[k] if abs(row[k]) < np.inf else np.inf
    for k in range(_W):
        valid[k] += i64(row[k] < np.inf)


@_jit
def _how_many(row: Any) -> Any:
    count = i64(0)
    for k in range(_W):
        count += i64(row[k] < np.inf)
    return count


@_jit
def _find_typical(
    x: Any, variances: Any, keys: Any, n: Any, rows: Any, merges: Any, typical: Any, scales: Any,
    lines: Any, size: Any,
) -> None:  # fmt: skip
    """Line 7 becomes the lower median of the variances in units of the typical one of each frame."""
    size[:] = 0
    for i in range(n):
        factor = typical[i] * (scales[i] * scales[i])
        source, row = variances[i * _S : i * _S + _W], x[i * _S : i * _S + _W]
        target = keys[i * _S : i * _S + _W]
        for k in range(_W):
            usable = (row[k] < np.inf) & (abs(source[k]) < np.inf)
            target[k] = source[k] / factor if usable else np.inf
            size[k] += i64(usable)
    sort_rows(keys, keys, rows, merges, 0, _W)
    for k in range(_W):
        lines[7, k] = keys[u64(max(size[k] - 1, 0) // 2 * _S + k)] if size[k] else 0.0


@_jit
def _drop_extrema(x: Any, n: Any, k: Any, lowest: Any, highest: Any) -> None:
    """Of equal values the first counts as the lowest, the last as the highest."""
    for _ in range(lowest):
        best, where = np.inf, 0
        for i in range(n):
            if x[i * _S + k] < best:
                best, where = x[i * _S + k], i
        x[where * _S + k] = np.inf
    for _ in range(highest):
        best, where = -np.inf, -1
        for i in range(n):
            if best <= x[i * _S + k] < np.inf:
                best, where = x[i * _S + k], i
        if where >= 0:
            x[where * _S + k] = np.inf


@_jit
def _find_centers(x: Any, keys: Any, n: Any, rows: Any, merges: Any, center: Any, size: Any) -> None:
    sort_rows(x, keys, rows, merges, 0, _W)
    size[:] = 0
    for i in range(n):
        row = x[i * _S : i * _S + _W]
        for k in range(_W):
            size[k] += i64(row[k] < np.inf)
    _middle(keys, size, center)


@_jit
def _middle(keys: Any, size: Any, result: Any) -> None:
    for k in range(_W):
        m = size[k]
        low, high = keys[u64(max(m - 1, 0) // 2 * _S + k)], keys[u64(m // 2 * _S + k)]
        result[k] = 0.5 * (low + high) if m else np.nan


# Line 1 becomes the limit on the distance from the median, line 0.


@_jit
def _limit_by_std(x: Any, n: Any, clip: Any, lines: Any, size: Any) -> None:
    limit = lines[1]
    _square(x, n, lines[4], lines[2], size)
    for k in range(_W):
        limit[k] = clip * np.sqrt(lines[2, k] / f64(size[k]))


@_jit
def _square(x: Any, n: Any, mean: Any, squares: Any, size: Any) -> None:
    """Find the mean of what counts, and the sum of squares about it."""
    mean[:] = 0.0
    squares[:] = 0.0
    for i in range(n):
        row = x[i * _S : i * _S + _W]
        for k in range(_W):
            mean[k] += row[k] if row[k] < np.inf else 0.0
    for k in range(_W):
        mean[k] = mean[k] / f64(size[k])
    for i in range(n):
        row = x[i * _S : i * _S + _W]
        for k in range(_W):
            d = row[k] - mean[k]
            squares[k] += d * d if row[k] < np.inf else 0.0


@_jit
def _limit_by_mad(
    x: Any, keys: Any, n: Any, rows: Any, merges: Any, clip: Any, lines: Any, size: Any
) -> None:
    center, limit = lines[0], lines[1]
    for i in range(n):
        row, target = x[i * _S : i * _S + _W], keys[i * _S : i * _S + _W]
        for k in range(_W):
            target[k] = abs(row[k] - center[k]) if row[k] < np.inf else np.inf
    keys[n * _S :] = np.inf
    sort_rows(keys, keys, rows, merges, 0, _W)
    _middle(keys, size, limit)
    for k in range(_W):
        limit[k] = clip * (MAD_TO_STD * limit[k])


@_jit
def _limit_by_noise(clip: Any, lines: Any) -> None:
    limit, expected = lines[1], lines[4]
    for k in range(_W):
        limit[k] = clip * np.sqrt(expected[k])


@_jit
def _reject(row: Any, center: Any, limit: Any) -> Any:
    gone = i64(0)
    for k in range(_W):
        far = (row[k] < np.inf) & (not (abs(row[k] - center[k]) <= limit[k]))
        gone += i64(far)
        row[k] = np.inf if far else row[k]
    return gone


@_jit
def _expect(
    i: Any, pixels: Any, found: Any, levels: Any, own: Any, model: Any, floor: Any, lines: Any
) -> None:
    """Line 4 becomes the variance of frame i; with a floor the signal may be below 0, without it may not."""
    scale = levels[0][i]
    if not model[3]:
        if own[0].size:
            factor = own[2][i] * (scale * scale)
            for k in range(_W):
                lines[4, k] = lines[7, k] * factor
        else:
            # Without any model there is neither noise nor signal.
            lines[4] = 0.0
        return
    read, gain = model[0], model[1]
    pedestal = scale * model[2] + levels[1][i]
    least = 0.0 if floor == 0.0 else -np.inf
    for k in range(found):
        p = pixels[k]
        dark = (scale * read[p if read.size > 1 else 0]) ** 2
        slope = scale / gain[p if gain.size > 1 else 0]
        signal = lines[0, k] - pedestal
        signal = signal if signal == signal else 0.0
        lines[4, k] = max(dark + slope * max(signal, least), floor * dark)


@_jit
def _finish(x: Any, n: Any, weights: Any, median: Any, lines: Any, size: Any) -> None:
    """Lines become: 3 the weighted mean, 2 the sum of squares, 5 that of the shares, 1 the total weight."""
    total, best, shares = lines[1], lines[3], lines[5]
    _square(x, n, lines[4], lines[2], size)
    total[:] = 0.0
    best[:] = 0.0
    shares[:] = 0.0
    for i in range(n):
        row, weight = x[i * _S : i * _S + _W], 1.0 if median else weights[i]
        for k in range(_W):
            best[k] += weight * row[k] if row[k] < np.inf else 0.0
        for k in range(_W):
            total[k] += weight if row[k] < np.inf else 0.0
    for k in range(_W):
        best[k] = best[k] / total[k]
    for i in range(n):
        row, weight = x[i * _S : i * _S + _W], 1.0 if median else weights[i]
        for k in range(_W):
            share = weight / total[k]
            shares[k] += share * share if row[k] < np.inf else 0.0


@_jit
def _add_variances(
    x: Any, variances: Any, n: Any, pixels: Any, found: Any, levels: Any, own: Any, model: Any, median: Any,
    lines: Any, wanted: Any,
) -> None:  # fmt: skip
    """Line 6 becomes the variance of the result."""
    total, expected, result = lines[1], lines[4], lines[6]
    result[:] = 0.0
    for i in range(n if wanted else 0):
        row, weight = x[i * _S : i * _S + _W], 1.0 if median else levels[2][i]
        if own[0].size:
            expected = variances[i * _S : i * _S + _W]
        else:
            _expect(i, pixels, found, levels, own, model, FLOOR, lines)
        for k in range(_W):
            share = weight / total[k]
            result[k] += share * share * expected[k] if row[k] < np.inf else 0.0


@_jit
def _take_all(
    variances: Any, k: Any, p: Any, n: Any, planes: Any, levels: Any, own: Any, model: Any, value: Any,
    propagated: Any,
) -> None:  # fmt: skip
    """Where nothing is left: the plain mean of all values that are finite, masked or not."""
    one = np.empty(1)
    total, count, variance = 0.0, 0, 0.0
    for i in range(n):
        scale, offset = levels[0][i], levels[1][i]
        load_float(planes[0][i], planes[1][i], planes[2][i], planes[3][i], scale, offset, p, 1, one)
        if not abs(one[0]) < np.inf:
            continue
        total += one[0]
        count += 1
        if own[0].size:
            variance += variances[i * _S + k]
        else:
            dark = (scale * model[0][p if model[0].size > 1 else 0]) ** 2
            variance += max(dark, FLOOR * dark)
    value[p] = f32(total / f64(count))
    if propagated.size:
        propagated[p] = f32(variance / (f64(count) * f64(count)) if count else np.nan)
