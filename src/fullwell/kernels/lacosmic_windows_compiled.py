"""Medians in windows around single pixels, and what L.A.Cosmic makes of them, compiled.

Arrays named `bad` say `SOUND`, `MASKED` (the value may be wrong) or `UNKNOWN` (there is none) of each
pixel. Windows must lie inside of the arrays. `work` is room for 256 values.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

__all__ = ["MASKED", "SOUND", "UNKNOWN", "excess", "has_halo", "median", "structure"]

f32 = np.float32
_jit = numba.njit(nogil=True, cache=True, error_model="numpy")

SOUND, MASKED, UNKNOWN = 0, 1, 2


@_jit
def median(v: Any, n: int) -> Any:
    """Median of the first n values, which are put in order; the lower of the middle two for even n."""
    for i in range(1, n):
        new = v[i]
        j = i - 1
        while j >= 0 and v[j] > new:
            v[j + 1] = v[j]
            j -= 1
        v[j + 1] = new
    return v[(n - 1) // 2]


@_jit
def _window_median(
    image: Any, bad: Any, y: int, x: int, worst: int, reach: int, separable: bool, work: Any
) -> Any:
    """Median of the pixels around (y, x) that are no worse than that, at once or by rows; NaN without any."""
    n = 0
    lines = 0
    for j in range(y - reach, y + reach + 1):
        for i in range(x - reach, x + reach + 1):
            if bad[j, i] <= worst:
                work[n] = image[j, i]
                n += 1
        if separable:
            if n:
                work[64 + lines] = median(work, n)
                lines += 1
            n = 0
    if separable:
        return median(work[64:], lines) if lines else f32(np.nan)
    return median(work, n) if n else f32(np.nan)


@_jit
def structure(image: Any, level: Any, bad: Any, y: int, x: int, separable: bool, work: Any) -> Any:
    """Median of the window around a pixel above that of such medians in a wider window, and the latter.

    ``level``, the image of the small medians, is filled where it is 0 and asked for.
    """
    small, wide = (2, 4) if separable else (1, 3)
    inner = work[128:]
    n = 0
    lines = 0
    for j in range(y - wide, y + wide + 1):
        for i in range(x - wide, x + wide + 1):
            if not bad[j, i]:
                if level[j, i] == f32(0):
                    level[j, i] = _window_median(image, bad, j, i, MASKED, small, separable, work)
                inner[n] = level[j, i]
                n += 1
        if separable:
            if n:
                inner[64 + lines] = median(inner, n)
                lines += 1
            n = 0
    base = median(inner[64:], lines) if separable else median(inner, n)
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
    median(work, n)
    if work[n - 3] > image[y, x]:
        return True
    light = f32(0)
    for k in range(n - 3):
        light += work[k]
    number = f32(n - 3)
    light = (light - number * base) / sigma
    return bool(above * number < halo * light)


@_jit
def _noise(noise: Any, power: Any, bad: Any, y: int, x: int, reach: int, separable: bool, work: Any) -> Any:
    """Noise without hits; the image of it is filled where it is 0 and asked for."""
    if noise[y, x] == f32(0):
        noise[y, x] = np.sqrt(_window_median(power, bad, y, x, SOUND, reach, separable, work))
    return noise[y, x]


@_jit
def excess(
    laplacian: Any,
    noise: Any,
    power: Any,
    bad: Any,
    y: int,
    x: int,
    threshold: Any,
    separable: bool,
    work: Any,
) -> Any:
    """Laplacian above that of the surroundings, in sigma; 0 where it cannot exceed the threshold."""
    reach = 3 if separable else 2
    above = laplacian[y, x] / (f32(2) * _noise(noise, power, bad, y, x, reach, separable, work))
    if not above > threshold:
        return f32(0)
    around = work[128:]
    n = 0
    lines = 0
    for j in range(y - reach, y + reach + 1):
        for i in range(x - reach, x + reach + 1):
            if not bad[j, i]:
                around[n] = laplacian[j, i] / (
                    f32(2) * _noise(noise, power, bad, j, i, reach, separable, work)
                )
                n += 1
        if separable:
            if n:
                around[64 + lines] = median(around, n)
                lines += 1
            n = 0
    return above - (median(around[64:], lines) if separable else median(around, n))
