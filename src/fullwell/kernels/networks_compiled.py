"""Sorting rows of a tile across pixels: the networks of `fullwell.kernels.networks`, compiled.

A tile is ONE flat array of rows of `ROW` bytes, each `STRIDE` bytes behind the last: with a power of 2, all
rows would compete for the same few places of the cache. Some neighboring pixels of all rows of a network are
loaded into registers, sorted there without a branch, and written back. A test looks at the machine code.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from fullwell.kernels.lanes_compiled import emit_larger, emit_smaller, vector_at
from fullwell.kernels.networks import BLOCK, MOST, STEP, batcher
from fullwell.kernels.numba_cache import jit

__all__ = ["ROW", "STRIDE", "VECTOR", "sort_rows"]

types: Any = numba.types
#: Bytes of a row of a tile: 256 pixels of 16 bits, 64 of 64 bits.
ROW = 512
#: Bytes that are compared at once: what processors with AVX2 have.
VECTOR = 32
#: Bytes from row to row.
STRIDE = ROW + 64
_STRIP = 128  # bytes: of so many pixels all rows are merged before the next
_jit = jit()


@_jit
def sort_rows(source: Any, tile: Any, rows: Any, merges: Any, start: Any, stop: Any) -> None:
    """Sort each column; NaN spoils its own column only.

    Parameters
    ----------
    source : ndarray, one-dimensional
        Unsigned integers or floats.
    tile : ndarray
        What to fill, of the same type and shape; may be `source`.
    rows : int
        ``padded(n)``.
    merges : ndarray of int32, shape (merges, 2)
        ``merges(n)``.
    start, stop : int
        Pixels to sort, filling whole vectors of `VECTOR` bytes.
    """
    if rows <= MOST:
        _sort_few(source, tile, rows, start, (stop - start) * tile.itemsize // VECTOR)
        return
    stride = STRIDE // tile.itemsize
    strip = _STRIP // tile.itemsize
    for pixel in range(start, stop, strip):
        vectors = min(strip, stop - pixel) * tile.itemsize // VECTOR
        for first in range(0, rows, BLOCK):
            _sort_block(source, tile, first * stride + pixel, vectors)
        for c in range(merges.shape[0]):
            low, high = merges[c, 0] * BLOCK * stride + pixel, merges[c, 1] * BLOCK * stride + pixel
            _merge_blocks(tile, low, high, vectors)


@intrinsic
def _sort_few(context: Any, source: Any, tile: Any, rows: Any, start: Any, vectors: Any) -> Any:  # noqa: ARG001
    """Sort up to `MOST` rows, a multiple of `STEP`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        network = _Network(context, builder, signature.args[0], *arguments[:2])
        done = builder.append_basic_block("sorted")
        choice = builder.switch(arguments[2], done)
        for size in range(STEP, MOST + 1, STEP):
            case = builder.append_basic_block(f"rows{size}")
            choice.add_case(size, case)
            builder.position_at_end(case)
            network.emit(network.rows(arguments[3], size), batcher(size), arguments[4])
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(source, tile, types.intp, types.intp, types.intp), generate


@intrinsic
def _sort_block(context: Any, source: Any, tile: Any, start: Any, vectors: Any) -> Any:  # noqa: ARG001
    """Sort a strip of the `BLOCK` rows from an index of the tile on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        network = _Network(context, builder, signature.args[0], *arguments[:2])
        network.emit(network.rows(arguments[2], BLOCK), batcher(BLOCK), arguments[3])
        return context.get_dummy_value()

    return types.void(source, tile, types.intp, types.intp), generate


@intrinsic
def _merge_blocks(context: Any, tile: Any, low: Any, high: Any, vectors: Any) -> Any:  # noqa: ARG001
    """Odd-even merge of strips of two sorted blocks: the lower half to `low`, the upper half to `high`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        network = _Network(context, builder, signature.args[0], arguments[0], arguments[0])
        rows = network.rows(arguments[1], BLOCK) + network.rows(arguments[2], BLOCK)
        merge = batcher(2 * BLOCK)[2 * len(batcher(BLOCK)) :]  # the halves are sorted before
        network.emit(rows, merge, arguments[3])
        return context.get_dummy_value()

    return types.void(tile, types.intp, types.intp, types.intp), generate


def _integer(value: int) -> Any:
    return ir.Constant(ir.IntType(64), value)


class _Network:
    """Generates code that sends rows of a tile through networks."""

    def __init__(self, context: Any, builder: Any, tile_type: Any, source: Any, tile: Any) -> None:
        self.context, self.builder, self.tile_type = context, builder, tile_type
        self.source, self.tile = source, tile
        self.size = tile_type.dtype.bitwidth // 8

    def rows(self, start: Any, count: int) -> list[Any]:
        """Return where some rows in sequence start."""
        return [self.builder.add(start, _integer(i * STRIDE // self.size)) for i in range(count)]

    def emit(self, starts: list[Any], network: Iterable[Any], vectors: Any) -> None:
        """Generate a loop over so many vectors of the rows."""
        builder, count = self.builder, VECTOR // self.size
        with cgutils.for_range(builder, vectors) as loop:
            pixel = builder.mul(loop.index, _integer(count))
            indices = [builder.add(start, pixel) for start in starts]
            rows = []
            for index in indices:
                pointer, align = vector_at(self.context, builder, self.tile_type, self.source, index, count)
                rows.append(builder.load(pointer, align=align))
            for i, j in network:
                a, b = rows[i], rows[j]
                rows[i], rows[j] = emit_smaller(builder, a, b), emit_larger(builder, a, b)
            for index, row in zip(indices, rows, strict=True):
                pointer, align = vector_at(self.context, builder, self.tile_type, self.tile, index, count)
                builder.store(row, pointer, align=align)
