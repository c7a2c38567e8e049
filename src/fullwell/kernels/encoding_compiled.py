"""The compiled form of `fullwell.kernels.encoding`: each loop swaps bytes and sums words at once."""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from fullwell.kernels.encoding import HALVES, JOB, MASK, WORDS
from fullwell.kernels.memory_compiled import address_as
from fullwell.kernels.numba_cache import jit

__all__ = ["make", "unswap_halves"]

types: Any = numba.types
_jit = jit()
u8, u16, u32, u64, f32 = np.uint8, np.uint16, np.uint32, np.uint64, np.float32
_PIECE = 1024  # what is between two loops stays in the nearest cache


def encode_pixels(pointer: Any) -> Any:
    """Encode what a record of the type `JOB` says; return the sum of the words."""
    job = numba.carray(pointer, 1)[0]
    size = job.size
    if job.kind == WORDS:
        return _swap_words(_array(job.source, size, u32), _array(job.target, size, u32))
    if job.kind == HALVES:
        return _swap_halves(
            _array(job.source, size, u16), _array(job.source, size // 2, u32), _array(job.target, size, u16)
        )
    if job.kind == MASK:
        octets, quads = _array(job.target, size, u8), _array(job.target, size // 4, u32)
        return _mask_bytes(_array(job.source, size, u16), u16(job.bad), octets, quads)
    lowest = _array(job.lowest, 1, f32)
    roots, bits = _array(job.target, size, f32), _array(job.target, size, u32)
    return _swap_roots(_array(job.source, size, f32), roots, bits, lowest)


@_jit
def _array(address: Any, count: Any, kind: Any) -> Any:
    return numba.carray(address_as(address, kind), (count,))


@_jit
def _swap_words(words: Any, out: Any) -> Any:
    """Turn the bytes of words around; return the sum of the words."""
    total = u64(0)
    for k in range(words.size):
        w = words[k]
        total += u64(w)
        out[k] = _swapped(w)
    return total


@_jit
def _swap_halves(values: Any, pairs: Any, out: Any) -> Any:
    """Turn the top bit of 16 and then their bytes; return the sum of the words of two, which `pairs` are."""
    total = u64(0)
    # Of 2^16 words the sum of either half fits into 32 bits.
    for start in range(0, pairs.size, 2**16):
        first, second = u32(0), u32(0)
        for k in range(start, min(start + 2**16, pairs.size)):
            pair = pairs[k] ^ u32(0x80008000)
            first += pair & u32(0xFFFF)
            second += pair >> u32(16)
        total += (u64(first) << u64(16)) + u64(second)
    if values.size % 2:
        total += u64(values[values.size - 1] ^ u16(0x8000)) << u64(16)
    for k in range(values.size):
        v = u16(values[k] ^ u16(0x8000))
        out[k] = u16(u16(v << u16(8)) | u16(v >> u16(8)))
    return total


@_jit
def unswap_halves(words: Any, turn: Any) -> None:
    """Turn bytes around, and then some bits."""
    for k in range(words.size):
        w = words[k]
        words[k] = u16(u16(w << u16(8)) | u16(w >> u16(8))) ^ turn


@_jit
def _swap_roots(variance: Any, roots: Any, bits: Any, least: Any) -> Any:
    """Take square roots and turn their bytes around; return the sum of the words, and the least variance."""
    total = u64(0)
    lowest = f32(0)
    for start in range(0, variance.size, _PIECE):
        end = min(start + _PIECE, variance.size)
        negative = u32(0)
        for k in range(start, end):
            v = variance[k]
            negative |= u32(v < f32(0))
            roots[k] = math.sqrt(v)
        if negative:
            for k in range(start, end):
                lowest = min(lowest, variance[k]) if variance[k] < f32(0) else lowest
        for k in range(start, end):
            w = bits[k]
            total += u64(w)
            bits[k] = _swapped(w)
    least[0] = lowest
    return total


@_jit
def _mask_bytes(flags: Any, bad: Any, out: Any, quads: Any) -> Any:
    """Write 1 for what has any of the bits; return the sum of the words of four, which `quads` are."""
    for k in range(flags.size):
        out[k] = u8(1) if flags[k] & bad else u8(0)
    first, second, third, fourth = u64(0), u64(0), u64(0), u64(0)
    # One byte each, so that 255 words can be added before a byte runs over.
    for start in range(0, quads.size, 255):
        sums = u32(0)
        for k in range(start, min(start + 255, quads.size)):
            sums += quads[k]
        first += u64(sums & u32(255))
        second += u64((sums >> u32(8)) & u32(255))
        third += u64((sums >> u32(16)) & u32(255))
        fourth += u64((sums >> u32(24)) & u32(255))
    # The first byte of a word in memory weighs most; in `quads` it is the lowest.
    total = (first << u64(24)) + (second << u64(16)) + (third << u64(8)) + fourth
    for k in range(4 * quads.size, flags.size):
        total += u64(out[k]) << u64(8 * (3 - k % 4))
    return total


@_jit
def _swapped(w: Any) -> Any:
    return u32(
        u32(w << u32(24))
        | u32(u32(w << u32(8)) & u32(0xFF0000))
        | u32(u32(w >> u32(8)) & u32(0xFF00))
        | u32(w >> u32(24))
    )


def make(*, cache: bool) -> Any:
    """Compile `encode_pixels`, or take it from the cache of Numba where that is allowed."""
    pointer = types.CPointer(numba.from_dtype(JOB))
    return numba.cfunc(types.int64(pointer), cache=cache, error_model="numpy")(encode_pixels)
