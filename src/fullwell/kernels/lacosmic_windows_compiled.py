"""Medians in windows around single pixels, and what L.A.Cosmic makes of them, compiled.

Arrays named `bad` say `SOUND`, `MASKED` (the value may be wrong) or `UNKNOWN` (there is none) of each
pixel. Windows must lie inside of the arrays. `work` is room for 256 values. `rows` are images of the medians
along rows of the image, of its small medians, of the variance and of the Laplacian; only separable medians
use them.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.numba_cache import jit

__all__ = [
    "MASKED", "SOUND", "UNKNOWN", "excess", "has_halo", "median", "median_of_5", "median_of_7", "median_of_9",
    "structure",
]  # fmt: skip

f32 = np.float32
_jit = jit()

SOUND, MASKED, UNKNOWN = 0, 1, 2


@_jit
def median(v: Any, n: int) -> Any:
    """Median of the first n values, which may change places; the lower of the middle two for even n."""
    if n == 5:
        return median_of_5(v[0], v[1], v[2], v[3], v[4])
    if n == 7:
        return median_of_7(v[0], v[1], v[2], v[3], v[4], v[5], v[6])
    if n == 9:
        return median_of_9(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8])
    _order(v, n)
    return v[(n - 1) // 2]


@_jit
def _order(v: Any, n: int) -> None:
    for i in range(1, n):
        new = v[i]
        j = i - 1
        while j >= 0 and v[j] > new:
            v[j + 1] = v[j]
            j -= 1
        v[j + 1] = new


@_jit
def _pair(a: Any, b: Any) -> Any:
    return (b, a) if b < a else (a, b)


# The usual numbers of a row or column, by networks that find nothing but the median: a sort would spend its
# time on branches that nobody can foresee (Devillard, "Fast median search: an ANSI C implementation", 1998).


@_jit
def median_of_5(a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    """Median of five values."""
    a, b = _pair(a, b)
    d, e = _pair(d, e)
    a, d = _pair(a, d)
    b, e = _pair(b, e)
    b, c = _pair(b, c)
    c, d = _pair(c, d)
    return _pair(b, c)[1]


@_jit
def median_of_7(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any) -> Any:
    """Median of seven values."""
    a, f = _pair(a, f)
    a, d = _pair(a, d)
    b, g = _pair(b, g)
    c, e = _pair(c, e)
    a, b = _pair(a, b)
    d, f = _pair(d, f)
    c, g = _pair(c, g)
    c, d = _pair(c, d)
    d, g = _pair(d, g)
    e, f = _pair(e, f)
    b, e = _pair(b, e)
    b, d = _pair(b, d)
    return _pair(d, e)[0]


@_jit
def median_of_9(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, i: Any) -> Any:
    """Median of nine values."""
    b, c = _pair(b, c)
    e, f = _pair(e, f)
    h, i = _pair(h, i)
    a, b = _pair(a, b)
    d, e = _pair(d, e)
    g, h = _pair(g, h)
    b, c = _pair(b, c)
    e, f = _pair(e, f)
    h, i = _pair(h, i)
    a, d = _pair(a, d)
    f, i = _pair(f, i)
    e, h = _pair(e, h)
    d, g = _pair(d, g)
    b, e = _pair(b, e)
    c, f = _pair(c, f)
    e, h = _pair(e, h)
    e, c = _pair(e, c)
    g, e = _pair(g, e)
    return _pair(e, c)[0]


@_jit
def _window_median(image: Any, bad: Any, y: int, x: int, worst: int, reach: int, work: Any) -> Any:
    """Median of the pixels around (y, x) that are no worse than that; NaN without any."""
    n = 0
    for j in range(y - reach, y + reach + 1):
        for i in range(x - reach, x + reach + 1):
            if bad[j, i] <= worst:
                work[n] = image[j, i]
                n += 1
    return median(work, n) if n else f32(np.nan)


@_jit
def _median_of_rows(
    image: Any, rows: Any, bad: Any, y: int, x: int, worst: int, reach: int, work: Any
) -> Any:
    """Median of the medians of the rows around (y, x), of pixels no worse than that; NaN without any.

    ``rows``, the image of the medians of rows, is filled where it is 0 and asked for, with NaN for none.
    """
    lines = 0
    for j in range(y - reach, y + reach + 1):
        if rows[j, x] == f32(0):
            n = 0
            for i in range(x - reach, x + reach + 1):
                if bad[j, i] <= worst:
                    work[n] = image[j, i]
                    n += 1
            rows[j, x] = median(work, n) if n else f32(np.nan)
        if rows[j, x] == rows[j, x]:
            work[64 + lines] = rows[j, x]
            lines += 1
    return median(work[64:], lines) if lines else f32(np.nan)


@_jit
def structure(image: Any, level: Any, rows: Any, bad: Any, y: int, x: int, separable: bool, work: Any) -> Any:
    """Median of the window around a pixel above that of such medians in a wider window, and the latter.

    ``level``, the image of the small medians, is filled where it is 0 and asked for, and so are ``rows``,
    those of rows of the image and of rows of ``level``.
    """
    inner = work[128:]
    n = 0
    if separable:
        for j in range(y - 4, y + 5):
            if rows[1][j, x] == f32(0):
                for i in range(x - 4, x + 5):
                    if not bad[j, i] and level[j, i] == f32(0):
                        level[j, i] = _median_of_rows(image, rows[0], bad, j, i, MASKED, 2, work)
        base = _median_of_rows(level, rows[1], bad, y, x, SOUND, 4, inner)
    else:
        for j in range(y - 3, y + 4):
            for i in range(x - 3, x + 4):
                if not bad[j, i]:
                    if level[j, i] == f32(0):
                        level[j, i] = _window_median(image, bad, j, i, MASKED, 1, work)
                    inner[n] = level[j, i]
                    n += 1
        base = median(inner, n)
    return level[y, x] - base, base


@_jit
def has_halo(
    image: Any, bad: Any, y: int, x: int, base: Any, sigma: Any, above: Any, halo: Any, work: Any
) -> bool:
    """Whether even the faintest neighbors, all but three, hold as much light as those of a star.

    Or whether these three are brighter than the pixel, which is then in the wing of something.
    """
    n = 0
    for j in range(y - 1, y + 2):
        for i in range(x - 1, x + 2):
            if bad[j, i] <= MASKED and not (j == y and i == x):
                work[n] = image[j, i]
                n += 1
    if n < 4:
        return False
    _order(work, n)
    if work[n - 3] > image[y, x]:
        return True
    light = f32(0)
    for k in range(n - 3):
        light += work[k]
    number = f32(n - 3)
    light = (light - number * base) / sigma
    return bool(above * number < halo * light)


@_jit
def _noise(noise: Any, power: Any, rows: Any, bad: Any, y: int, x: int, separable: bool, work: Any) -> Any:
    """Noise without hits; the image of it is filled where it is 0 and asked for."""
    if noise[y, x] == f32(0):
        if separable:
            middle = _median_of_rows(power, rows[2], bad, y, x, SOUND, 3, work)
        else:
            middle = _window_median(power, bad, y, x, SOUND, 2, work)
        noise[y, x] = np.sqrt(middle)
    return noise[y, x]


@_jit
def excess(
    laplacian: Any,
    noise: Any,
    power: Any,
    rows: Any,
    bad: Any,
    y: int,
    x: int,
    threshold: Any,
    separable: bool,
    work: Any,
) -> Any:
    """Laplacian above that of the surroundings, in sigma; 0 where it cannot exceed the threshold."""
    above = laplacian[y, x] / (f32(2) * _noise(noise, power, rows, bad, y, x, separable, work))
    if not above > threshold:
        return f32(0)
    around = work[128:]
    reach = 3 if separable else 2
    n = 0
    for j in range(y - reach, y + reach + 1):
        if separable:
            middle = _row_of_laplacians(laplacian, noise, power, rows, bad, j, x, work)
            if middle == middle:
                around[n] = middle
                n += 1
            continue
        for i in range(x - reach, x + reach + 1):
            if not bad[j, i]:
                around[n] = laplacian[j, i] / (
                    f32(2) * _noise(noise, power, rows, bad, j, i, separable, work)
                )
                n += 1
    return above - median(around, n)


@_jit
def _row_of_laplacians(
    laplacian: Any, noise: Any, power: Any, rows: Any, bad: Any, y: int, x: int, work: Any
) -> Any:
    """Median along a row, in sigma; NaN without a pixel. Kept in ``rows`` as the others, but a 0 as -1."""
    kept = rows[3][y, x]
    if kept == f32(0):
        inner = work[192:]
        n = 0
        for i in range(x - 3, x + 4):
            if not bad[y, i]:
                inner[n] = laplacian[y, i] / (f32(2) * _noise(noise, power, rows, bad, y, i, True, work))
                n += 1
        kept = median(inner, n) if n else f32(np.nan)
        rows[3][y, x] = f32(-1) if kept == f32(0) else kept
    return f32(0) if kept == f32(-1) else kept
