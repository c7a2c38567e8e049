"""Combine raw integers: the loops for frames of 16-bit pixels without masks, levels or weights.

The pixels of a tile are sorted and summed side by side; the few that may lose a value are finished one by
one on their sorted column. The rule is that of `fullwell.kernels.combine`, and decisions agree with it to
the last one.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine_columns_compiled import clip_columns
from fullwell.kernels.combine_tiles_compiled import NONE, PIXELS, SINGLES, STEP, combine_tile
from fullwell.kernels.memory_compiled import finish_stores, load_ordered, prefetch, write_row
from fullwell.kernels.networks_compiled import sort_rows

__all__ = ["combine_integers"]

u16, u64 = np.uint16, np.uint64
_W = PIXELS
_LINE = 64  # bytes that memory hands out at once
_AHEAD = 4  # tiles; so long does memory take

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")


@_jit
def combine_integers(
    planes: Any, rows: Any, merges: Any, rule: Any, noise: Any, shares: Any, start: Any, stop: Any,
    value: Any, used: Any, rejected: Any, empirical: Any, propagated: Any, flagged: Any, empty: Any,
    lost: Any,
) -> None:  # fmt: skip
    """Combine the pixels from `start` to `stop`.

    Parameters
    ----------
    planes : (addresses of uint64, swapped of bool, top of uint16, zero)
        Where the frames are; see `load_ordered`. `zero` is the value whose ordered form is 0.
    rows, merges
        ``padded(N)`` and ``merges(N)`` of `fullwell.kernels.networks`.
    rule : (spread, clip, median)
        Code of the spread, factor, whether the median is wanted.
    noise : (read_variance, slope, pedestal)
        The same for all frames.
    shares : ndarray of float64, shape (N + 1,)
        Sum of the squared shares of n kept values, for n = 0 to N.
    start, stop : int
        Pixels.
    value, empirical, propagated : ndarray of float32
    used, rejected, flagged : ndarray of uint16
        Of the whole plane, flat; `propagated` may be empty.
    empty : uint16
        Flag of a pixel of which every value was rejected.
    lost : ndarray of int64, shape (N,)
        Number of rejected values of each frame, to which is added.
    """
    addresses, swapped, top, zero = planes
    n = addresses.size
    raw, tile = _aligned(rows * STEP), _aligned(rows * STEP)
    raw[n * STEP :] = u16(0xFFFF)
    singles = np.empty(SINGLES * _W, np.float32)
    totals, bad = np.empty(_W), np.empty(_W, np.uint8)
    column, marked, bounds = np.empty(n, np.int32), np.empty(_W, np.int64), np.empty(2 * _W, np.uint16)
    v, e, w = np.empty(_W, np.float32), np.empty(_W, np.float32), np.empty(_W, np.float32)
    m, gone, flags = np.empty(_W, np.uint16), np.empty(_W, np.uint16), np.empty(_W, np.uint16)
    for first in range(start, stop, _W):
        count = min(_W, stop - first)
        for i in range(n):
            for line in range(_W * 2 // _LINE):
                prefetch(addresses[i] + u64(2 * (first + _AHEAD * _W) + line * _LINE))
            load_ordered(addresses[i], swapped[i], top[i], first, count, raw[i * STEP : i * STEP + _W])
        if count < _W:
            for i in range(n):
                raw[i * STEP + count : i * STEP + _W] = u16(0)
        sort_rows(raw, tile, rows, merges)
        combine_tile(tile, n, rule, noise, shares, zero, singles, totals, bad, v, m, e, w)
        if rule[0] != NONE:
            clip_columns(
                raw, tile, n, count, zero, rule, noise, shares, bad, column, marked, bounds, v, m, e, w, lost
            )
        for p in range(_W):
            gone[p] = u16(n - m[p])
        for p in range(_W):
            flags[p] = u16(0) if m[p] else empty
        write_row(v, value, first, count)
        write_row(e, empirical, first, count)
        if propagated.size:
            write_row(w, propagated, first, count)
        write_row(m, used, first, count)
        write_row(gone, rejected, first, count)
        write_row(flags, flagged, first, count)
    finish_stores()


@_jit
def _aligned(size: Any) -> Any:
    space = np.empty(size + _LINE // 2, np.uint16)
    shift = (_LINE - space.ctypes.data % _LINE) % _LINE // 2
    return space[shift : shift + size]
