"""Combine raw integers: the loops for frames of 16-bit pixels without masks, levels or weights.

The pixels of a tile are sorted and summed side by side; the few that may lose a value are finished one by
one on their sorted column. The rule is that of `fullwell.kernels.combine`, and decisions agree with it to
the last one.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine_columns_compiled import clip_columns
from fullwell.kernels.combine_tiles_compiled import NONE, SINGLES, combine_tile
from fullwell.kernels.memory_compiled import count_outside, load_ordered, prefetch
from fullwell.kernels.networks import BLOCK
from fullwell.kernels.networks_compiled import WIDTH, sort_rows

__all__ = ["combine_integers"]

u16, u64 = np.uint16, np.uint64
_W = WIDTH
_LINE = 64  # bytes that memory hands out at once
_AHEAD = 4  # tiles; so long does memory take

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")


@_jit
def combine_integers(
    planes: Any, network: Any, rule: Any, noise: Any, factors: Any, start: Any, stop: Any,
    value: Any, used: Any, empirical: Any, propagated: Any, lost: Any,
) -> None:  # fmt: skip
    """Combine the pixels from `start` to `stop`.

    Parameters
    ----------
    planes : (addresses of uint64, swapped of bool, top of uint16, zero)
        Where the frames are; see `load_ordered`. `zero` is the value whose ordered form is 0.
    network : ndarray of int32
        ``batcher(padded(N) // BLOCK)``.
    rule : (spread, clip, median)
        Code of the spread, factor, whether the median is wanted.
    noise : (read_variance, slope, pedestal)
        The same for all frames.
    factors : (ndarray of float64, float, float)
        Sum of the squared shares of n kept values, for n = 0 to N; what to multiply the empirical and the
        propagated variance with.
    start, stop : int
        Pixels.
    value, empirical, propagated : ndarray of float32
    used : ndarray of uint16
        Of the whole plane, flat; `propagated` may be empty.
    lost : ndarray of int64, shape (N,)
        Number of rejected values of each frame, to which is added.
    """
    addresses, swapped, top, zero = planes
    n = addresses.size
    blocks = (n + BLOCK - 1) // BLOCK
    space = np.empty(blocks * BLOCK * _W * 2 + _LINE, np.uint8)
    shift = (_LINE - space.ctypes.data % _LINE) % _LINE
    tile = space[shift : shift + blocks * BLOCK * _W * 2].view(np.uint16)
    tile[n * _W :] = u16(0xFFFF)
    singles = np.empty(SINGLES * _W, np.float32)
    totals, bad = np.empty(_W), np.empty(_W, np.uint8)
    least, most = np.empty(_W, np.uint16), np.empty(_W, np.uint16)
    outputs = np.empty(3 * _W, np.float32), np.empty(_W, np.uint16)
    spare = np.empty(_W, np.float32)
    for first in range(start, stop, _W):
        count = min(_W, stop - first)
        for i in range(n):
            for line in range(_W * 2 // _LINE):
                prefetch(addresses[i] + u64(2 * (first + _AHEAD * _W) + line * _LINE))
            load_ordered(addresses[i], swapped[i], top[i], first, count, tile[i * _W : i * _W + _W])
        if count < _W:
            for i in range(n):
                tile[i * _W + count : i * _W + _W] = u16(0)
        sort_rows(tile, blocks, network)
        if count == _W:
            end = first + _W
            v, m, e = value[first:end], used[first:end], empirical[first:end]
            w = propagated[first:end] if propagated.size else spare
        else:
            v, e, w = outputs[0][:_W], outputs[0][_W : 2 * _W], outputs[0][2 * _W :]
            m = outputs[1]
        combine_tile(tile, n, rule, noise, factors, zero, singles, totals, bad, least, v, m, e, w)
        if rule[0] != NONE and bad[:count].any():
            clip_columns(tile, n, first, count, planes, rule, noise, factors, bad, least, most, v, m, e, w)
            for i in range(n):
                lost[i] += count_outside(addresses[i], swapped[i], top[i], first, count, least, most)
        if count < _W:
            value[first:stop], used[first:stop], empirical[first:stop] = v[:count], m[:count], e[:count]
            if propagated.size:
                propagated[first:stop] = w[:count]
