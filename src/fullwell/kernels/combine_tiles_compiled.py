"""Statistics of a sorted tile of raw integers, all pixels side by side.

Limits are compared in single precision and a little too tight: what is not certain is left to `clip_columns`. All
integers here are exact in single precision; Numba makes 64 bits of the sum of two integers of 32, which halves the
speed.
"""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from fullwell.kernels.combine import MAD_TO_STD
from fullwell.kernels.networks_compiled import WIDTH

__all__ = ["MAD", "NOISE", "NONE", "SINGLES", "STD", "combine_tile", "drop_ends"]

#: Codes of what the clipping is counted in.
NONE, NOISE, STD, MAD = 0, 1, 2, 3
#: Rows of single precision that the functions here need as work space.
SINGLES = 16

u8, u16 = np.uint8, np.uint16
f32, f64 = np.float32, np.float64
_W = WIDTH
_CHUNK = 64  # rows: sums of so many 16-bit integers are exact in single precision
_TIGHT = 3e-5  # more than all roundings of single precision together

#: For loops across pixels. No flag lets the compiler forget NaN and infinity.
_fast = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})


@_fast
def combine_tile(
    tile: Any, n: Any, rule: Any, noise: Any, factors: Any, zero: Any, singles: Any, totals: Any, bad: Any, best: Any,
    value: Any, used: Any, empirical: Any, propagated: Any,
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
    """Variance by the noise model, and what the mean of all has of it."""
    read, slope, pedestal = f32(noise[0]), f32(noise[1]), f32(noise[2] - zero)
    for p in range(_W):
        signal = f32(0.5) * (f32(low[p]) + f32(high[p])) - pedestal
        limit[p] = read + slope * max(signal, f32(0))
        propagated[p] = limit[p] * f32(share)


@_fast
def _sums(tile: Any, n: Any, low: Any, singles: Any, totals: Any) -> None:
    """Sum of distances from the lower median, exact, and of their squares, with and without the two ends."""
    square, middle, inner = singles[:_W], singles[2 * _W : 3 * _W], singles[3 * _W : 4 * _W]
    total, part = singles[4 * _W : 5 * _W], singles[5 * _W : 6 * _W]
    for p in range(_W):
        middle[p] = f32(low[p])
    for p in range(_W):
        inner[p] = f32(0)
    for p in range(_W):
        totals[p] = 0.0
    for chunk in range(1, n - 1, _CHUNK):
        end = min(chunk + _CHUNK, n - 1)
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
            inner[p] += part[p]
    for p in range(_W):
        total[p] = f32(0)
    for p in range(_W):
        square[p] = inner[p]
    for i in range(0, n, max(n - 1, 1)):
        _add_one(tile[i * _W : (i + 1) * _W], middle, total, square)
    for p in range(_W):
        totals[p] += f64(total[p])


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


@_fast
def drop_ends(
    tile: Any, n: Any, rule: Any, noise: Any, factors: Any, zero: Any, singles: Any, totals: Any, bad: Any,
    least: Any, most: Any, value: Any, used: Any, empirical: Any, propagated: Any,
) -> None:  # fmt: skip
    """Finish the marked pixels that certainly lose their lowest value, their highest or both, and no other.

    Parameters
    ----------
    least, most : ndarray of uint16, shape (WIDTH,)
        Filled with the lowest and the highest value that is kept; 0 and 0xFFFF where nothing is rejected.

    The others are as for `combine_tile`, which left sums and limits in the work space. The mark of a pixel that is
    finished is taken away. For the MAD, whose new value takes longer, nothing is done but to fill `least` and `most`.
    """
    for p in range(_W):
        least[p] = u16(0)
    for p in range(_W):
        most[p] = u16(0xFFFF)
    spread, clip, median = rule
    if n < 4 or spread == MAD:
        return
    ends = (0, 1, n - 2, n - 1, (n - 2) // 2, (n - 1) // 2, n // 2, (n + 1) // 2)
    for j, i in enumerate(ends):
        _to_single(tile[i * _W : (i + 1) * _W], singles[(6 + j) * _W : (7 + j) * _W])
    for p in range(_W):
        singles[4 * _W + p] = f32(totals[p])
    tight = f32(4.0 * clip * clip * (1.0 - _TIGHT))
    read, slope, pedestal = f32(noise[0]), f32(noise[1]), f32(noise[2] - zero)
    _without_ends(singles, f32(n), tight, spread == STD, read, slope, pedestal)
    for p in range(_W):
        dropped = np.int64(singles[15 * _W + p])
        if not (bad[p] and dropped):
            continue
        bad[p] = u8(0)
        count = n - (dropped & 1) - (dropped >> 1)
        share = factors[0][count]
        twice, total, scatter = f64(singles[_W + p]), f64(singles[4 * _W + p]), f64(singles[5 * _W + p])
        mean = (f64(singles[2 * _W + p]) * f64(count) + total) / f64(count)
        value[p] = f32((0.5 * twice if median else mean) + zero)
        used[p] = u16(count)
        empirical[p] = f32(scatter * share * factors[1] / f64(count * (count - 1)))
        propagated[p] = f32(f64(singles[14 * _W + p]) * share * factors[2])
        if dropped & 1:
            least[p] = tile[_W + p]
        if dropped & 2:
            most[p] = tile[(n - 2) * _W + p]


@_fast
def _to_single(row: Any, target: Any) -> None:
    for p in range(_W):
        target[p] = f32(row[p])


@_fast
def _without_ends(
    s: Any, n: Any, tight: Any, std: Any, read: Any, slope: Any, pedestal: Any
) -> None:
    """Find which ends of each column certainly go, and nothing else: 1 lowest, 2 highest, 3 both; else 0.

    All arrays are rows of one, so that the compiler need not ask whether they overlap. In: limit (1), lower median
    (2), sum of squares without the ends (3), sum (4), lowest and second values (6, 7), last but one and highest
    (8, 9), the four in the middle (10 to 13). Out: twice the median (1), sum (4), N times the sum of squares about
    the mean (5), variance by the model (14), ends (15).
    """
    zero, one, two, loose = f32(0), f32(1), f32(2), f32(1.0 + 3 * _TIGHT)
    for p in range(_W):
        limit = s[_W + p]
        first, second, before, last = s[6 * _W + p], s[7 * _W + p], s[8 * _W + p], s[9 * _W + p]
        lower, low, high, upper = s[10 * _W + p], s[11 * _W + p], s[12 * _W + p], s[13 * _W + p]
        twice = low + high
        below, above = max(twice - two * first, zero), max(two * last - twice, zero)
        near, far = max(twice - two * second, zero), max(two * before - twice, zero)
        below, above, near, far = below * below, above * above, near * near, far * far
        drop_low = one if below > limit * loose else zero
        drop_high = one if above > limit * loose else zero
        doubt_low = one if below > limit else zero
        doubt_high = one if above > limit else zero
        more = one if max(near, far) > limit else zero
        least, most = first - low, last - low
        total = s[4 * _W + p] - drop_low * least - drop_high * most
        square = s[3 * _W + p] + (one - drop_low) * least * least + (one - drop_high) * most * most
        m = n - drop_low - drop_high
        # Without the lowest value the median moves up by half a step, without the highest down.
        twice += drop_low * (one - drop_high) * (upper - low) + drop_high * (one - drop_low) * (lower - high)
        scatter = max(m * square - total * total, zero)
        variance = read + slope * max(f32(0.5) * twice - pedestal, zero)
        bound = tight * (scatter / (m * m) if std else variance)
        bottom = first + drop_low * (second - first)
        top = last - drop_high * (last - before)
        reach = max(two * top - twice, twice - two * bottom)
        more += (doubt_low - drop_low) + (doubt_high - drop_high) + (one if reach * reach > bound else zero)
        s[_W + p] = twice
        s[4 * _W + p] = total
        s[5 * _W + p] = scatter
        s[14 * _W + p] = variance
        s[15 * _W + p] = zero if more > zero else drop_low + two * drop_high
