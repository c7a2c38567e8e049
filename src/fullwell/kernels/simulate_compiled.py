"""The loop of `fullwell.kernels.simulate`, compiled; its plain form there is `run_plain`."""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic

from fullwell.kernels.numba_cache import jit
from fullwell.kernels.random_compiled import (
    normal_chunk,
    poisson_chunk,
    poisson_of_one_mean,
    words_chunk,
)

__all__ = ["run_chunks"]

types: Any = numba.types
f32, f64, i32, i64, u16, u64 = np.float32, np.float64, np.int32, np.int64, np.uint16, np.uint64
_jit = jit()

#: As in `fullwell.kernels.simulate.Op`.
_ADD, _MULTIPLY, _DIVIDE, _COUNT, _ADD_COUNT, _ADD_NORMAL, _CLEAR, _DIGITIZE = range(8)


def _pointer_to(element: Any) -> Any:
    """Make an intrinsic that takes an address for a pointer: one compiled function serves all operands."""

    @intrinsic
    def pointer(context: Any, address: Any) -> Any:  # noqa: ARG001
        target = types.CPointer(element)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            return builder.inttoptr(arguments[0], context.get_value_type(target))

        return target(types.uint64), generate

    return pointer


_singles, _bytes, _shorts, _integers, _indices = (
    _pointer_to(element) for element in (types.float32, types.uint8, types.uint16, types.int32, types.int64)
)


@_jit
def _load(address: Any, start: Any, values: Any) -> None:
    end = start + values.size
    source = numba.carray(_singles(address), (end,))[start:end]
    for i in range(values.size):
        values[i] = source[i]


@_jit
def _load_rows(table: Any, index: Any, columns: Any, start: Any, values: Any) -> None:
    """Load pixels of an image that is stored as its different rows."""
    rows = numba.carray(_indices(index), ((start + values.size - 1) // columns + 1,))
    done = 0
    while done < values.size:
        row, column = (start + done) // columns, (start + done) % columns
        size = min(columns - column, values.size - done)
        _load(table, rows[row] * columns + column, values[done : done + size])
        done += size


@_jit
def _operand(addresses: Any, numbers: Any, columns: Any, start: Any, values: Any) -> None:
    if addresses[0] == 0:
        values[:] = f32(numbers[0])
        return
    if addresses[1] == 0:
        _load(addresses[0], start, values)
    else:
        _load_rows(addresses[0], addresses[1], columns, start, values)
    scale, shift = f32(numbers[1]), f32(numbers[2])
    if scale != f32(1) or shift != f32(0):
        for i in range(values.size):
            values[i] = values[i] * scale + shift


@_jit
def _clear(address: Any, start: Any, x: Any) -> None:
    end = start + x.size
    mask = numba.carray(_bytes(address), (end,))[start:end]
    for i in range(x.size):
        x[i] = f32(0) if mask[i] else x[i]


@_jit
def _code(x: Any, inverse: Any, highest: Any) -> Any:
    code = np.floor(f64(x) * inverse + 0.5)
    return i32(min(code if code > 0.0 else 0.0, highest))


@_jit
def _digitize(x: Any, numbers: Any, address: Any, itemsize: Any, start: Any) -> None:
    highest, worth = numbers[3], i32(numbers[4])
    inverse = 1.0 / numbers[4]  # exact: a power of two
    end = start + x.size
    if itemsize == 2:
        shorts = numba.carray(_shorts(address), (end,))[start:end]
        for i in range(x.size):
            shorts[i] = u16(_code(x[i], inverse, highest) * worth)
    else:
        integers = numba.carray(_integers(address), (end,))[start:end]
        for i in range(x.size):
            integers[i] = i32(_code(x[i], inverse, highest) * worth)


@_jit
def _store(x: Any, address: Any, start: Any) -> None:
    end = start + x.size
    target = numba.carray(_singles(address), (end,))[start:end]
    for i in range(x.size):
        target[i] = x[i]


@_jit
def _arithmetic(op: Any, x: Any, y: Any) -> None:
    if op == _ADD:
        for i in range(x.size):
            x[i] = x[i] + y[i]
    elif op == _MULTIPLY:
        for i in range(x.size):
            x[i] = x[i] * y[i]
    else:
        for i in range(x.size):
            x[i] = x[i] / y[i]


@_jit
def run_chunks(
    source: Any,
    target: Any,
    itemsize: Any,
    pixels: Any,
    columns: Any,
    ops: Any,
    addresses: Any,
    numbers: Any,
    keys: Any,
    limits: Any,
    sizes: Any,
    cells: Any,
    guide: Any,
    curves: Any,
    first: Any,
    last: Any,
) -> None:
    """Take the chunks `first` to `last` - 1 of an image through all steps.

    Parameters
    ----------
    source, target : uint64
        Addresses of the image, float32, and of the result.
    itemsize : int
        Bytes of an integer of the result; 0 for float32.
    pixels, columns : int
        Of the image and of its rows.
    ops, addresses, numbers, keys, limits, sizes : ndarray
        The steps.
    cells, guide, curves : ndarray
        From `fullwell.kernels.poisson_table.tables`.
    """
    chunk_x, chunk_y = np.empty(1024, np.float32), np.empty(1024, np.float32)
    chunk_z, words = np.empty(1024, np.float32), np.empty(1024, np.uint32)
    for chunk in range(first, last):
        start = chunk * 1024
        size = min(1024, pixels - start)
        x, y, z, w = chunk_x[:size], chunk_y[:size], chunk_z[:size], words[:size]
        _load(source, start, x)
        for s in range(ops.size):
            op = ops[s]
            if op in (_COUNT, _ADD_COUNT, _ADD_NORMAL):
                words_chunk(words, chunk, keys[s])
            if op == _CLEAR:
                _clear(addresses[s, 0], start, x)
            elif op == _DIGITIZE:
                _digitize(x, numbers[s], target, itemsize, start)
            elif op == _COUNT:
                poisson_chunk(x, w, z, cells, guide, curves)
                x[:] = z
            elif op == _ADD_COUNT and sizes[s] >= 0:
                poisson_of_one_mean(w, z, limits[s, : sizes[s]])
                _arithmetic(_ADD, x, z)
            else:
                _operand(addresses[s], numbers[s], columns, start, y)
                if op == _ADD_COUNT:
                    poisson_chunk(y, w, z, cells, guide, curves)
                    _arithmetic(_ADD, x, z)
                elif op == _ADD_NORMAL:
                    normal_chunk(w, z)
                    for i in range(size):
                        x[i] = x[i] + y[i] * z[i]
                else:
                    _arithmetic(op, x, y)
        if itemsize == 0:
            _store(x, target, start)
