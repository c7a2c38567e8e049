"""The loops of `fullwell.kernels.brighter_fatter`, compiled; `brighter_fatter_reference` has the plain form.

Every loop runs along a row, so that the compiler's vectors do, over pieces of a row that stay in the first
cache. The order of all operations is that of the plain form, to the last bit, as counts depend on it.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.numba_cache import jit

__all__ = ["PIECE", "add_rows"]

PIECE = 1024  # columns

f32 = np.float32
_jit = jit()


@_jit
def _add_differences(weights: Any, row: Any, left: Any, right: Any, out: Any) -> None:
    """Add ``weights[k] (row[left - k + x] - row[right + k + x])`` for all k, four at a time."""
    size, k = out.size, 0
    while k + 4 <= weights.size:
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        a0, b0 = row[left - k : left - k + size], row[right + k : right + k + size]
        a1, b1 = row[left - k - 1 : left - k - 1 + size], row[right + k + 1 : right + k + 1 + size]
        a2, b2 = row[left - k - 2 : left - k - 2 + size], row[right + k + 2 : right + k + 2 + size]
        a3, b3 = row[left - k - 3 : left - k - 3 + size], row[right + k + 3 : right + k + 3 + size]
        for x in range(size):
            total = out[x] + w0 * (a0[x] - b0[x])
            total += w1 * (a1[x] - b1[x])
            total += w2 * (a2[x] - b2[x])
            out[x] = total + w3 * (a3[x] - b3[x])
        k += 4
    for rest in range(k, weights.size):
        a, b = row[left - rest : left - rest + size], row[right + rest : right + rest + size]
        for x in range(size):
            out[x] += weights[rest] * (a[x] - b[x])


@_jit
def _add_sums(weights: Any, row: Any, middle: Any, out: Any) -> None:
    """Add ``weights[k] (row[middle - k + x] + row[middle + k + x])``, for k = 0 only once, four at a time."""
    size = out.size
    own = row[middle : middle + size]
    for x in range(size):
        out[x] += weights[0] * own[x]
    k = 1
    while k + 4 <= weights.size:
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        low, high = middle - k, middle + k
        a0, b0 = row[low : low + size], row[high : high + size]
        a1, b1 = row[low - 1 : low - 1 + size], row[high + 1 : high + 1 + size]
        a2, b2 = row[low - 2 : low - 2 + size], row[high + 2 : high + 2 + size]
        a3, b3 = row[low - 3 : low - 3 + size], row[high + 3 : high + 3 + size]
        for x in range(size):
            total = out[x] + w0 * (a0[x] + b0[x])
            total += w1 * (a1[x] + b1[x])
            total += w2 * (a2[x] + b2[x])
            out[x] = total + w3 * (a3[x] + b3[x])
        k += 4
    for rest in range(k, weights.size):
        a, b = row[middle - rest : middle - rest + size], row[middle + rest : middle + rest + size]
        for x in range(size):
            out[x] += weights[rest] * (a[x] + b[x])


@_jit
def _eastward(charge: Any, light: Any, east: Any, y: Any, first: Any, size: Any, rows: Any, out: Any) -> None:
    """Fill `out` with what crosses the right boundaries of pixels first - 1 to first + size - 1 of row y.

    `rows` is work space.
    """
    n = east.shape[1]
    columns = light.shape[1]
    wide = size + 2 * n - 1
    out[: size + 1] = f32(0)
    for j in range(n):
        # Column c of these is column first - n + c of the image.
        up, down = charge[y + n + j, first : first + wide], charge[y + n - j, first : first + wide]
        for c in range(wide):
            rows[c] = up[c] if j == 0 else up[c] + down[c]
        _add_differences(east[:, j], rows, n - 1, n, out[: size + 1])
    for x in range(size + 1):
        c = first - 1 + x
        if c < 0 or c == columns - 1:
            out[x] = f32(0)
        else:
            out[x] *= f32(0.5) * (light[y, c] + light[y, c + 1])


@_jit
def _northward(
    charge: Any, light: Any, north: Any, y: Any, first: Any, size: Any, rows: Any, out: Any
) -> None:
    """Fill `out` with what crosses the upper boundaries of pixels first to first + size - 1 of row y."""
    n = north.shape[0]
    out[:size] = f32(0)
    if y < 0 or y == light.shape[0] - 1:
        return
    wide = size + 2 * n
    for j in range(n - 1):
        down, up = charge[y + n - j, first : first + wide], charge[y + n + 1 + j, first : first + wide]
        for c in range(wide):
            rows[c] = down[c] - up[c]
        _add_sums(north[:, j], rows, n, out[:size])
    for x in range(size):
        out[x] *= f32(0.5) * (light[y, first + x] + light[y + 1, first + x])


@_jit
def add_rows(light: Any, charge: Any, east: Any, north: Any, first: Any, last: Any, out: Any) -> None:
    """Fill rows `first` to `last` - 1 of `out` with what pixels gain.

    `light` and `out` (rows, columns), `charge` with n more on each side, all of them and the tables float32.
    """
    n = north.shape[0]
    columns = light.shape[1]
    rows = np.empty(PIECE + 2 * n, np.float32)
    across, up, down = (
        np.empty(PIECE + 1, np.float32),
        np.empty(PIECE, np.float32),
        np.empty(PIECE, np.float32),
    )
    for start in range(0, columns, PIECE):
        size = min(PIECE, columns - start)
        _northward(charge, light, north, first - 1, start, size, rows, down)
        for y in range(first, last):
            _northward(charge, light, north, y, start, size, rows, up)
            _eastward(charge, light, east, y, start, size, rows, across)
            for x in range(size):
                out[y, start + x] = (across[x + 1] - across[x]) + (up[x] - down[x])
            up, down = down, up
