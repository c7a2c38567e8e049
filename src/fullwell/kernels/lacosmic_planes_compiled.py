"""Medians of rows and columns for whole images, pixels side by side, where most of them are needed.

They fill what `lacosmic_windows_compiled` fills pixel by pixel, with the same numbers. A pixel with a bad one
in its window is left to that.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.lacosmic_windows_compiled import MASKED, SOUND, median_of_5, median_of_7, median_of_9
from fullwell.kernels.numba_cache import jit

__all__ = ["fill_columns", "fill_outer_rows", "fill_rows"]

u8, f32 = np.uint8, np.float32
_jit = jit()


@_jit
def fill_rows(image: Any, power: Any, bad: Any, rows: Any, start: int, stop: int) -> None:
    """Fill the medians along rows of the image and of the variance."""
    spoiled = np.empty(bad.shape[1], np.uint8)
    for y in range(start, stop):
        _spoil(bad[y], MASKED, 2, spoiled)
        _rows_of_5(image[y], spoiled, rows[0][y])
        _spoil(bad[y], SOUND, 3, spoiled)
        _rows_of_7(power[y], spoiled, rows[2][y])


@_jit
def fill_columns(rows: Any, level: Any, noise: Any, start: int, stop: int) -> None:
    """Fill the small medians and the noise from the medians of rows."""
    small, wide, width = rows[0], rows[2], level.shape[1]
    spoiled, middle = np.empty(width, np.uint8), np.empty(width, np.float32)
    for y in range(start, stop):
        spoiled[:] = 0
        for j in range(y - 2, y + 3):
            _mark_unmade(small[j], spoiled)
        _fill_5(small[y - 2], small[y - 1], small[y], small[y + 1], small[y + 2], spoiled, level[y])
        spoiled[:] = 0
        for j in range(y - 3, y + 4):
            _mark_unmade(wide[j], spoiled)
        middle[:] = 0
        _fill_7(
            wide[y - 3], wide[y - 2], wide[y - 1], wide[y], wide[y + 1], wide[y + 2], wide[y + 3],
            spoiled, middle,
        )  # fmt: skip
        out = noise[y]
        for x in range(width):
            out[x] = out[x] if spoiled[x] else np.sqrt(middle[x])


@_jit
def fill_outer_rows(
    laplacian: Any, noise: Any, level: Any, bad: Any, rows: Any, start: int, stop: int
) -> None:
    """Fill the medians along rows of the small medians and of the Laplacian in sigma."""
    width = bad.shape[1]
    unmade, spoiled = np.empty(width, np.uint8), np.empty(width, np.uint8)
    ratio = np.empty(width, np.float32)
    for y in range(start, stop):
        unmade[:] = bad[y]
        _mark_unmade(level[y], unmade)
        _spoil(unmade, SOUND, 4, spoiled)
        _rows_of_9(level[y], spoiled, rows[1][y])
        unmade[:] = bad[y]
        _mark_unmade(noise[y], unmade)
        _spoil(unmade, SOUND, 3, spoiled)
        high, low, out = laplacian[y], noise[y], rows[3][y]
        for x in range(width):
            ratio[x] = high[x] / (f32(2) * low[x])
        _rows_of_7(ratio, spoiled, out)
        for x in range(width):
            none = (spoiled[x] == u8(0)) & (out[x] == f32(0))
            out[x] = f32(-1) if none else out[x]  # for 0 says that it is not made yet


@_jit
def _mark_unmade(middle: Any, marks: Any) -> None:
    """Mark what is NaN, for none, or 0, for not yet."""
    for x in range(middle.size):
        marks[x] |= u8(0) if abs(middle[x]) > f32(0) else u8(1)


@_jit
def _spoil(bad: Any, worst: int, reach: int, spoiled: Any) -> None:
    """Mark the pixels with one in reach that is worse than that, and those at the ends."""
    size = bad.size - 2 * reach
    spoiled[:] = 1
    inner = spoiled[reach : reach + size]
    inner[:] = 0
    for shift in range(2 * reach + 1):
        _mark_worse(bad[shift : shift + size], u8(worst), inner)


@_jit
def _mark_worse(bad: Any, worst: Any, marks: Any) -> None:
    for x in range(marks.size):
        marks[x] |= u8(bad[x] > worst)


# Parts of a row that begin one pixel after the other, instead of indices that might be negative: those would
# keep the compiler from doing pixels side by side.


@_jit
def _rows_of_5(v: Any, spoiled: Any, out: Any) -> None:
    n = v.size - 4
    _fill_5(v[:n], v[1 : n + 1], v[2 : n + 2], v[3 : n + 3], v[4:], spoiled[2 : n + 2], out[2 : n + 2])


@_jit
def _rows_of_7(v: Any, spoiled: Any, out: Any) -> None:
    n = v.size - 6
    _fill_7(
        v[:n], v[1 : n + 1], v[2 : n + 2], v[3 : n + 3], v[4 : n + 4], v[5 : n + 5], v[6:],
        spoiled[3 : n + 3], out[3 : n + 3],
    )  # fmt: skip


@_jit
def _rows_of_9(v: Any, spoiled: Any, out: Any) -> None:
    n = v.size - 8
    _fill_9(
        v[:n], v[1 : n + 1], v[2 : n + 2], v[3 : n + 3], v[4 : n + 4], v[5 : n + 5], v[6 : n + 6],
        v[7 : n + 7], v[8:], spoiled[4 : n + 4], out[4 : n + 4],
    )  # fmt: skip


@_jit
def _fill_5(a: Any, b: Any, c: Any, d: Any, e: Any, spoiled: Any, out: Any) -> None:
    for x in range(out.size):
        middle = median_of_5(a[x], b[x], c[x], d[x], e[x])
        out[x] = out[x] if spoiled[x] else middle


@_jit
def _fill_7(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, spoiled: Any, out: Any) -> None:
    for x in range(out.size):
        middle = median_of_7(a[x], b[x], c[x], d[x], e[x], f[x], g[x])
        out[x] = out[x] if spoiled[x] else middle


@_jit
def _fill_9(
    a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, i: Any, spoiled: Any, out: Any
) -> None:
    for x in range(out.size):
        middle = median_of_9(a[x], b[x], c[x], d[x], e[x], f[x], g[x], h[x], i[x])
        out[x] = out[x] if spoiled[x] else middle
