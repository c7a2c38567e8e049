"""Combine one pixel after the other: what may be masked, partly missing or rejected; in float64.

The plain form of `fullwell.kernels.combine` for a single column, operation by operation, so that the bits
agree.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine import MAD_TO_STD
from fullwell.kernels.combine_tiles_compiled import FLOOR, MAD, NOISE, NONE
from fullwell.kernels.memory_compiled import load_flags
from fullwell.kernels.networks_compiled import STRIDE

__all__ = ["finish_pixel"]

u16 = np.uint16
f32, f64 = np.float32, np.float64
_S = STRIDE // 8
_RUN = 16
_jit = numba.njit(nogil=True, cache=True, error_model="numpy")


@_jit
def finish_pixel(
    column: Any, variances: Any, pixel: Any, levels: Any, flags: Any, own: Any, model: Any, rule: Any,
    work: Any, value: Any, used: Any, rejected: Any, empirical: Any, propagated: Any, lost: Any, counted: Any,
) -> None:  # fmt: skip
    """Combine the values of one pixel.

    Parameters
    ----------
    column, variances : ndarray of float64
        Of a tile, from this pixel on; the next value is STRIDE bytes further.
    pixel : int
        Number of the pixel.
    work : (float64, float64, bool, int64, int64), each of shape (N,)
        Work space.

    The others are as for `combine_floats`.
    """
    noise, x, kept, order, spare = work
    n = x.size
    one = np.empty(1, np.uint16)
    valid = 0
    for i in range(n):
        x[i] = column[i * _S]
        kept[i] = abs(x[i]) < np.inf
        if flags[0][i]:
            load_flags(flags[0][i], pixel, 1, one)
            kept[i] &= (one[0] & flags[1]) == 0
        valid += kept[i]
    size = _sorted(x, kept, order, spare)
    if own[0].size and rule[0] == NOISE and not model[3]:
        _typical(variances, kept, own[2], levels[0], order, spare, noise)
        size = _sorted(x, kept, order, spare)
    for j in range(min(rule[3], size)):
        kept[order[j]] = False
    for j in range(max(size - rule[4], 0), size):
        kept[order[j]] = False
    size = _compact(order, size, kept)
    for j in range(size):
        counted[order[j]] += 1
    center = _median(x, order, size)
    while rule[0] != NONE and size:
        before = size
        if rule[0] == NOISE:
            if model[3]:
                _expected(center, pixel, levels, model, noise, False)
            for j in range(size):
                i = order[j]
                kept[i] = abs(x[i] - center) <= rule[1] * np.sqrt(noise[i])
        else:
            spread = MAD_TO_STD * _mad(x, order, size, center) if rule[0] == MAD else _std(x, kept, size)
            limit = rule[1] * spread
            for j in range(size):
                kept[order[j]] = abs(x[order[j]] - center) <= limit
        for j in range(size):
            lost[order[j]] += not kept[order[j]]
        size = _compact(order, size, kept)
        if size == before:
            break
        center = _median(x, order, size)
    used[pixel], rejected[pixel] = u16(size), u16(valid - size)
    _results(
        x, kept, size, center, variances, pixel, levels, own, model, rule, noise, value, empirical, propagated
    )


@_jit
def _results(
    x: Any, kept: Any, size: Any, center: Any, variances: Any, pixel: Any, levels: Any, own: Any, model: Any,
    rule: Any, noise: Any, value: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    n, median = x.size, rule[2]
    if size == 0:
        # The plain mean of what is finite.
        for i in range(n):
            kept[i] = abs(x[i]) < np.inf
    weights, weighted, total, plain, count = levels[2], 0.0, 0.0, 0.0, 0
    for i in range(n):
        if kept[i]:
            weight = 1.0 if median or size == 0 else weights[i]
            weighted += weight * x[i]
            total += weight
            plain += x[i]
            count += 1
    value[pixel] = f32(center if median and size else weighted / total)
    squared, squares, plain = 0.0, 0.0, plain / f64(count)
    for i in range(n):
        if kept[i]:
            share = (1.0 if median or size == 0 else weights[i]) / total
            squared += share * share
            squares += (x[i] - plain) * (x[i] - plain)
    empirical[pixel] = f32(squares / f64(size - 1) * squared) if size > 1 else f32(np.nan)
    if propagated.size == 0:
        return
    if not own[0].size:
        _expected(center if size else np.nan, pixel, levels, model, noise, True)
    result = 0.0 if count else np.nan
    for i in range(n):
        if kept[i]:
            share = (1.0 if median or size == 0 else weights[i]) / total
            result += share * share * (variances[i * _S] if own[0].size else noise[i])
    propagated[pixel] = f32(result)


@_jit
def _expected(center: Any, pixel: Any, levels: Any, model: Any, noise: Any, propagating: Any) -> None:
    read, gain = model[0][pixel if model[0].size > 1 else 0], model[1][pixel if model[1].size > 1 else 0]
    for i in range(noise.size):
        scale = levels[0][i]
        pedestal = scale * model[2] + levels[1][i]
        dark, signal = (scale * read) ** 2, center - pedestal
        if propagating:
            noise[i] = max(dark + scale / gain * (signal if center == center else 0.0), FLOOR * dark)
        else:
            noise[i] = dark + scale / gain * max(signal, 0.0)


@_jit
def _typical(
    variances: Any, kept: Any, typical: Any, scales: Any, order: Any, spare: Any, noise: Any
) -> None:
    n = noise.size
    usable = np.empty(n, np.bool_)
    for i in range(n):
        noise[i] = variances[i * _S] / (typical[i] * (scales[i] * scales[i]))
        usable[i] = kept[i] and abs(variances[i * _S]) < np.inf
    size = _sorted(noise, usable, order, spare)
    chosen = noise[order[(size - 1) // 2]] if size else 0.0
    for i in range(n):
        noise[i] = chosen * (typical[i] * (scales[i] * scales[i]))


@_jit
def _median(x: Any, order: Any, size: Any) -> Any:
    return 0.5 * (x[order[(size - 1) // 2]] + x[order[size // 2]]) if size else np.nan


@_jit
def _std(x: Any, kept: Any, size: Any) -> Any:
    total, squares = 0.0, 0.0
    for i in range(x.size):
        if kept[i]:
            total += x[i]
    mean = total / f64(size)
    for i in range(x.size):
        if kept[i]:
            squares += (x[i] - mean) * (x[i] - mean)
    return np.sqrt(squares / f64(size))


@_jit
def _mad(x: Any, order: Any, size: Any, center: Any) -> Any:
    result = 0.0
    for k in ((size - 1) // 2, size // 2):
        best = np.inf
        for j in range(size - k):
            best = min(best, max(center - x[order[j]], x[order[j + k]] - center))
        result += best
    return 0.5 * result


@_jit
def _compact(order: Any, size: Any, kept: Any) -> Any:
    """Leave in `order` what is kept; return how many."""
    count = 0
    for j in range(size):
        order[count] = order[j]
        count += kept[order[j]]
    return count


@_jit
def _sorted(x: Any, wanted: Any, order: Any, spare: Any) -> Any:
    """Fill `order` with the numbers of the wanted values, the lowest first; return how many.

    Equal values come in turn: insertion within runs, then merges of runs.
    """
    size = 0
    for i in range(x.size):
        if wanted[i]:
            j = size
            while j % _RUN and x[order[j - 1]] > x[i]:
                order[j] = order[j - 1]
                j -= 1
            order[j] = i
            size += 1
    run = _RUN
    while run < size:
        for low in range(0, size, 2 * run):
            middle, high = min(low + run, size), min(low + 2 * run, size)
            a, b = low, middle
            for j in range(low, high):
                if a < middle and (b >= high or x[order[a]] <= x[order[b]]):
                    spare[j] = order[a]
                    a += 1
                else:
                    spare[j] = order[b]
                    b += 1
        for j in range(size):
            order[j] = spare[j]
        run *= 2
    return size
