"""Combine raw integers: the loops for frames of 16-bit pixels without masks, levels or weights.

The pixels of a tile are sorted and summed side by side. Those that may lose a value are gathered from some
tiles into one, and clipped there side by side; of many frames, one by one. The rule is that of
`fullwell.kernels.combine`, and decisions agree with it to the last one.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine_columns_compiled import clip_columns, list_marked
from fullwell.kernels.combine_rejected_compiled import REALS, WORDS, clip_tile, count_lost
from fullwell.kernels.combine_tiles_compiled import NONE, PIXELS, SINGLES, STEP, combine_tile
from fullwell.kernels.memory_compiled import finish_stores, load_ordered, prefetch, write_row
from fullwell.kernels.networks_compiled import sort_rows

__all__ = ["combine_integers"]

u16, u64 = np.uint16, np.uint64
_W = PIXELS
_LINE = 64  # bytes that memory hands out at once
_AHEAD = 4  # tiles; so long does memory take
_MANY = 48  # frames, above which tiles no longer fit the fastest cache: columns are clipped one by one
_TILES = 16  # whose results wait for pixels that are clipped

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
    n, zero = planes[0].size, planes[3]
    raw, tile = _rows_for(n, rows), _rows_for(n, rows)
    singles = np.empty(SINGLES * _W, np.float32)
    totals, bad, marked = np.empty(_W), np.empty(_W, np.uint8), np.empty(_W, np.int64)
    # Pixels that may lose a value, of several tiles: what they are made of, where they belong, results.
    packed, sorted_ = _rows_for(n, rows), _rows_for(n, rows)
    late, spare = _rows_for(n, rows), _rows_for(n, rows)
    place, work = np.empty(_W, np.int64), (np.empty(2 * WORDS * _W, np.uint16), np.empty(2 * REALS * _W))
    column, column_marks = np.empty(n, np.int32), np.empty(_W, np.int64)
    one_v, one_e, one_w, one_m = _results(_W)
    v, e, w, m = _results(_W * _TILES)
    gone, flags = np.empty(_W * _TILES, np.uint16), np.empty(_W * _TILES, np.uint16)
    for begin in range(start, stop, _W * _TILES):
        held, end = 0, min(stop, begin + _W * _TILES)
        for first in range(begin, end, _W):
            count, at = min(_W, stop - first), first - begin
            _load_tile(planes, n, first, count, raw)
            sort_rows(raw, tile, rows, merges, 0, _W)
            combine_tile(
                tile, n, rule, noise, shares, zero, singles, totals, bad,
                v[at : at + _W], m[at : at + _W], e[at : at + _W], w[at : at + _W],
            )  # fmt: skip
            found = 0 if rule[0] == NONE else list_marked(bad, count, marked)
            if found and n > _MANY:
                for p in range(_W):
                    work[0][p], work[0][_W + p] = u16(0), u16(0xFFFF)
                clip_columns(
                    raw, tile, n, count, zero, rule, noise, shares, bad, column, column_marks, work[0],
                    v[at : at + _W], m[at : at + _W], e[at : at + _W], w[at : at + _W],
                )  # fmt: skip
                count_lost(raw, n, _W, work[0], lost)
                found = 0
            taken = 0
            while taken < found or (held and first + _W >= end):
                some = min(found - taken, _W - held)
                _gather(raw, n, marked, taken, some, packed, held)
                for k in range(some):
                    place[held + k] = at + marked[taken + k]
                taken, held = taken + some, held + some
                if held < _W and first + _W < end:
                    break
                clip_tile(
                    packed, sorted_, late, spare, n, rows, merges, held, zero, rule, noise, shares, work[0],
                    work[1], column, column_marks, one_v, one_m, one_e, one_w, lost,
                )  # fmt: skip
                for k in range(held):
                    p = place[k]
                    v[p], m[p], e[p], w[p] = one_v[k], one_m[k], one_e[k], one_w[k]
                held = 0
        size = end - begin
        for p in range(size):
            gone[p] = u16(n - m[p])
        for p in range(size):
            flags[p] = u16(0) if m[p] else empty
        write_row(v, value, begin, size)
        write_row(e, empirical, begin, size)
        if propagated.size:
            write_row(w, propagated, begin, size)
        write_row(m, used, begin, size)
        write_row(gone, rejected, begin, size)
        write_row(flags, flagged, begin, size)
    finish_stores()


@_jit
def _load_tile(planes: Any, n: Any, first: Any, count: Any, raw: Any) -> None:
    addresses, swapped, top, _ = planes
    for i in range(n):
        for line in range(_W * 2 // _LINE):
            prefetch(addresses[i] + u64(2 * (first + _AHEAD * _W) + line * _LINE))
        load_ordered(addresses[i], swapped[i], top[i], first, count, raw[i * STEP : i * STEP + _W])
    if count < _W:
        for i in range(n):
            raw[i * STEP + count : i * STEP + _W] = u16(0)


@_jit
def _gather(raw: Any, n: Any, marked: Any, first: Any, count: Any, packed: Any, start: Any) -> None:
    """Copy the columns of some of the marked pixels to a place in another tile."""
    for i in range(n):
        for k in range(count):
            packed[u64(i * STEP + start + k)] = raw[u64(i * STEP + marked[u64(first + k)])]


@_jit
def _results(size: Any) -> Any:
    return (
        np.empty(size, np.float32),
        np.empty(size, np.float32),
        np.empty(size, np.float32),
        np.empty(size, np.uint16),
    )


@_jit
def _rows_for(n: Any, rows: Any) -> Any:
    """Make room for a tile; rows that no frame fills come last when they are sorted."""
    space = np.empty(rows * STEP + _LINE // 2, np.uint16)
    shift = (_LINE - space.ctypes.data % _LINE) % _LINE // 2
    tile = space[shift : shift + rows * STEP]
    tile[: n * STEP] = u16(0)
    tile[n * STEP :] = u16(0xFFFF)
    return tile
