"""The compiled form of `fullwell.kernels.encoding`: each loop swaps bytes and sums words at once."""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

__all__ = ["mask_bytes", "swap_halves", "swap_roots", "swap_words", "unswap_halves"]

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")
u8, u16, u32, u64, f32 = np.uint8, np.uint16, np.uint32, np.uint64, np.float32
_PIECE = 1024  # what is between two loops stays in the nearest cache


@_jit
def swap_words(words: Any, out: Any) -> Any:
    """Turn the bytes of words around; return the sum of the words."""
    total = u64(0)
    for k in range(words.size):
        w = words[k]
        total += u64(w)
        out[k] = u32(
            u32(w << u32(24))
            | u32(u32(w << u32(8)) & u32(0xFF0000))
            | u32(u32(w >> u32(8)) & u32(0xFF00))
            | u32(w >> u32(24))
        )
    return total


@_jit
def swap_halves(values: Any, out: Any) -> Any:
    """Turn the top bit of 16 and then their bytes; return the sum of the words of two."""
    total = u64(0)
    pairs = values[: values.size // 2 * 2].view(np.uint32)
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
def swap_roots(variance: Any, out: Any) -> Any:
    """Take square roots and turn their bytes around; return the sum of the words and the least variance."""
    roots = np.empty(_PIECE, np.float32)
    bits = roots.view(np.uint32)
    total = u64(0)
    lowest = f32(0)
    for start in range(0, variance.size, _PIECE):
        n = min(_PIECE, variance.size - start)
        negative = u32(0)
        for k in range(n):
            v = variance[start + k]
            negative |= u32(v < f32(0))
            roots[k] = math.sqrt(v)
        if negative:
            for k in range(n):
                lowest = min(lowest, variance[start + k]) if variance[start + k] < f32(0) else lowest
        total += swap_words(bits[:n], out[start : start + n])
    return total, lowest


@_jit
def mask_bytes(flags: Any, bad: Any, out: Any) -> Any:
    """Write 1 for what has any of the bits; return the sum of the words of four."""
    counts = np.zeros(4, np.int64)
    whole = flags.size // 4 * 4
    for k in range(flags.size):
        out[k] = u8(1) if flags[k] & bad else u8(0)
    quads = out[:whole].view(np.uint32)
    # One byte each, so that 255 words can be added before a byte runs over.
    for start in range(0, quads.size, 255):
        sums = u32(0)
        for k in range(start, min(start + 255, quads.size)):
            sums += quads[k]
        for lane in range(4):
            counts[lane] += np.int64((sums >> u32(8 * lane)) & u32(255))
    for k in range(whole, flags.size):
        counts[k - whole] += np.int64(out[k])
    # The first byte of a word in memory weighs most; in `quads` it is the lowest.
    total = u64(0)
    for lane in range(4):
        total += u64(counts[lane]) << u64(24 - 8 * lane)
    return total
