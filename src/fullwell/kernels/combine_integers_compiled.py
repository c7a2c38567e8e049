"""Combine raw integers: the loops for frames of 16-bit pixels without masks, levels or weights.

The pixels of a tile are sorted and summed side by side. Those that may lose a value are gathered from some
tiles into one, and clipped there side by side; of many frames, one by one. The rule is that of
`fullwell.kernels.combine`; decisions agree with it to the last one, at any pedestal.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine_columns_compiled import clip_columns, list_marked
from fullwell.kernels.combine_job import JOB
from fullwell.kernels.combine_rejected_compiled import REALS, WORDS, clip_tile, count_lost
from fullwell.kernels.combine_tiles_compiled import NOISE, NONE, PIXELS, SINGLES, STEP, combine_tile
from fullwell.kernels.lanes_compiled import load, splat, store, turned
from fullwell.kernels.memory_compiled import address_as, finish_stores, load_ordered, prefetch, write_row
from fullwell.kernels.networks_compiled import sort_rows
from fullwell.kernels.numba_cache import jit

__all__ = ["make"]

types: Any = numba.types
u8, u16, u64, i32, i64 = np.uint8, np.uint16, np.uint64, np.int32, np.int64
f32, f64 = np.float32, np.float64
_W = PIXELS
_LINE = 64  # bytes that memory hands out at once
_AHEAD = 4  # tiles; so long does memory take
_MANY = 48  # frames, above which tiles no longer fit the fastest cache: columns are clipped one by one
_TILES = 16  # whose results wait for pixels that are clipped
_TOGETHER = 8  # tiles that are loaded together, a divisor of `_TILES`: memory likes long rows
_LANES = 32  # pixels side by side
_FEW = 32  # rows of which so many tiles fit the second cache

_jit = jit()


def combine_integers(pointer: Any) -> Any:
    """Combine pixels as a record of the type `JOB` says.

    Returns
    -------
    int
        Bytes of work space that are needed; with fewer of them nothing is done.
    """
    job = numba.carray(pointer, 1)[0]
    n, rows, stop = job.frames, job.rows, job.pixels
    planes = _array(job.addresses, n, u64), _array(job.swapped, n, u8), _array(job.top, n, u16), job.zero
    merges = numba.carray(address_as(job.merges, i32), (job.merge_count, 2))
    rule = (job.spread, job.clip, job.median != 0)
    noise = (job.read_variance, job.slope, job.pedestal)
    modelled = job.propagated != 0 or job.spread == NOISE
    zero, shares, lost = job.zero, _array(job.shares, n + 1, f64), _array(job.lost, n, i64)
    value, empirical = _array(job.value, stop, f32), _array(job.empirical, stop, f32)
    propagated = _array(job.propagated, stop if job.propagated else 0, f32)
    used, rejected, flagged = (
        _array(job.used, stop, u16),
        _array(job.rejected, stop, u16),
        _array(job.flagged, stop, u16),
    )
    empty = u16(job.empty)

    needed, tiles, results, once, small = _work_space(job.space, n, rows)
    if job.room < needed:
        return needed + _LINE  # another place may lie less well
    loaded, tile, packed, sorted_, late, spare = tiles
    together = loaded.size // tile.size
    v, e, w, m, gone, flags = results
    one_v, one_e, one_w, one_m = once
    singles, totals, bad, marked, place, words, reals, column, column_marks = small
    _fill_tiles(loaded, tile, packed, sorted_, late, spare, n, rows)
    for begin in range(0, stop, _W * _TILES):
        held, end = 0, min(stop, begin + _W * _TILES)
        for first in range(begin, end, _W):
            count, at = min(_W, stop - first), first - begin
            number = at // _W % together
            if number == 0:
                _load_tiles(planes, n, first, min(together * _W, end - first), loaded, tile.size)
            raw = loaded[number * tile.size : (number + 1) * tile.size]
            sort_rows(raw, tile, rows, merges, 0, _W)
            combine_tile(
                tile, n, rule, modelled, noise, shares, zero, singles, totals, bad,
                v[at : at + _W], m[at : at + _W], e[at : at + _W], w[at : at + _W],
            )  # fmt: skip
            found = 0 if rule[0] == NONE else list_marked(bad, count, marked)
            if found and n > _MANY:
                _clip_many(
                    raw, tile, n, count, zero, rule, noise, shares, bad, column, column_marks, words, lost,
                    v[at : at + _W], m[at : at + _W], e[at : at + _W], w[at : at + _W],
                )  # fmt: skip
                found = 0
            taken = 0
            while taken < found or (held and first + _W >= end):
                some = min(found - taken, _W - held)
                _gather(raw, n, at, marked, taken, some, packed, place, held)
                taken, held = taken + some, held + some
                if held < _W and first + _W < end:
                    break
                clip_tile(
                    packed, sorted_, late, spare, n, rows, merges, held, zero, rule, noise, shares, words,
                    reals, column, column_marks, one_v, one_m, one_e, one_w, lost,
                )  # fmt: skip
                _put_back(held, place, one_v, one_m, one_e, one_w, v, m, e, w)
                held = 0
        _count_rejected(n, m, end - begin, empty, gone, flags)
        write_row(v, value, begin, end - begin)
        write_row(e, empirical, begin, end - begin)
        if propagated.size:
            write_row(w, propagated, begin, end - begin)
        write_row(m, used, begin, end - begin)
        write_row(gone, rejected, begin, end - begin)
        write_row(flags, flagged, begin, end - begin)
    finish_stores()
    return needed


@_jit
def _load_tiles(planes: Any, n: Any, first: Any, count: Any, loaded: Any, size: Any) -> None:
    """Load one tile after the other; of several, what is fetched meanwhile is the row of the next frame."""
    addresses, swapped, top, _ = planes
    several, whole = loaded.size > size, count // _W
    for i in range(n):
        soon = addresses[i] + u64(2 * _AHEAD * _W)
        if several:
            soon = addresses[i + 1] if i + 1 < n else addresses[0] + u64(2 * count)
        soon += u64(2 * first)
        source = numba.carray(address_as(addresses[i] + u64(2 * first), u16), (count,))
        for number in range(whole):
            for line in range(_W * 2 // _LINE):
                prefetch(soon + u64(2 * number * _W + line * _LINE))
            _load_row(source, number * _W, swapped[i], top[i], loaded, number * size + i * STEP)
        if whole * _W < count:
            row, some = whole * size + i * STEP, count - whole * _W
            load_ordered(addresses[i], swapped[i], top[i], first + whole * _W, some, loaded[row : row + _W])
            loaded[row + some : row + _W] = u16(0)


@_jit
def _load_row(source: Any, start: Any, swapped: Any, top: Any, loaded: Any, row: Any) -> None:
    """Do what `load_ordered` does for a whole row of a tile, in as few instructions as there are."""
    bits = splat(u16(top), _LANES)
    if swapped:
        for k in range(0, _W, _LANES):
            store(loaded, row + k, turned(load(source, start + k, _LANES)) ^ bits)
    else:
        for k in range(0, _W, _LANES):
            store(loaded, row + k, load(source, start + k, _LANES) ^ bits)


@_jit
def _fill_tiles(
    loaded: Any, tile: Any, packed: Any, sorted_: Any, late: Any, spare: Any, n: Any, rows: Any
) -> None:
    """Let rows that no frame fills come last when they are sorted."""
    for each in (loaded, tile, packed, sorted_, late, spare):
        for begin in range(0, each.size, rows * STEP):
            each[begin : begin + n * STEP] = u16(0)
            each[begin + n * STEP : begin + rows * STEP] = u16(0xFFFF)


@_jit
def _clip_many(
    raw: Any, tile: Any, n: Any, count: Any, zero: Any, rule: Any, noise: Any, shares: Any, bad: Any,
    column: Any, marked: Any, words: Any, lost: Any, value: Any, used: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    """Clip the pixels of a tile one by one, and count what each frame loses."""
    for p in range(_W):
        words[p], words[_W + p] = u16(0), u16(0xFFFF)
    clip_columns(
        raw, tile, n, count, zero, rule, noise, shares, bad, column, marked, words,
        value, used, empirical, propagated,
    )  # fmt: skip
    count_lost(raw, n, _W, words, lost)


@_jit
def _gather(
    raw: Any, n: Any, at: Any, marked: Any, first: Any, count: Any, packed: Any, place: Any, start: Any
) -> None:
    """Copy the columns of some of the marked pixels to another tile, and note where they belong."""
    for i in range(n):
        for k in range(count):
            packed[u64(i * STEP + start + k)] = raw[u64(i * STEP + marked[u64(first + k)])]
    for k in range(count):
        place[start + k] = at + marked[first + k]


@_jit
def _put_back(
    count: Any, place: Any, one_v: Any, one_m: Any, one_e: Any, one_w: Any, v: Any, m: Any, e: Any, w: Any
) -> None:
    """Copy results of gathered pixels to where they belong."""
    for k in range(count):
        p = place[k]
        v[p], m[p], e[p], w[p] = one_v[k], one_m[k], one_e[k], one_w[k]


@_jit
def _count_rejected(n: Any, used: Any, size: Any, empty: Any, gone: Any, flags: Any) -> None:
    """Tell from the number of values that were used how many were not, and flag pixels without any."""
    for p in range(size):
        gone[p] = u16(n - used[p])
    for p in range(size):
        flags[p] = u16(0) if used[p] else empty


@_jit
def _work_space(base: Any, n: Any, rows: Any) -> Any:
    """Lay out all that is needed from an address on; return how many bytes that is, and the arrays."""
    at, tile_size = _next_line(base), rows * STEP
    many = tile_size * (_TOGETHER if rows <= _FEW else 1)
    loaded, at = _array(at, many, u16), _behind(at, many, 2)
    tile, at = _array(at, tile_size, u16), _behind(at, tile_size, 2)
    # Pixels that may lose a value, of several tiles: what they are made of, where they belong, results.
    packed, at = _array(at, tile_size, u16), _behind(at, tile_size, 2)
    sorted_, at = _array(at, tile_size, u16), _behind(at, tile_size, 2)
    late, at = _array(at, tile_size, u16), _behind(at, tile_size, 2)
    spare, at = _array(at, tile_size, u16), _behind(at, tile_size, 2)
    singles, at = _array(at, SINGLES * _W, f32), _behind(at, SINGLES * _W, 4)
    totals, at = _array(at, _W, f64), _behind(at, _W, 8)
    bad, at = _array(at, _W, u8), _behind(at, _W, 1)
    marked, at = _array(at, _W, i64), _behind(at, _W, 8)
    place, at = _array(at, _W, i64), _behind(at, _W, 8)
    words, at = _array(at, 2 * WORDS * _W, u16), _behind(at, 2 * WORDS * _W, 2)
    reals, at = _array(at, 2 * REALS * _W, f64), _behind(at, 2 * REALS * _W, 8)
    column, at = _array(at, n, i32), _behind(at, n, 4)
    column_marks, at = _array(at, _W, i64), _behind(at, _W, 8)
    one_v, at = _array(at, _W, f32), _behind(at, _W, 4)
    one_e, at = _array(at, _W, f32), _behind(at, _W, 4)
    one_w, at = _array(at, _W, f32), _behind(at, _W, 4)
    one_m, at = _array(at, _W, u16), _behind(at, _W, 2)
    v, at = _array(at, _W * _TILES, f32), _behind(at, _W * _TILES, 4)
    e, at = _array(at, _W * _TILES, f32), _behind(at, _W * _TILES, 4)
    w, at = _array(at, _W * _TILES, f32), _behind(at, _W * _TILES, 4)
    m, at = _array(at, _W * _TILES, u16), _behind(at, _W * _TILES, 2)
    gone, at = _array(at, _W * _TILES, u16), _behind(at, _W * _TILES, 2)
    flags, at = _array(at, _W * _TILES, u16), _behind(at, _W * _TILES, 2)
    tiles = loaded, tile, packed, sorted_, late, spare
    small = singles, totals, bad, marked, place, words, reals, column, column_marks
    return i64(at - base), tiles, (v, e, w, m, gone, flags), (one_v, one_e, one_w, one_m), small


@_jit
def _array(address: Any, count: Any, kind: Any) -> Any:
    """Numbers at an address."""
    return numba.carray(address_as(address, kind), (count,))


@_jit
def _behind(address: Any, count: Any, size: Any) -> Any:
    """Return the first line of memory behind some numbers."""
    return _next_line(u64(address + u64(count * size)))


@_jit
def _next_line(address: Any) -> Any:
    return u64((address + u64(_LINE - 1)) & u64(~u64(_LINE - 1)))


def make(*, cache: bool) -> Any:
    """Compile `combine_integers`, or take it from the cache of Numba where that is allowed."""
    pointer = types.CPointer(numba.from_dtype(JOB))
    return numba.cfunc(types.int64(pointer), cache=cache, error_model="numpy")(combine_integers)
