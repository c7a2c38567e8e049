"""Statistics of a sorted tile of raw integers, all pixels side by side.

Limits are compared in single precision and a little too tight: what is not certain is left to
`clip_columns`. All integers here are exact in single precision; Numba makes 64 bits of the sum of two
integers of 32, which halves the speed.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine import FLOOR, MAD_TO_STD
from fullwell.kernels.networks_compiled import WIDTH

__all__ = ["FLOOR", "MAD", "NOISE", "NONE", "SINGLES", "STD", "combine_tile"]

#: Codes of what the clipping is counted in.
NONE, NOISE, STD, MAD = 0, 1, 2, 3
#: Rows of single precision that the functions here need as work space.
SINGLES = 5

u8, u16 = np.uint8, np.uint16
f32, f64 = np.float32, np.float64
_W = WIDTH
_CHUNK = 64  # rows: sums of so many 16-bit integers are exact in single precision
_TIGHT = 3e-5  # more than all roundings of single precision together

#: For loops across pixels. No flag lets the compiler forget NaN and infinity.
_fast = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})


@_fast
def combine_tile(
    tile: Any, n: Any, rule: Any, noise: Any, factors: Any, zero: Any, singles: Any, totals: Any, bad: Any,
    best: Any, value: Any, used: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    """Finish all pixels as if nothing were rejected, and mark those where something may be.

    Parameters
    ----------
    tile : ndarray of uint16
        Sorted.
    n : int
        Number of frames.
    rule, noise, factors, zero
        As for `combine_integers`.
    singles : ndarray of float32, shape (SINGLES * WIDTH,)
    totals : ndarray of float64, shape (WIDTH,)
    best : ndarray of uint16, shape (WIDTH,)
        Work space.
    bad : ndarray of uint8
        The marks.
    value, used, empirical, propagated : ndarray
        Of the tile.
    """
    spread, clip, median = rule
    low, high = tile[(n - 1) // 2 * _W : ((n - 1) // 2 + 1) * _W], tile[n // 2 * _W : (n // 2 + 1) * _W]
    square, limit = singles[:_W], singles[_W : 2 * _W]
    _sums(tile, n, low, singles, totals)
    _results(n, low, zero, totals, square, factors, value, used, empirical)
    if median:
        for p in range(_W):
            value[p] = f32(0.5 * (f64(low[p]) + f64(high[p])) + zero)
    _model(low, high, zero, noise, factors[0][n] * factors[2], propagated, limit)
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
        _mad(tile, n, low, high, limit, best)
        tight *= f32(MAD_TO_STD * MAD_TO_STD / 16.0)
        for p in range(_W):
            limit[p] = limit[p] * limit[p] * tight
    _mark(tile[:_W], tile[(n - 1) * _W : n * _W], low, high, limit, bad)


@_fast
def _mark(least: Any, most: Any, low: Any, high: Any, limit: Any, bad: Any) -> None:
    for p in range(_W):
        twice = f32(low[p]) + f32(high[p])
        reach = max(f32(2) * f32(most[p]) - twice, twice - f32(2) * f32(least[p]))
        bad[p] = u8(reach * reach > limit[p])


@_fast
def _model(low: Any, high: Any, zero: Any, noise: Any, share: Any, propagated: Any, limit: Any) -> None:
    """Variance by the noise model for the clipping, and what the mean of all has of it."""
    read, slope, pedestal = f32(noise[0]), f32(noise[1]), f32(noise[2] - zero)
    least = f32(FLOOR) * read
    for p in range(_W):
        signal = f32(0.5) * (f32(low[p]) + f32(high[p])) - pedestal
        limit[p] = read + slope * max(signal, f32(0))
        propagated[p] = max(read + slope * signal, least) * f32(share)


@_fast
def _sums(tile: Any, n: Any, low: Any, singles: Any, totals: Any) -> None:
    """Sum of distances from the lower median, exact, and of their squares."""
    square, middle = singles[:_W], singles[2 * _W : 3 * _W]
    total, part = singles[3 * _W : 4 * _W], singles[4 * _W : 5 * _W]
    for p in range(_W):
        middle[p] = f32(low[p])
    for p in range(_W):
        square[p] = f32(0)
    for p in range(_W):
        totals[p] = 0.0
    for chunk in range(0, n, _CHUNK):
        end = min(chunk + _CHUNK, n)
        fours = chunk + (end - chunk) // 4 * 4
        for p in range(_W):
            total[p] = f32(0)
        for p in range(_W):
            part[p] = f32(0)
        for i in range(chunk, fours, 4):
            _add_four(tile[i * _W : (i + 4) * _W], middle, total, part)
        for i in range(fours, end):
            _add_one(tile[i * _W : (i + 1) * _W], middle, total, part)
        for p in range(_W):
            totals[p] += f64(total[p])
        for p in range(_W):
            square[p] += part[p]


@_fast
def _add_four(x: Any, middle: Any, total: Any, part: Any) -> None:
    for p in range(_W):
        m = middle[p]
        a, b, c, d = f32(x[p]) - m, f32(x[_W + p]) - m, f32(x[2 * _W + p]) - m, f32(x[3 * _W + p]) - m
        total[p] += (a + b) + (c + d)
        part[p] += (a * a + b * b) + (c * c + d * d)


@_fast
def _add_one(x: Any, middle: Any, total: Any, part: Any) -> None:
    for p in range(_W):
        d = f32(x[p]) - middle[p]
        total[p] += d
        part[p] += d * d


@_fast
def _results(
    n: Any, low: Any, zero: Any, totals: Any, square: Any, factors: Any, value: Any, used: Any, empirical: Any
) -> None:
    inverse = 1.0 / f64(n)
    for p in range(_W):
        value[p] = f32((f64(low[p]) * f64(n) + totals[p]) * inverse + zero)
    scale = f32(factors[0][n] * factors[1] / (f64(n) * f64(n - 1))) if n > 1 else f32(np.nan)
    for p in range(_W):
        s = f32(totals[p])
        empirical[p] = max(f32(n) * square[p] - s * s, f32(0)) * scale
    for p in range(_W):
        used[p] = u16(n)


@_fast
def _mad(tile: Any, n: Any, low: Any, high: Any, double: Any, best: Any) -> None:
    """Four times the MAD: the two middle distances from the median, each doubled, added up.

    The k+1 values nearest to the median stand next to each other in a sorted column; the k-th distance is the
    least, over all windows of that length, of the larger one of the distances of their two ends.
    """
    for p in range(_W):
        double[p] = f32(2) * (f32(high[p]) - f32(low[p]))
    for k in ((n - 1) // 2, n // 2):
        for p in range(_W):
            best[p] = u16(0xFFFF)
        for j in range(n - k):
            _narrow(low, high, tile[j * _W : (j + 1) * _W], tile[(j + k) * _W : (j + k + 1) * _W], best)
        for p in range(_W):
            double[p] += f32(2) * f32(best[p])


@_fast
def _narrow(low: Any, high: Any, first: Any, last: Any, best: Any) -> None:
    for p in range(_W):
        # Distances beyond the two middle values; below 0 the other end of the window is the farther one.
        left = u16(max(low[p], first[p]) - first[p])
        right = u16(max(high[p], last[p]) - high[p])
        best[p] = min(best[p], max(left, right))
