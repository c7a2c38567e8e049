"""The compiled form of `fullwell.kernels.pooling`: one pass over the rows."""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

__all__ = ["pool_max_floats", "pool_max_integers", "pool_mean_floats", "pool_mean_integers", "pool_or"]

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")


@_jit
def pool_mean_integers(image: Any, factor: int, small: Any) -> None:
    """Write rounded means of blocks into `small`."""
    rows, columns = image.shape
    sums = np.empty(small.shape[1], np.int64)
    for r in range(small.shape[0]):
        bottom, top = r * factor, min((r + 1) * factor, rows)
        sums[:] = 0
        for y in range(bottom, top):
            for c in range(small.shape[1]):
                total = np.int64(0)
                for x in range(c * factor, min((c + 1) * factor, columns)):
                    total += image[y, x]
                sums[c] += total
        for c in range(small.shape[1]):
            count = (top - bottom) * (min((c + 1) * factor, columns) - c * factor)
            small[r, c] = (2 * sums[c] + count) // (2 * count)


@_jit
def pool_max_integers(image: Any, factor: int, small: Any) -> None:
    """Write the highest value of each block into `small`."""
    rows, columns = image.shape
    small[:] = 0
    for y in range(rows):
        r = y // factor
        for c in range(small.shape[1]):
            highest = small[r, c]
            for x in range(c * factor, min((c + 1) * factor, columns)):
                highest = max(highest, image[y, x])
            small[r, c] = highest


@_jit
def pool_or(image: Any, factor: int, small: Any) -> None:
    """Write all bits that are set in each block into `small`."""
    rows, columns = image.shape
    small[:] = 0
    for y in range(rows):
        r = y // factor
        for c in range(small.shape[1]):
            bits = small[r, c]
            for x in range(c * factor, min((c + 1) * factor, columns)):
                bits |= image[y, x]
            small[r, c] = bits


@_jit
def pool_mean_floats(image: Any, factor: int, small: Any) -> None:
    """Write means of the finite values of each block into `small`."""
    rows, columns = image.shape
    sums = np.empty(small.shape[1], np.float64)
    counts = np.empty(small.shape[1], np.int64)
    for r in range(small.shape[0]):
        sums[:] = 0.0
        counts[:] = 0
        for y in range(r * factor, min((r + 1) * factor, rows)):
            for c in range(small.shape[1]):
                for x in range(c * factor, min((c + 1) * factor, columns)):
                    value = image[y, x]
                    if np.isfinite(value):
                        sums[c] += value
                        counts[c] += 1
        for c in range(small.shape[1]):
            small[r, c] = sums[c] / counts[c] if counts[c] else np.nan


@_jit
def pool_max_floats(image: Any, factor: int, small: Any) -> None:
    """Write the highest finite value of each block into `small`."""
    rows, columns = image.shape
    small[:] = np.nan
    for y in range(rows):
        r = y // factor
        for c in range(small.shape[1]):
            highest = small[r, c]
            for x in range(c * factor, min((c + 1) * factor, columns)):
                value = image[y, x]
                if np.isfinite(value) and not (highest >= value):
                    highest = value
            small[r, c] = highest
