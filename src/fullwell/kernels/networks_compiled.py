"""Sorting rows of a tile across pixels: the network of `fullwell.kernels.networks`, compiled.

A tile is ONE flat array, row i at ``i * WIDTH``, and every loop over pixels has a constant length: only then
does the compiler see that two blocks do not overlap, and uses packed minimum and maximum. A test looks at
the machine code.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba

from fullwell.kernels.networks import BLOCK

__all__ = ["WIDTH", "sort_rows"]

#: Pixels of a tile.
WIDTH = 256
_STEP = BLOCK * WIDTH
_W, _W2, _W3 = WIDTH, 2 * WIDTH, 3 * WIDTH
_jit = numba.njit(nogil=True, cache=True, error_model="numpy")


@_jit
def sort_rows(tile: Any, blocks: Any, network: Any) -> None:
    """Sort each column of ``blocks * BLOCK`` rows in place; NaN spoils its own column only.

    Parameters
    ----------
    tile : ndarray, shape (blocks * BLOCK * WIDTH,)
        Integers or floats.
    blocks : int
    network : ndarray of int32, shape (merges, 2)
        ``batcher(blocks)``.
    """
    for block in range(blocks):
        _sort_block(tile[block * _STEP : (block + 1) * _STEP])
    for c in range(network.shape[0]):
        low, high = network[c, 0] * _STEP, network[c, 1] * _STEP
        _merge_blocks(tile[low : low + _STEP], tile[high : high + _STEP])


@_jit
def _sort_block(x: Any) -> None:
    for p in range(_W):
        a, b, c, d = x[p], x[_W + p], x[_W2 + p], x[_W3 + p]
        a, b = min(a, b), max(a, b)
        c, d = min(c, d), max(c, d)
        a, c = min(a, c), max(a, c)
        b, d = min(b, d), max(b, d)
        b, c = min(b, c), max(b, c)
        x[p], x[_W + p], x[_W2 + p], x[_W3 + p] = a, b, c, d


@_jit
def _merge_blocks(x: Any, y: Any) -> None:
    """Odd-even merge of two sorted blocks: the lower half to `x`, the upper half to `y`."""
    for p in range(_W):
        a, b, c, d = x[p], x[_W + p], x[_W2 + p], x[_W3 + p]
        e, f, g, h = y[p], y[_W + p], y[_W2 + p], y[_W3 + p]
        a, e = min(a, e), max(a, e)
        b, f = min(b, f), max(b, f)
        c, g = min(c, g), max(c, g)
        d, h = min(d, h), max(d, h)
        c, e = min(c, e), max(c, e)
        d, f = min(d, f), max(d, f)
        b, c = min(b, c), max(b, c)
        d, e = min(d, e), max(d, e)
        f, g = min(f, g), max(f, g)
        x[p], x[_W + p], x[_W2 + p], x[_W3 + p] = a, b, c, d
        y[p], y[_W + p], y[_W2 + p], y[_W3 + p] = e, f, g, h
