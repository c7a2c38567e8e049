"""The loops of `fullwell.kernels.covariances`, compiled; their plain form is in `covariances_reference`."""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.numba_cache import jit

__all__ = ["GROUP", "add_counts", "add_products", "fill_shifted"]

GROUP = 6  # lags at a time: their sums fit into the registers of any processor

i64, u64 = np.int64, np.uint64
_jit = jit()
# Sums in any order, or a dot product runs one number at a time. Values are finite: nothing else is waived.
_jit_sum = jit(fastmath={"reassoc", "contract"})

_PAIRS, _FOURS, _EIGHTS = u64(0x5555555555555555), u64(0x3333333333333333), u64(0x0F0F0F0F0F0F0F0F)
_ONES = u64(0x0101010101010101)


@_jit_sum
def _six_dots(a: Any, b: Any, sums: Any, dx: Any, dy: Any) -> None:
    """Add to six sums from `dx` on: each value of `a` is loaded once for them."""
    s0 = s1 = s2 = s3 = s4 = s5 = a[0] - a[0]
    for x in range(a.size):
        value = a[x]
        s0 += value * b[x]
        s1 += value * b[x + 1]
        s2 += value * b[x + 2]
        s3 += value * b[x + 3]
        s4 += value * b[x + 4]
        s5 += value * b[x + 5]
    sums[dx, dy] += s0
    sums[dx + 1, dy] += s1
    sums[dx + 2, dy] += s2
    sums[dx + 3, dy] += s3
    sums[dx + 4, dy] += s4
    sums[dx + 5, dy] += s5


@_jit
def add_products(values: Any, columns: Any, lags: Any, first: Any, last: Any, sums: Any) -> None:
    """Add products of rows `first` to `last - 1` with themselves and the rows above.

    `values` (rows, `columns` and at least `lags` + `GROUP` more) holds 0 where a pixel is bad or outside;
    `sums` (`lags` + `GROUP`, `lags`) of float64 is indexed [columns apart, rows apart], both diagonals
    together. What it has beyond `lags` is of no use.
    """
    rows = values.shape[0]
    for r in range(first, last):
        low = values[r]
        for dy in range(min(lags, rows - r)):
            high = values[r + dy]
            for dx in range(0, lags, GROUP):
                _six_dots(low[:columns], high[dx:], sums, dx, dy)
            if dy > 0:
                for dx in range(1, lags, GROUP):
                    _six_dots(high[:columns], low[dx:], sums, dx, dy)


@_jit
def fill_shifted(words: Any, shifted: Any) -> None:
    """Fill ``shifted[d]`` with the bits of each row of `words` moved down by d; its last word is 0."""
    for d in range(shifted.shape[0]):
        for r in range(words.shape[0]):
            for k in range(words.shape[1] - 1):
                moved = words[r, k]
                if d > 0:
                    moved = (moved >> u64(d)) | (words[r, k + 1] << u64(64 - d))
                shifted[d, r, k] = moved


@_jit
def _common_bits(a: Any, b: Any) -> Any:
    total = u64(0)
    for k in range(a.size):
        x = a[k] & b[k]
        x = x - ((x >> u64(1)) & _PAIRS)
        x = (x & _FOURS) + ((x >> u64(2)) & _FOURS)
        x = (x + (x >> u64(4))) & _EIGHTS
        total += (x * _ONES) >> u64(56)
    return i64(total)


@_jit
def add_counts(shifted: Any, first: int, last: int, counts: Any) -> None:
    """Count what `add_products` adds up, from the bits of the good pixels, moved by each lag."""
    lags = counts.shape[0]
    rows = shifted.shape[1]
    for r in range(first, last):
        for dy in range(min(lags, rows - r)):
            counts[0, dy] += _common_bits(shifted[0, r], shifted[0, r + dy])
            for dx in range(1, lags):
                counts[dx, dy] += _common_bits(shifted[0, r], shifted[dx, r + dy])
                if dy > 0:
                    counts[dx, dy] += _common_bits(shifted[dx, r], shifted[0, r + dy])
