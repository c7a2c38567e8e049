"""The compiled form of `fullwell.kernels.correct`: rows in pieces that stay in the nearest cache.

Each short loop has few arrays, so that the compiler can rule out that they overlap and packs it.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine import FLOOR
from fullwell.kernels.correct import Amplified, Images, Outputs
from fullwell.kernels.memory_compiled import prefetch
from fullwell.kernels.numba_cache import jit
from fullwell.kernels.planes import Plane

__all__ = ["correct_rows"]

_jit = jit()
u16, u32, u64, i32, f32 = np.uint16, np.uint32, np.uint64, np.int32, np.float32
WIDTH = 2048  # pixels of a piece
_NOTHING = np.zeros((1, 1), np.float32)
_NO_RAMP = np.zeros(2, np.float32), np.zeros(2, np.float32), f32(0), f32(0), f32(0), u16(0)
_NO_FLAGS = np.zeros((1, 1), np.uint16)


def correct_rows(
    raw: Plane,
    flags: Any,
    one: Amplified,
    start: int,
    stop: int,
    images: Images,
    into: Outputs,
    bits: tuple[int, int],
) -> int:
    """Correct some rows of one amplifier.

    Parameters
    ----------
    raw, flags, one, images, into, bits
        As for `fullwell.kernels.correct.correct_plane`.
    start, stop : int
        Rows of the result.

    Returns
    -------
    int
        Number of pixels whose variance was floored.
    """
    array = raw.array
    swapped = not array.dtype.isnative
    words = np.ascontiguousarray(array).view(f"=u{array.dtype.itemsize}")
    flip = (one.flip_y, one.flip_x)
    frame = (words, swapped, raw.top, raw.zero, _NO_FLAGS if flags is None else np.ascontiguousarray(flags))
    place = (one.rows[0], one.columns[0], one.columns[1] - one.columns[0], *one.raw, *flip, one.rows[1])
    numbers = (f32(one.factor), f32(one.variance), f32(one.limit), u16(bits[0]), u16(bits[1]))
    level = (one.level_rows, one.level_columns, one.noise_rows, one.noise_columns)
    ramp = one.ramp
    table = _NO_RAMP if ramp is None else (*ramp.table(f32), u16(ramp.beyond or 0))
    how = (images.counted, images.quiet, images.curved, ramp is not None, bool(images.before))
    shared = (images.constant, images.linear, images.square)
    before = images.before or (_NOTHING,) * 3
    found = _rows(
        start, stop, frame, flags is not None, place, numbers, level, table, how,
        (images.first, images.scale, images.offset), shared, before, images.flags,
        into.data, into.variance, into.flags,
    )  # fmt: skip
    return int(found)


@_jit
def _rows(
    start: Any, stop: Any, frame: Any, flagged: Any, place: Any, numbers: Any, level: Any, table: Any,
    how: Any, steps: Any, shared: Any, before: Any, flags: Any,
    out_data: Any, out_variance: Any, out_flags: Any,
) -> Any:  # fmt: skip
    words, swapped, top, zero, raw_flags = frame
    top_row, left, width, raw_y, raw_x, flip_y, flip_x, end_row = place
    factor, variance, limit, saturated, missing = numbers
    counted, quiet, curved, looked_up, mixed = how
    value, own, slope, a, b = (
        np.empty(WIDTH, np.float32), np.empty(WIDTH, np.float32), np.ones(WIDTH, np.float32),
        np.empty(WIDTH, np.float32), np.empty(WIDTH, np.float32),
    )  # fmt: skip
    wrong, piece = np.empty(WIDTH, np.uint16), np.empty(WIDTH, np.int32)
    floored = 0
    for y in range(start, stop):
        i = y - top_row
        source_y = raw_y + (end_row - 1 - y if flip_y else i)
        for j in range(0, width, WIDTH):
            n = min(WIDTH, width - j)
            x = left + j
            source_x = raw_x + (width - j - n if flip_x else j)
            for image in (steps[0], steps[1], steps[2], shared[0], shared[1], shared[2]):
                _fetch(image, y, x, n)
            _decode(words[source_y, source_x : source_x + n], swapped, top, zero, flip_x, value)
            _judge(value, n, limit, saturated, missing, wrong)
            if flagged:
                _add_flags(raw_flags[source_y, source_x : source_x + n], flip_x, wrong)
            _signal(value, factor, level[0][i], level[1][j : j + n], _cut(steps[0], y, x, n))
            if looked_up:
                _look_up(value, n, table, slope, a, piece, wrong)
            _set_flags(wrong, _cut(flags, y, x, n), out_flags[y, x : x + n])
            scale, data = _cut(steps[1], y, x, n), out_data[y, x : x + n]
            _scaled(value, scale, _cut(steps[2], y, x, n), data)
            if quiet:
                continue
            _noise(own, variance, level[2][i], level[3][j : j + n], slope, looked_up)
            if counted:
                floored += _count(own, value, n)
            _own(own, scale)
            result = out_variance[y, x : x + n]
            if mixed:
                _mix(a, _cut(shared[0], y, x, n), _cut(before[0], y, x, n), _cut(before[1], y, x, n), slope)
                if curved:
                    _line(b, _cut(shared[1], y, x, n), _cut(before[2], y, x, n), slope)
                    _curve(own, a, b, _cut(shared[2], y, x, n), data, slope, result)
                else:
                    _settle(own, a, result)
            elif curved:
                _curve(
                    own, _cut(shared[0], y, x, n), _cut(shared[1], y, x, n), _cut(shared[2], y, x, n), data,
                    slope, result,
                )  # fmt: skip
            else:
                _plain(own, _cut(shared[0], y, x, n), result)
    return floored


@_jit
def _cut(image: Any, y: Any, x: Any, n: Any) -> Any:
    """Return a piece of a row; an image of one row holds for all."""
    return image[y if image.shape[0] > 1 else 0, x : x + n]


@_jit
def _fetch(image: Any, y: Any, x: Any, n: Any) -> None:
    """Ask for the piece of an image that comes next in memory."""
    if image.shape[0] > 1:
        address = np.uint64(image[y, x:].ctypes.data) + np.uint64(4 * n)
        for k in range(0, n, 16):
            prefetch(np.uint64(address + np.uint64(4 * k)))


@_jit
def _decode(words: Any, swapped: Any, top: Any, zero: Any, flip: Any, value: Any) -> None:
    n = words.size
    _decode_straight(words, swapped, top, zero, value)
    if flip:
        for k in range(n // 2):
            value[k], value[n - 1 - k] = value[n - 1 - k], value[k]


def _decode_straight(words: Any, swapped: Any, top: Any, zero: Any, value: Any) -> None:
    """Undo byte order and turned top bits; one form for each size of pixel."""
    raise NotImplementedError


@numba.extending.overload(_decode_straight, jit_options={"nogil": True, "error_model": "numpy"})
def _decode_of_size(words: Any, swapped: Any, top: Any, zero: Any, value: Any) -> Any:  # noqa: ARG001
    def short(words: Any, swapped: Any, top: Any, zero: Any, value: Any) -> None:
        turn, base = u16(top), f32(zero)
        if swapped:
            for k in range(words.size):
                w = words[k]
                value[k] = f32(u16(u16(u16(w << u16(8)) | u16(w >> u16(8))) ^ turn)) + base
        else:
            for k in range(words.size):
                value[k] = f32(u16(words[k] ^ turn)) + base

    def single(words: Any, swapped: Any, top: Any, zero: Any, value: Any) -> None:  # noqa: ARG001
        bits = value.view(np.uint32)
        if swapped:
            for k in range(words.size):
                w = words[k]
                bits[k] = u32(
                    u32(w << u32(24))
                    | u32(u32(w << u32(8)) & u32(0xFF0000))
                    | u32(u32(w >> u32(8)) & u32(0xFF00))
                    | u32(w >> u32(24))
                )
        else:
            for k in range(words.size):
                bits[k] = words[k]

    return short if words.dtype.bitwidth == 16 else single


@_jit
def _judge(value: Any, n: Any, limit: Any, saturated: Any, missing: Any, wrong: Any) -> None:
    for k in range(n):
        v = value[k]
        bad = u16(0) if abs(v) < np.inf else missing
        wrong[k] = u16(bad | (saturated if v >= limit else u16(0)))


@_jit
def _add_flags(flags: Any, flip: Any, wrong: Any) -> None:
    n = flags.size
    if flip:
        for k in range(n):
            wrong[k] |= flags[n - 1 - k]
    else:
        for k in range(n):
            wrong[k] |= flags[k]


@_jit
def _set_flags(wrong: Any, flags: Any, out: Any) -> None:
    for k in range(out.size):
        out[k] = wrong[k] | flags[k]


@_jit
def _signal(value: Any, factor: Any, level: Any, columns: Any, first: Any) -> None:
    for k in range(first.size):
        value[k] = factor * (value[k] - (level + columns[k])) + first[k]


@_jit
def _look_up(value: Any, n: Any, table: Any, slope: Any, level: Any, piece: Any, wrong: Any) -> None:
    values, slopes, start, step, end, beyond = table
    inverse, last = f32(1) / step, f32(values.size - 2)
    if beyond:
        for k in range(n):
            out = value[k] >= end
            wrong[k] |= beyond if out else u16(0)
            value[k] = end if out else value[k]
    for k in range(n):
        place = (value[k] - start) * inverse
        place = place if place > f32(0) else f32(0)  # NaN as well
        piece[k] = i32(last if place >= last else place)
    for k in range(n):
        i = u64(piece[k])
        slope[k] = slopes[i + u64((value[k] - start) * inverse > f32(0))]
        level[k] = values[i]
    for k in range(n):
        value[k] = level[k] + slope[k] * (value[k] - (start + f32(piece[k]) * step))


@_jit
def _scaled(value: Any, scale: Any, offset: Any, data: Any) -> None:
    for k in range(data.size):
        data[k] = scale[k] * value[k] + offset[k]


@_jit
def _noise(own: Any, variance: Any, level: Any, columns: Any, slope: Any, looked_up: Any) -> None:
    for k in range(columns.size):
        own[k] = variance + (level + columns[k])
    if looked_up:
        for k in range(columns.size):
            own[k] *= slope[k] * slope[k]


@_jit
def _count(own: Any, value: Any, n: Any) -> Any:
    """Add the Poisson term, not below the floor; return how often the floor was needed."""
    low = u32(0)
    for k in range(n):
        total, floor = own[k] + value[k], f32(FLOOR) * own[k]
        low += u32(total < floor)
        own[k] = floor if total < floor else total
    return np.int64(low)


@_jit
def _own(own: Any, scale: Any) -> None:
    for k in range(scale.size):
        own[k] = scale[k] * scale[k] * own[k]


@_jit
def _mix(a: Any, behind: Any, squared: Any, mixed: Any, slope: Any) -> None:
    for k in range(behind.size):
        a[k] = behind[k] + slope[k] * (mixed[k] + slope[k] * squared[k])


@_jit
def _line(b: Any, behind: Any, sloped: Any, slope: Any) -> None:
    for k in range(behind.size):
        b[k] = behind[k] + slope[k] * sloped[k]


@_jit
def _plain(own: Any, constant: Any, out: Any) -> None:
    for k in range(out.size):
        out[k] = own[k] + constant[k]


@_jit
def _curve(own: Any, constant: Any, linear: Any, square: Any, data: Any, part: Any, out: Any) -> None:
    for k in range(out.size):
        part[k] = linear[k] + data[k] * square[k]
    for k in range(out.size):
        part[k] = constant[k] + data[k] * part[k]
    _settle(own, part, out)


@_jit
def _settle(own: Any, part: Any, out: Any) -> None:
    for k in range(out.size):
        shared = part[k]
        # A sum of squares, but for rounding.
        out[k] = own[k] + (f32(0) if shared < f32(0) else shared)
