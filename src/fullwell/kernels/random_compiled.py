"""The loops of `fullwell.kernels.random`, compiled; the plain form of each is in `random_reference`.

No fast-math and no parallel loops: the order of every operation is part of the result.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.random_reference import (
    CENTER,
    EXPONENTIAL,
    LARGE_MEAN,
    LN2_HIGH,
    LN2_LOW,
    LOG2_E,
    LOGARITHM,
    RECIPROCALS,
    SPLIT,
    TAIL,
    TAIL_CENTER,
)

__all__ = ["fill_normal", "fill_poisson", "fill_words", "philox_rounds"]

f32, i32, u32, u64 = np.float32, np.int32, np.uint32, np.uint64
_jit = numba.njit(nogil=True, cache=True, error_model="numpy")

# Tuples of scalars become constants in the machine code, arrays would be loaded.
_CENTER = tuple(f32(c) for c in CENTER)
_TAIL = tuple(f32(c) for c in TAIL)
_LOG = tuple(f32(c) for c in LOGARITHM)
_RECIPROCALS = np.array(RECIPROCALS)  # indexed by a variable, for which a tuple is slow


@_jit
def philox_rounds(state: Any, k0: Any, k1: Any) -> None:
    """Turn counters into words in place: Philox4x32-10 on an array (4, blocks) of uint32."""
    c0, c1, c2, c3 = state[0], state[1], state[2], state[3]
    # Rounds outside, blocks inside: the inner loop has no dependence and runs in vectors (5 times faster).
    for _ in range(10):
        for b in range(c0.size):
            p0 = u64(c0[b]) * u64(0xD2511F53)
            p1 = u64(c2[b]) * u64(0xCD9E8D57)
            c0[b] = u32(p1 >> u64(32)) ^ c1[b] ^ k0
            c1[b] = u32(p1)
            c2[b] = u32(p0 >> u64(32)) ^ c3[b] ^ k1
            c3[b] = u32(p0)
        k0 = u32(k0 + u32(0x9E3779B9))
        k1 = u32(k1 + u32(0xBB67AE85))


@_jit
def fill_words(out: Any, draw: Any, exposure: Any, effect: Any, k0: Any, k1: Any) -> None:
    """Fill a flat array of uint32."""
    state = np.empty((4, 256), np.uint32)
    flat = state.reshape(1024)
    for start in range(0, out.size, 1024):
        for b in range(256):
            state[0, b] = u32(start // 4 + b)
            state[1, b] = draw
            state[2, b] = exposure
            state[3, b] = effect
        philox_rounds(state, k0, k1)
        size = min(1024, out.size - start)
        for i in range(size):
            out[start + i] = flat[i]


@_jit
def _normal(word: Any) -> Any:
    h = i32(word ^ u32(0x80000000))
    m = i32(h ^ (h >> i32(31)))
    x = (f32(m) + f32(0.5)) * f32(2.0**-31)
    u = (f32(i32(0x7FFFFFFF) - m) + f32(0.5)) * f32(2.0**-32)
    a = f32(4) * u * (f32(1) - u)
    # w = -log(a), with a = 2**e * (1 + r) and 1 + r between sqrt(1/2) and sqrt(2)
    bits = f32(a).view(i32)
    e = i32((bits - i32(0x3F3504F3)) >> i32(23))
    r = i32(bits - i32(e << i32(23))).view(f32) - f32(1)
    s = r / (f32(2) + r)
    q = s * s
    t = _LOG[0]
    t = t * q + _LOG[1]
    t = t * q + _LOG[2]
    t = t * q + _LOG[3]
    w = -(f32(e) * f32(0.6931472) + (t * q * s + f32(2) * s))
    c = w - f32(2.5)
    p = _CENTER[0]
    for i in range(1, 9):
        p = p * c + _CENTER[i]
    d = np.sqrt(max(w, f32(0))) - TAIL_CENTER
    v = _TAIL[0]
    for i in range(1, 8):
        v = v * d + _TAIL[i]
    z = f32(1.4142135) * ((p if w < SPLIT else v) * x)
    return -z if h < 0 else z


@_jit
def fill_normal(words: Any, out: Any) -> None:
    """Fill a flat array of float32 with normal numbers."""
    for i in range(words.size):
        out[i] = _normal(words[i])


@_jit
def _exp_minus(x: Any) -> Any:
    n = np.floor(x * LOG2_E + 0.5)
    r = (n * LN2_HIGH - x) + n * LN2_LOW
    p = EXPONENTIAL[0]
    for i in range(1, 14):
        p = p * r + EXPONENTIAL[i]
    return p * np.int64((1023 - np.int64(n)) << 52).view(np.float64)


@_jit
def _search(mean: Any, p: Any, word: Any) -> Any:
    x = np.float64(mean)
    target = (np.float64(word) + 0.5) * 2.0**-32
    total = p
    k = 0
    while target > total and k < 127:
        k += 1
        p = p * (x * _RECIPROCALS[k])
        total += p
    return f32(k)


@_jit
def fill_poisson(mean: Any, words: Any, out: Any) -> None:
    """Fill a flat array of float32 with Poisson numbers."""
    none = np.empty(1024)
    for start in range(0, mean.size, 1024):
        size = min(1024, mean.size - start)
        m, w, o = mean[start : start + size], words[start : start + size], out[start : start + size]
        # What vectors can do, for all pixels; then the small means, one by one.
        for i in range(size):
            level = np.float64(max(m[i], LARGE_MEAN))
            z = np.float64(_normal(w[i]))
            k = np.floor(level + np.sqrt(level - 5.0 / 36.0) * z + (z * z - 1.0) / 6.0 + 0.5)
            o[i] = f32(max(k, 0.0))
        for i in range(size):
            none[i] = _exp_minus(np.float64(min(m[i], LARGE_MEAN)))
        for i in range(size):
            if not m[i] > f32(0):
                o[i] = f32(0)
            elif m[i] < LARGE_MEAN:
                o[i] = _search(m[i], none[i], w[i])
            elif m[i] == np.inf:
                o[i] = m[i]
