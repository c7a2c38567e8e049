"""Reading rows of pixels wherever they lie: memory-mapped files in FITS byte order, or arrays.

Frames come as addresses, so that one compiled function serves any number of them. Byte order and the turned
top bit of unsigned FITS integers are undone on the way.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from fullwell.kernels.lanes_compiled import vector_at
from fullwell.kernels.numba_cache import jit

__all__ = ["address_as", "finish_stores", "load_flags", "load_float", "load_ordered", "prefetch", "write_row"]

types: Any = numba.types
u8, u16, u32, u64 = np.uint8, np.uint16, np.uint32, np.uint64
f32, f64 = np.float32, np.float64
_VECTOR = 16  # bytes, to which NumPy aligns arrays
_jit = jit()

#: Kinds of pixels; those of two bytes come first. See `fullwell.kernels.planes`.
_TWO_BYTES_SWAPPED, _TWO_BYTES, _F4_SWAPPED, _F4, _F8 = 0, 1, 2, 3, 4


def _pointer_to(element: Any) -> Any:
    """Make an intrinsic that takes an address for a pointer to numbers of one type."""

    @intrinsic
    def pointer(context: Any, address: Any) -> Any:  # noqa: ARG001
        target = types.CPointer(element)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
            return builder.inttoptr(arguments[0], context.get_value_type(target))

        return target(types.uint64), generate

    return pointer


_pointer_16, _pointer_32, _pointer_f32, _pointer_f64 = (
    _pointer_to(types.uint16),
    _pointer_to(types.uint32),
    _pointer_to(types.float32),
    _pointer_to(types.float64),
)


@intrinsic
def address_as(context: Any, address: Any, kind: Any) -> Any:  # noqa: ARG001
    """Take an address for a pointer to numbers of a NumPy type."""
    target = types.CPointer(kind.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return target(types.uint64, kind), generate


@intrinsic
def prefetch(context: Any, address: Any) -> Any:  # noqa: ARG001
    """Ask the processor to fetch the line of memory at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, *[ir.IntType(32)] * 3])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        constants = [ir.Constant(ir.IntType(32), value) for value in (0, 2, 1)]  # read, keep in L2, data
        builder.call(function, [builder.inttoptr(arguments[0], pointer), *constants])
        return context.get_dummy_value()

    return types.void(types.uint64), generate


@intrinsic
def _store_past_caches(context: Any, source: Any, target: Any, start: Any, count: Any) -> Any:  # noqa: ARG001
    """Copy to an aligned place of an array; `count` numbers fill whole vectors of `_VECTOR` bytes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = signature.args[0].dtype.bitwidth // 8
        lanes = ir.Constant(ir.IntType(64), _VECTOR // size)
        hint = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
        with cgutils.for_range(builder, builder.udiv(arguments[3], lanes)) as loop:
            i = builder.mul(loop.index, lanes)
            here, align = vector_at(context, builder, signature.args[0], arguments[0], i, _VECTOR // size)
            there, _ = vector_at(
                context,
                builder,
                signature.args[1],
                arguments[1],
                builder.add(arguments[2], i),
                _VECTOR // size,
            )
            builder.store(builder.load(here, align=align), there, align=_VECTOR).set_metadata(
                "nontemporal", hint
            )
        return context.get_dummy_value()

    return types.void(source, target, types.intp, types.intp), generate


@intrinsic
def finish_stores(context: Any) -> Any:  # noqa: ARG001
    """Let what `write_row` wrote be seen by all threads."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


@_jit
def write_row(source: Any, target: Any, start: Any, count: Any) -> None:
    """Write results that nobody reads soon, past the caches where the place is aligned: ``target[start:]``.

    Memory is not read before it is written then, which halves the traffic. Call `finish_stores` at the end.
    """
    if (count * source.itemsize) % _VECTOR == 0 and (
        target.ctypes.data + start * target.itemsize
    ) % _VECTOR == 0:
        _store_past_caches(source, target, start, count)
        return
    for p in range(count):
        target[start + p] = source[p]


@_jit
def load_ordered(address: Any, swapped: Any, top: Any, start: Any, count: Any, row: Any) -> None:
    """Load pixels of two bytes as uint16 in the order of their values.

    Parameters
    ----------
    address : uint64
        Of the plane.
    swapped : bool
        Whether the bytes stand in FITS order.
    top : uint16
        Bits to turn: 0x8000 for what is stored as signed, else 0.
    start, count : int
        Pixels of the plane.
    row : ndarray of uint16
        What to fill.
    """
    source = numba.carray(_pointer_16(address), (start + count,))[start : start + count]
    if swapped:
        for p in range(count):
            x = source[p]
            row[p] = u16(u16(x << u16(8)) | u16(x >> u16(8))) ^ top
    else:
        for p in range(count):
            row[p] = source[p] ^ top


@_jit
def load_float(
    address: Any, kind: Any, top: Any, zero: Any, scale: Any, offset: Any, start: Any, count: Any, row: Any
) -> None:
    """Load pixels of any kind as levelled float64, ``value * scale + offset``, each operation rounded.

    Parameters
    ----------
    address, top, start, count
        As for `load_ordered`.
    kind : int
        See `fullwell.kernels.planes`.
    zero : float
        Value of an integer whose ordered form is 0.
    scale, offset : float
        Level.
    row : ndarray of float64
        What to fill.
    """
    end = start + count
    if kind <= _TWO_BYTES:
        words = numba.carray(_pointer_16(address), (end,))[start:end]
        if kind == _TWO_BYTES_SWAPPED:
            for p in range(count):
                x = words[p]
                row[p] = (f64(u16(u16(x << u16(8)) | u16(x >> u16(8))) ^ top) + zero) * scale + offset
        else:
            for p in range(count):
                row[p] = (f64(words[p] ^ top) + zero) * scale + offset
    elif kind == _F4_SWAPPED:
        bits = numba.carray(_pointer_32(address), (end,))[start:end]
        for p in range(count):
            row[p] = f64(u32(_swapped_32(bits[p])).view(f32)) * scale + offset
    elif kind == _F4:
        singles = numba.carray(_pointer_f32(address), (end,))[start:end]
        for p in range(count):
            row[p] = f64(singles[p]) * scale + offset
    else:
        doubles = numba.carray(_pointer_f64(address), (end,))[start:end]
        for p in range(count):
            row[p] = doubles[p] * scale + offset


@_jit
def load_flags(address: Any, start: Any, count: Any, row: Any) -> None:
    """Load pixels of native uint16."""
    source = numba.carray(_pointer_16(address), (start + count,))[start : start + count]
    for p in range(count):
        row[p] = source[p]


@_jit
def _swapped_32(x: Any) -> Any:
    return u32(
        u32(x << u32(24))
        | u32(u32(x << u32(8)) & u32(0xFF0000))
        | u32(u32(x >> u32(8)) & u32(0xFF00))
        | u32(x >> u32(24))
    )
