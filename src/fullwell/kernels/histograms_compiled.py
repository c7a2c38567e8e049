"""The compiled form of `fullwell.kernels.histograms`.

Neighbors are often alike; four tables in turn keep one count from waiting for the one before.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.numba_cache import jit

__all__ = ["count_bits", "count_differences", "count_values"]

_jit = jit()
_VALUES = 2**16
u32, u64 = np.uint32, np.uint64


@_jit
def count_values(image: Any) -> Any:
    """Count how often each value occurs; see `fullwell.kernels.histograms.count_values`."""
    counts = np.zeros((4, _VALUES), np.uint32)
    a, b, c, d = counts[0], counts[1], counts[2], counts[3]
    rows, columns = image.shape
    whole = columns - columns % 4
    for y in range(rows):
        row = image[y]
        for x in range(0, whole, 4):
            a[row[x]] += u32(1)
            b[row[x + 1]] += u32(1)
            c[row[x + 2]] += u32(1)
            d[row[x + 3]] += u32(1)
        for x in range(whole, columns):
            a[row[x]] += u32(1)
    return _total(a, b, c, d)


@_jit
def count_differences(image: Any) -> Any:
    """Count how often each difference occurs; see `fullwell.kernels.histograms.count_differences`."""
    counts = np.zeros((4, 2 * _VALUES - 1), np.uint32)
    a, b, c, d = counts[0], counts[1], counts[2], counts[3]
    rows, columns = image.shape
    number = max(0, columns - 2)
    whole = number - number % 4
    middle = u64(_VALUES - 1)
    for y in range(rows):
        row = image[y]
        for x in range(0, whole, 4):
            a[middle + u64(row[x + 2]) - u64(row[x])] += u32(1)
            b[middle + u64(row[x + 3]) - u64(row[x + 1])] += u32(1)
            c[middle + u64(row[x + 4]) - u64(row[x + 2])] += u32(1)
            d[middle + u64(row[x + 5]) - u64(row[x + 3])] += u32(1)
        for x in range(whole, number):
            a[middle + u64(row[x + 2]) - u64(row[x])] += u32(1)
    return _total(a, b, c, d)


@_jit
def _total(a: Any, b: Any, c: Any, d: Any) -> Any:
    total = np.empty(a.size, np.int64)
    for k in range(a.size):
        total[k] = np.int64(a[k]) + np.int64(b[k]) + np.int64(c[k]) + np.int64(d[k])
    return total


@_jit
def count_bits(image: Any) -> Any:
    """Count the pixels in which each bit is set; see `fullwell.kernels.histograms.count_bits`."""
    counts = np.zeros(16, np.int64)
    rows, columns = image.shape
    for y in range(rows):
        for x in range(0, columns, 256):
            piece = image[y, x : x + 256]
            any_bit = np.uint16(0)
            for k in range(piece.size):
                any_bit |= piece[k]
            if any_bit:  # most pieces have none
                for bit in range(16):
                    if (any_bit >> bit) & 1:
                        found = np.int64(0)
                        for k in range(piece.size):
                            found += np.int64((piece[k] >> np.uint16(bit)) & np.uint16(1))
                        counts[bit] += found
    return counts
