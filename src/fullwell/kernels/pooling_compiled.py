"""The compiled form of `fullwell.kernels.pooling`: one pass over the rows.

The rows of a block are taken together first, which a processor does for many columns at once; then
columns are, once a block.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.numba_cache import jit

__all__ = ["pool_max_floats", "pool_max_integers", "pool_mean_floats", "pool_mean_integers", "pool_or"]

_jit = jit()


@_jit
def pool_mean_integers(image: Any, factor: int, small: Any) -> None:
    """Write rounded means of blocks into `small`."""
    rows, columns = image.shape
    sums = np.empty(columns, np.uint32)  # of up to 65536 rows
    for r in range(small.shape[0]):
        bottom, top = r * factor, min((r + 1) * factor, rows)
        sums[:] = 0
        for y in range(bottom, top):
            row = image[y]
            for x in range(columns):
                sums[x] += row[x]
        for c in range(small.shape[1]):
            left, right = c * factor, min((c + 1) * factor, columns)
            total = np.int64(0)
            for x in range(left, right):
                total += np.int64(sums[x])
            count = (top - bottom) * (right - left)
            small[r, c] = (2 * total + count) // (2 * count)


@_jit
def pool_max_integers(image: Any, factor: int, small: Any) -> None:
    """Write the highest value of each block into `small`."""
    rows, columns = image.shape
    highest = np.empty(columns, image.dtype)
    for r in range(small.shape[0]):
        highest[:] = 0
        for y in range(r * factor, min((r + 1) * factor, rows)):
            row = image[y]
            for x in range(columns):
                highest[x] = max(highest[x], row[x])
        for c in range(small.shape[1]):
            found = highest[c * factor]
            for x in range(c * factor + 1, min((c + 1) * factor, columns)):
                found = max(found, highest[x])
            small[r, c] = found


@_jit
def pool_or(image: Any, factor: int, small: Any) -> None:
    """Write all bits that are set in each block into `small`."""
    rows, columns = image.shape
    bits = np.empty(columns, image.dtype)
    for r in range(small.shape[0]):
        bits[:] = 0
        for y in range(r * factor, min((r + 1) * factor, rows)):
            row = image[y]
            for x in range(columns):
                bits[x] |= row[x]
        for c in range(small.shape[1]):
            found = bits[c * factor]
            for x in range(c * factor + 1, min((c + 1) * factor, columns)):
                found |= bits[x]
            small[r, c] = found


@_jit
def pool_mean_floats(image: Any, factor: int, small: Any) -> None:
    """Write means of the finite values of each block into `small`."""
    rows, columns = image.shape
    sums, counts = np.empty(columns, np.float64), np.empty(columns, np.int64)
    for r in range(small.shape[0]):
        sums[:] = 0.0
        counts[:] = 0
        for y in range(r * factor, min((r + 1) * factor, rows)):
            row = image[y]
            for x in range(columns):
                finite = np.isfinite(row[x])
                sums[x] += np.float64(row[x]) if finite else 0.0
                counts[x] += finite
        for c in range(small.shape[1]):
            left, right = c * factor, min((c + 1) * factor, columns)
            total, count = 0.0, 0
            for x in range(left, right):
                total += sums[x]
                count += counts[x]
            small[r, c] = total / count if count else np.nan


@_jit
def pool_max_floats(image: Any, factor: int, small: Any) -> None:
    """Write the highest finite value of each block into `small`."""
    rows, columns = image.shape
    highest = np.empty(columns, image.dtype)
    for r in range(small.shape[0]):
        highest[:] = -np.inf  # no finite value is as low
        for y in range(r * factor, min((r + 1) * factor, rows)):
            row = image[y]
            for x in range(columns):
                value = row[x] if np.isfinite(row[x]) else highest[x]
                highest[x] = value if value > highest[x] else highest[x]
        for c in range(small.shape[1]):
            found = highest[c * factor]
            for x in range(c * factor + 1, min((c + 1) * factor, columns)):
                found = max(found, highest[x])
            small[r, c] = found if found > -np.inf else np.nan
