"""Statistics of a sorted tile of raw integers, all pixels side by side.

Distances are compared with limits in single precision, a little too tight: what is not certain is left to
`clip_tile`. All integers here are exact in single precision; Numba makes 64 bits of the sum of two
integers of 32, which halves the speed.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.combine import FLOOR, MAD_TO_STD
from fullwell.kernels.lane_types_compiled import floats
from fullwell.kernels.lanes_compiled import fused, larger, load, smaller, splat, store
from fullwell.kernels.networks_compiled import ROW, STRIDE
from fullwell.kernels.numba_cache import jit

__all__ = ["CHUNK", "FLOOR", "MAD", "NOISE", "NONE", "PIXELS", "SINGLES", "STD", "STEP", "combine_tile"]

#: Codes of what the clipping is counted in.
NONE, NOISE, STD, MAD = 0, 1, 2, 3
#: Pixels of a tile of 16-bit integers, and from row to row.
PIXELS, STEP = ROW // 2, STRIDE // 2
#: Rows of which the sum of 16-bit integers is exact in single precision.
CHUNK = 256
#: Rows of single precision that the functions here need as work space.
SINGLES = 3

u8, u16 = np.uint8, np.uint16
f32, f64 = np.float32, np.float64
_W = PIXELS
_LANES = 32  # pixels side by side
_TIGHT = 3e-5  # more than all roundings of single precision together

#: For loops across pixels. No flag lets the compiler forget NaN and infinity.
_fast = jit(fastmath={"contract", "nsz", "arcp"})


@_fast
def combine_tile(
    tile: Any, n: Any, rule: Any, modelled: Any, noise: Any, shares: Any, zero: Any, singles: Any,
    totals: Any, bad: Any, value: Any, used: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    """Finish all pixels as if nothing were rejected, and mark those where something may be.

    Parameters
    ----------
    tile : ndarray of uint16
        Sorted.
    n : int
        Number of frames.
    rule, noise, shares, zero
        As for `combine_integers`.
    modelled : bool
        Whether anything is made of the noise model; else `propagated` is left alone.
    singles : ndarray of float32, shape (SINGLES * PIXELS,)
    totals : ndarray of float64, shape (PIXELS,)
        Work space.
    bad : ndarray of uint8
        The marks.
    value, used, empirical, propagated : ndarray
        Of the tile.
    """
    spread, clip, median = rule
    low, high = _row(tile, (n - 1) // 2), _row(tile, n // 2)
    square, limit = singles[:_W], singles[_W : 2 * _W]
    _sums(tile, n, singles, totals)
    _results(n, low, zero, totals, square, shares, value, used, empirical)
    if median:
        for p in range(_W):
            value[p] = f32(0.5 * (f64(low[p]) + f64(high[p])) + zero)
    if modelled:
        _model(low, high, zero, noise, shares[n], propagated, limit)
    if spread == NONE:
        return
    # Squared limits on twice the distance from the median.
    tight = f32(4.0 * clip * clip * (1.0 - _TIGHT))
    if spread == STD:
        scale = f32(tight / (f64(n) * f64(n)))
        for p in range(_W):
            s = f32(totals[p])
            limit[p] = max(f32(n) * square[p] - s * s, f32(0)) * scale
    elif spread == NOISE:
        for p in range(_W):
            limit[p] *= tight
    else:
        _mad(tile, n, limit)
        tight *= f32(MAD_TO_STD * MAD_TO_STD / 16.0)
        for p in range(_W):
            limit[p] = limit[p] * limit[p] * tight
    _mark(_row(tile, 0), _row(tile, n - 1), low, high, limit, bad)


@_fast
def _row(tile: Any, i: Any) -> Any:
    return tile[i * STEP : i * STEP + _W]


@_fast
def _mark(least: Any, most: Any, low: Any, high: Any, limit: Any, bad: Any) -> None:
    for p in range(_W):
        twice = f32(low[p]) + f32(high[p])
        reach = max(f32(2) * f32(most[p]) - twice, twice - f32(2) * f32(least[p]))
        bad[p] = u8(reach * reach > limit[p])


@_fast
def _model(low: Any, high: Any, zero: Any, noise: Any, share: Any, propagated: Any, limit: Any) -> None:
    """Variance by the noise model for the clipping, and what the mean of all has of it."""
    # In double precision: a pedestal next to the median would leave nothing of a rounded one.
    read, slope, pedestal = noise[0], noise[1], noise[2] - zero
    least = FLOOR * read
    for p in range(_W):
        signal = 0.5 * (f64(low[p]) + f64(high[p])) - pedestal
        limit[p] = f32(read + slope * max(signal, 0.0))
        propagated[p] = f32(max(read + slope * signal, least) * share)


@_fast
def _sums(tile: Any, n: Any, singles: Any, totals: Any) -> None:
    """Sum of distances from the lower median, exact, and of their squares."""
    square, total, part = singles[:_W], singles[_W : 2 * _W], singles[2 * _W : 3 * _W]
    _partial_sums(tile, n, 0, min(n, CHUNK), total, square)
    for p in range(_W):
        totals[p] = f64(total[p])
    for first in range(CHUNK, n, CHUNK):
        _partial_sums(tile, n, first, min(n, first + CHUNK), total, part)
        for p in range(_W):
            totals[p] += f64(total[p])
        for p in range(_W):
            square[p] += part[p]


@_fast
def _partial_sums(tile: Any, n: Any, first: Any, stop: Any, total: Any, square: Any) -> None:
    middle = (n - 1) // 2 * STEP
    for p in range(0, _W, _LANES):
        center = floats(load(tile, middle + p, _LANES))
        distances, squares = splat(f32(0), _LANES), splat(f32(0), _LANES)
        for i in range(first, stop):
            d = floats(load(tile, i * STEP + p, _LANES)) - center
            distances += d
            squares = fused(d, d, squares)
        store(total, p, distances)
        store(square, p, squares)


@_fast
def _results(
    n: Any, low: Any, zero: Any, totals: Any, square: Any, shares: Any, value: Any, used: Any, empirical: Any
) -> None:
    inverse = 1.0 / f64(n)
    for p in range(_W):
        # Everything in the brackets is exact, or a mean near 0 would be lost.
        value[p] = f32((f64(low[p]) * f64(n) + totals[p] + zero * f64(n)) * inverse)
    scale = f32(shares[n] / (f64(n) * f64(n - 1))) if n > 1 else f32(np.nan)
    for p in range(_W):
        s = f32(totals[p])
        empirical[p] = max(f32(n) * square[p] - s * s, f32(0)) * scale
    for p in range(_W):
        used[p] = u16(n)


@_fast
def _mad(tile: Any, n: Any, double: Any) -> None:
    """Four times the MAD: the two middle distances from the median, each doubled, added up.

    In a sorted column the distances of the lower half ascend downward, those of the upper half upward. Paired
    so that the nearest of one half meets the farthest of the other, the smaller ones of all pairs are the
    nearer half of all distances, the larger ones the farther half.
    """
    m = n // 2  # values of each half
    for p in range(0, _W, _LANES):
        low, high = load(tile, (n - 1) // 2 * STEP + p, _LANES), load(tile, m * STEP + p, _LANES)
        inner, outer = splat(u16(0), _LANES), splat(u16(0xFFFF), _LANES)
        for i in range(m):
            # Distances beyond the two middle values.
            left = low - load(tile, i * STEP + p, _LANES)
            right = load(tile, (n - m + i) * STEP + p, _LANES) - high
            inner = larger(inner, smaller(left, right))
            outer = smaller(outer, larger(left, right))
        gap = floats(high) - floats(low)
        if n % 2:
            # The middle value itself is nearest: the median of the distances is the last of the nearer half.
            outer = inner
        inside, outside = floats(inner), floats(outer)
        total = inside + outside + gap
        store(double, p, total + total)
