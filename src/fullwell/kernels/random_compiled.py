"""The loops of `fullwell.kernels.random`, compiled; the plain form of each is in `random_reference`.

Everything works on chunks of 1024 pixels, which stay in the first cache of the processor: the words of a
chunk come from 256 whole blocks of Philox. No fast-math and no parallel loops: the order of every operation
is part of the result.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.lane_types_compiled import bits_of, floats, floats_of_bits, halves
from fullwell.kernels.lanes_compiled import (
    any_at_least,
    counted,
    larger,
    less,
    load,
    pick_less,
    roots,
    shifted,
    smaller,
    splat,
    store,
)
from fullwell.kernels.numba_cache import jit
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

__all__ = [
    "fill_normal",
    "fill_poisson",
    "fill_words",
    "normal_chunk",
    "poisson_chunk",
    "poisson_of_one_mean",
    "words_chunk",
]

f32, i32, u32, u64 = np.float32, np.int32, np.uint32, np.uint64
_jit = jit()

# Tuples of scalars become constants in the machine code, arrays would be loaded.
_CENTER = tuple(f32(c) for c in CENTER)
_TAIL = tuple(f32(c) for c in TAIL)
_LOG = tuple(f32(c) for c in LOGARITHM)
_RECIPROCALS = np.array(RECIPROCALS)  # indexed by a variable, for which a tuple is slow
_LOW = u64(0xFFFFFFFF)
_LANES = 8  # counters side by side
_SINGLES = 32  # numbers of 32 bits side by side
_COUNTS = 64  # of which so many are compared with each threshold


@_jit
def _round(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    # 32 bits in 64: products of such are one instruction of vector units, and nothing has to be widened.
    low, half = splat(_LOW, _LANES), splat(u64(32), _LANES)
    p0, p1 = c0 * splat(u64(0xD2511F53), _LANES), c2 * splat(u64(0xCD9E8D57), _LANES)
    key0, key1 = splat(u64(k0 & _LOW), _LANES), splat(u64(k1 & _LOW), _LANES)
    return (p1 >> half) ^ c1 ^ key0, p1 & low, (p0 >> half) ^ c3 ^ key1, p0 & low


@_jit
def words_chunk(out: Any, chunk: Any, key: Any) -> None:
    """Fill 1024 uint32 with the words of a chunk.

    Parameters
    ----------
    out : ndarray of uint32, shape (1024,)
    chunk : int
        Number of the chunk: its first pixel is 1024 times as much.
    key : ndarray of uint32, shape (5,)
        Draw, exposure, effect, and the seed's lower and upper half.
    """
    first = u64(chunk) * u64(256)
    # Philox4x32-10. Lanes on purpose: without AVX-512 the compiler does one counter after the other.
    for b in range(0, 256, _LANES):
        c0 = counted(u64(first + u64(b)), _LANES) & splat(_LOW, _LANES)
        c1, c2, c3 = splat(u64(key[0]), _LANES), splat(u64(key[1]), _LANES), splat(u64(key[2]), _LANES)
        k0, k1 = u64(key[3]), u64(key[4])
        for _ in range(10):
            c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
            k0, k1 = u64(k0 + u64(0x9E3779B9)), u64(k1 + u64(0xBB67AE85))
        store(out, b, halves(c0))
        store(out, 256 + b, halves(c1))
        store(out, 512 + b, halves(c2))
        store(out, 768 + b, halves(c3))


@_jit
def fill_words(out: Any, key: Any, first: Any) -> None:
    """Fill a flat array of uint32 whose first pixel begins chunk `first`; `key` as for `words_chunk`."""
    chunk = np.empty(1024, np.uint32)
    for start in range(0, out.size, 1024):
        words_chunk(chunk, first + start // 1024, key)
        size = min(1024, out.size - start)
        out[start : start + size] = chunk[:size]


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
def _normals(words: Any, start: Any, out: Any) -> None:
    """Do `_normal` for some neighbors; the form for the tail only where one of them is there."""
    word = load(words, start, _SINGLES)
    one, two, half = splat(f32(1), _SINGLES), splat(f32(2), _SINGLES), splat(f32(0.5), _SINGLES)
    top, rest = splat(u32(0x80000000), _SINGLES), splat(u32(0x7FFFFFFF), _SINGLES)
    m = smaller(word ^ top, word ^ rest)
    x = (floats(m) + half) * splat(f32(2.0**-31), _SINGLES)
    u = (floats(rest - m) + half) * splat(f32(2.0**-32), _SINGLES)
    a = splat(f32(4), _SINGLES) * u * (one - u)
    bits = bits_of(a)
    e = shifted(bits - splat(u32(0x3F3504F3), _SINGLES), splat(u32(23), _SINGLES))
    r = floats_of_bits(bits - (e << splat(u32(23), _SINGLES))) - one
    s = r / (two + r)
    q = s * s
    t = splat(_LOG[0], _SINGLES)
    t = t * q + splat(_LOG[1], _SINGLES)
    t = t * q + splat(_LOG[2], _SINGLES)
    t = t * q + splat(_LOG[3], _SINGLES)
    log = floats(e) * splat(f32(0.6931472), _SINGLES) + (t * q * s + two * s)
    w = floats_of_bits(bits_of(log) ^ top)
    c = w - splat(f32(2.5), _SINGLES)
    p = splat(_CENTER[0], _SINGLES)
    for k in range(1, 9):
        p = p * c + splat(_CENTER[k], _SINGLES)
    split = splat(SPLIT, _SINGLES)
    if any_at_least(w, split):
        d = roots(larger(w, splat(f32(0), _SINGLES))) - splat(TAIL_CENTER, _SINGLES)
        v = splat(_TAIL[0], _SINGLES)
        for k in range(1, 8):
            v = v * d + splat(_TAIL[k], _SINGLES)
        p = pick_less(w, split, p, v)
    z = splat(f32(1.4142135), _SINGLES) * (p * x)
    store(out, start, floats_of_bits(bits_of(z) ^ ((word ^ top) & top)))


@_jit
def normal_chunk(words: Any, out: Any) -> None:
    """Turn words into normal numbers; arrays of one size."""
    whole = words.size // _SINGLES * _SINGLES
    for i in range(0, whole, _SINGLES):
        _normals(words, i, out)
    for i in range(whole, words.size):
        out[i] = _normal(words[i])


@_jit
def fill_normal(words: Any, out: Any) -> None:
    """Fill a flat array of float32 with normal numbers."""
    normal_chunk(words, out)


@_jit
def _exp_minus(x: Any) -> Any:
    n = np.floor(x * LOG2_E + 0.5)
    r = (n * LN2_HIGH - x) + n * LN2_LOW
    p = EXPONENTIAL[0]
    for i in range(1, 14):
        p = p * r + EXPONENTIAL[i]
    return p * np.int64((1023 - np.int64(n)) << 52).view(np.float64)


@_jit
def _search(mean: Any, word: Any) -> Any:
    x = np.float64(mean)
    p = _exp_minus(x)
    target = (np.float64(word) + 0.5) * 2.0**-32
    total = p
    k = 0
    while target > total and k < 127:
        k += 1
        p = p * (x * _RECIPROCALS[k])
        total += p
    return f32(k)


@_jit
def _small_means(mean: Any, words: Any, out: Any, cells: Any, guide: Any, curves: Any) -> None:
    """Write what `_search` returns, from the tables of `poisson_table` where they are sure."""
    row, bucket = np.empty(mean.size, np.int32), np.empty(mean.size, np.int32)
    flat_guide, flat_curves = guide.reshape(-1), curves.reshape(-1)
    buckets, columns, per_root = i32(guide.shape[1]), i32(curves.shape[1]), cells[0, 2]
    for i in range(mean.size):  # in vectors
        near = i32(np.sqrt(mean[i] if f32(0) < mean[i] < LARGE_MEAN else f32(0)) * per_root)
        row[i] = near * columns
        bucket[i] = near * buckets + i32(words[i] >> u32(24))
    for i in range(mean.size):
        if not f32(0) < mean[i] < LARGE_MEAN:
            continue
        first = u64(row[i])  # unsigned: a signed index would be asked whether it counts from the end
        cell = first // u64(columns)
        offset, margin = mean[i] - cells[cell, u64(0)], cells[cell, u64(1)]
        target = f32(words[i]) * f32(2.0**-32)
        at = u64(2) * (first + u64(flat_guide[u64(bucket[i])]))
        above = target - (flat_curves[at] - offset * flat_curves[at + u64(1)])
        while above > margin:
            at += u64(2)
            above = target - (flat_curves[at] - offset * flat_curves[at + u64(1)])
        out[i] = f32((at >> u64(1)) - first) if above < -margin else f32(-1)
    for i in range(mean.size):
        if out[i] < f32(0):
            out[i] = _search(mean[i], words[i])


@_jit
def poisson_chunk(mean: Any, words: Any, out: Any, cells: Any, guide: Any, curves: Any) -> None:
    """Turn words into Poisson numbers: arrays of one size, and the tables of `poisson_table`."""
    normal = 0
    for i in range(mean.size):
        normal += mean[i] >= LARGE_MEAN and mean[i] < np.inf
    if normal > 0:
        normal_chunk(words, out)  # apart, in vectors of twice as many numbers
        for i in range(mean.size):
            level = np.float64(max(mean[i], LARGE_MEAN))
            z = np.float64(out[i])
            k = np.floor(level + np.sqrt(level - 5.0 / 36.0) * z + (z * z - 1.0) / 6.0 + 0.5)
            out[i] = f32(max(k, 0.0))
    if normal < mean.size:
        for i in range(mean.size):
            if not mean[i] > f32(0):
                out[i] = f32(0)
            elif mean[i] == np.inf:
                out[i] = mean[i]
        _small_means(mean, words, out, cells, guide, curves)


@_jit
def poisson_of_one_mean(words: Any, out: Any, thresholds: Any) -> None:
    """Turn words into Poisson numbers of one small mean: how many of its thresholds lie below a word.

    Parameters
    ----------
    words, out : ndarray of uint32 and of float32, one size
    thresholds : ndarray of int64
        From `fullwell.kernels.poisson_table.thresholds`.
    """
    always = 0
    while always < thresholds.size and thresholds[always] < 0:
        always += 1
    whole = words.size // _COUNTS * _COUNTS
    for i in range(0, whole, _COUNTS):
        word, count = load(words, i, _COUNTS), splat(u32(always), _COUNTS)
        for k in range(always, thresholds.size):
            count -= less(splat(u32(thresholds[k]), _COUNTS), word)
        store(out, i, floats(count))
    for i in range(whole, words.size):
        out[i] = f32(always)
        for k in range(always, thresholds.size):
            out[i] += f32(1) if words[i] > u32(thresholds[k]) else f32(0)


@_jit
def fill_poisson(mean: Any, words: Any, out: Any, cells: Any, guide: Any, curves: Any) -> None:
    """Fill a flat array of float32 with Poisson numbers."""
    for start in range(0, mean.size, 1024):
        part = slice(start, min(start + 1024, mean.size))
        poisson_chunk(mean[part], words[part], out[part], cells, guide, curves)
