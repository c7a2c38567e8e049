"""The compiled form of `fullwell.kernels.histograms`.

Neighbors are often alike; two tables in turn keep one count from waiting for the one before.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

__all__ = ["count_bits", "count_differences", "count_values"]

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")
_VALUES = 2**16


@_jit
def count_values(image: Any) -> Any:
    """Count how often each value occurs; see `fullwell.kernels.histograms.count_values`."""
    counts = np.zeros((2, _VALUES), np.int64)
    rows, columns = image.shape
    for y in range(rows):
        for x in range(0, columns - 1, 2):
            counts[0, image[y, x]] += 1
            counts[1, image[y, x + 1]] += 1
        if columns % 2:
            counts[0, image[y, columns - 1]] += 1
    return counts[0] + counts[1]


@_jit
def count_differences(image: Any) -> Any:
    """Count how often each difference occurs; see `fullwell.kernels.histograms.count_differences`."""
    counts = np.zeros((2, 2 * _VALUES - 1), np.int64)
    rows, columns = image.shape
    middle = np.int64(_VALUES - 1)
    for y in range(rows):
        for x in range(0, columns - 3, 2):
            counts[0, np.int64(image[y, x + 2]) - np.int64(image[y, x]) + middle] += 1
            counts[1, np.int64(image[y, x + 3]) - np.int64(image[y, x + 1]) + middle] += 1
        if columns % 2 and columns > 2:
            counts[0, np.int64(image[y, columns - 1]) - np.int64(image[y, columns - 3]) + middle] += 1
    return counts[0] + counts[1]


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
