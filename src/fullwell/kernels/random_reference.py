"""The random numbers of `fullwell.kernels.random` in plain NumPy: slow, and easy to check by eye.

The constants stand here once, and the compiled loops import them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["exp_minus", "log", "normal", "philox", "poisson", "words"]

f32, i32, u32, u64 = np.float32, np.int32, np.uint32, np.uint64

#: Giles' polynomial in w - 2.5, highest power first: erfinv(x)/x for w = -log(1 - x**2) < 5.
CENTER = (
    2.81022636e-08,
    3.43273939e-07,
    -3.5233877e-06,
    -4.39150654e-06,
    0.00021858087,
    -0.00125372503,
    -0.00417768164,
    0.246640727,
    1.50140941,
)
#: The same ratio as a polynomial in sqrt(w) - TAIL_CENTER, fitted on Chebyshev nodes for 5 <= w <= 21.7.
TAIL = (
    -0.000179288275,
    0.000867290866,
    -0.00182011822,
    0.0025797639,
    -0.00371554613,
    0.00534831433,
    1.00525634,
    3.08388645,
)
TAIL_CENTER = f32(3.25)
SPLIT = f32(5)
#: log(1 + r) = 2 s + s q (2/3 + 2/5 q + ...), s = r / (2 + r), q = s**2.
LOGARITHM = (2 / 9, 2 / 7, 2 / 5, 2 / 3)
#: Taylor series of exp, degree 13, highest power first: 1e-17 for |r| <= log(2)/2.
EXPONENTIAL = tuple(
    1.0 / c for c in (6227020800, 479001600, 39916800, 3628800, 362880, 40320, 5040, 720, 120, 24, 6, 2, 1, 1)
)
LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
#: 1/k; no sum of 128 terms below a mean of 30 falls short of 1 - 2**-33.
RECIPROCALS = tuple(1.0 / max(k, 1) for k in range(128))
LARGE_MEAN = f32(30)


def philox(counter: tuple[Any, Any, Any, Any], key: tuple[int, int]) -> tuple[Any, Any, Any, Any]:
    """Return the four words of Philox4x32-10 for arrays of counters."""
    c0, c1, c2, c3 = (np.asarray(c, u64) for c in counter)
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * u64(0xD2511F53), c2 * u64(0xCD9E8D57)
        c0, c2 = (p1 >> u64(32)) ^ c1 ^ u64(k0), (p0 >> u64(32)) ^ c3 ^ u64(k1)
        c1, c3 = p1 & u64(0xFFFFFFFF), p0 & u64(0xFFFFFFFF)
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0.astype(u32), c1.astype(u32), c2.astype(u32), c3.astype(u32)


def words(
    shape: int | tuple[int, ...], *, seed: int, exposure: int, effect: int, draw: int = 0
) -> npt.NDArray[np.uint32]:
    """Fill an array with random 32-bit words; see `fullwell.kernels.random.words`."""
    pixel = np.arange(np.prod(shape, dtype=int))
    block = pixel // 1024 * 256 + pixel % 256
    four = philox((block, draw, exposure, effect), (seed & 0xFFFFFFFF, seed >> 32))
    return np.choose(pixel % 1024 // 256, four).reshape(shape).astype(u32)


def normal(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    """Turn words into normal numbers; see `fullwell.kernels.random.normal`."""
    h = (words ^ u32(0x80000000)).view(i32)
    m = h ^ (h >> i32(31))  # h, or -1 - h where h is negative: both halves get the same magnitudes
    x = (m.astype(f32) + f32(0.5)) * f32(2.0**-31)
    u = ((i32(0x7FFFFFFF) - m).astype(f32) + f32(0.5)) * f32(2.0**-32)  # probability beyond x, not 1 - x
    w = -log(f32(4) * u * (f32(1) - u))
    center = _horner(CENTER, w - f32(2.5))
    tail = _horner(TAIL, np.sqrt(np.maximum(w, f32(0))) - TAIL_CENTER)
    z = f32(1.4142135) * (np.where(w < SPLIT, center, tail) * x)
    return np.asarray(np.where(h < 0, -z, z))


def poisson(mean: npt.NDArray[np.float32], words: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    """Turn words into Poisson numbers; see `fullwell.kernels.random.poisson`."""
    z = normal(words).astype(np.float64)
    level = np.fmax(mean, LARGE_MEAN).astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinity times 0 or minus infinity, replaced below
        k = np.floor(level + np.sqrt(level - 5.0 / 36.0) * z + (z * z - 1.0) / 6.0 + 0.5)
    out = np.maximum(k, 0.0).astype(f32)
    out[mean == np.inf] = np.inf
    small = (mean > 0) & (mean < LARGE_MEAN)
    out[small] = _small_poisson(mean[small].astype(np.float64), words[small])
    out[~(mean > 0)] = 0
    return out


def _small_poisson(mean: npt.NDArray[np.float64], words: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    target = (words + 0.5) * 2.0**-32
    p = exp_minus(mean)
    total = p.copy()
    k = np.zeros(mean.shape)
    for i in range(1, len(RECIPROCALS)):
        more = target > total
        p = p * (mean * RECIPROCALS[i])
        k[more] = i
        total[more] += p[more]
    return k.astype(f32)


def log(a: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Natural logarithm of positive, normal float32, the same bits on every processor."""
    bits = a.view(i32)
    e = (bits - i32(0x3F3504F3)) >> i32(23)  # the bits of sqrt(1/2), so that 1 + r stays near 1
    r = (bits - (e << i32(23))).view(f32) - f32(1)
    s = r / (f32(2) + r)
    q = s * s
    return np.asarray(e.astype(f32) * f32(0.6931472) + (_horner(LOGARITHM, q) * q * s + f32(2) * s))


def exp_minus(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return exp(-x) for 0 <= x <= 30, the same bits on every processor."""
    n = np.floor(x * LOG2_E + 0.5)
    r = (n * LN2_HIGH - x) + n * LN2_LOW  # -x = r - n log 2
    p = np.full(x.shape, EXPONENTIAL[0])
    for c in EXPONENTIAL[1:]:
        p = p * r + c
    scale = ((1023 - n.astype(np.int64)) << 52).view(np.float64)
    return np.asarray(p * scale)


def _horner(coefficients: tuple[float, ...], x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    value: Any = f32(coefficients[0])
    for c in coefficients[1:]:
        value = value * x + f32(c)
    return np.asarray(value, f32)
