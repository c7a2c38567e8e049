"""The compiled loops of `fullwell.kernels.spread`: rows of two images, no image of their difference."""
# mypy: disable-error-code="untyped-decorator,assignment"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.numba_cache import jit

__all__ = ["collect_rows", "moments_of_rows"]

_jit = jit()
f64 = np.float64
_WIDTH = 1024  # differences that stay in the nearest cache


@_jit
def _piece(first: Any, second: Any, scale: Any, good: Any, y: Any, x: Any, n: Any, out: Any) -> None:
    """Put ``first - scale second`` of a piece of a row into `out`; NaN where it does not count."""
    one = first[y, x : x + n]
    if second.shape[0] == first.shape[0]:
        two = second[y, x : x + n]
        for k in range(n):
            out[k] = f64(one[k]) - scale * f64(two[k])
    else:
        for k in range(n):
            out[k] = f64(one[k])
    if good.shape[0] == first.shape[0]:
        use = good[y, x : x + n]
        for k in range(n):
            if not use[k]:
                out[k] = np.nan


@_jit
def moments_of_rows(first: Any, second: Any, scale: Any, good: Any, low: Any, high: Any, pivot: Any) -> Any:
    """Return count, sum and sum of squares about a pivot, least and greatest of what lies within limits."""
    piece = np.empty(_WIDTH, np.float64)
    n = 0
    least, greatest = np.inf, -np.inf
    # Four sums at once: each addition waits for the one before it.
    sums, squares = np.zeros(4), np.zeros(4)
    rows, columns = first.shape
    for y in range(rows):
        for x in range(0, columns, _WIDTH):
            size = min(_WIDTH, columns - x)
            _piece(first, second, scale, good, y, x, size, piece)
            inside = np.int64(0)
            for k in range(size):
                inside += np.int64((piece[k] >= low) & (piece[k] <= high))
            n += inside
            if inside < size:
                for k in range(size):
                    if not ((piece[k] >= low) & (piece[k] <= high)):
                        piece[k] = np.nan
                for k in range(size):
                    d = piece[k]
                    if d == d:
                        least, greatest = min(least, d), max(greatest, d)
                        d -= pivot
                        sums[k & 3] += d
                        squares[k & 3] += d * d
                continue
            lowest, highest = piece[0], piece[0]
            for k in range(size):
                lowest = piece[k] if piece[k] < lowest else lowest
                highest = piece[k] if piece[k] > highest else highest
            least, greatest = min(least, lowest), max(greatest, highest)
            whole = size - size % 4
            s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
            q0, q1, q2, q3 = 0.0, 0.0, 0.0, 0.0
            for k in range(0, whole, 4):
                d0, d1, d2, d3 = (
                    piece[k] - pivot, piece[k + 1] - pivot, piece[k + 2] - pivot, piece[k + 3] - pivot,
                )  # fmt: skip
                s0, s1, s2, s3 = s0 + d0, s1 + d1, s2 + d2, s3 + d3
                q0, q1, q2, q3 = q0 + d0 * d0, q1 + d1 * d1, q2 + d2 * d2, q3 + d3 * d3
            for k in range(whole, size):
                d0 = piece[k] - pivot
                s0 += d0
                q0 += d0 * d0
            sums[0] += s0
            sums[1] += s1
            sums[2] += s2
            sums[3] += s3
            squares[0] += q0
            squares[1] += q1
            squares[2] += q2
            squares[3] += q3
    return n, sums.sum(), squares.sum(), least, greatest


@_jit
def collect_rows(
    first: Any, second: Any, scale: Any, good: Any, low: Any, start: Any, end: Any, out: Any
) -> Any:
    """Count what lies from `low` up to `start`, and put what lies from `start` to `end` into `out`."""
    piece, kept = np.empty(_WIDTH, np.float64), np.empty(_WIDTH + 1, np.float64)
    n, below = 0, 0
    rows, columns = first.shape
    for y in range(rows):
        for x in range(0, columns, _WIDTH):
            size = min(_WIDTH, columns - x)
            _piece(first, second, scale, good, y, x, size, piece)
            before = np.int64(0)
            for k in range(size):
                before += np.int64((piece[k] >= low) & (piece[k] < start))
            below += before
            m = 0
            for k in range(size):
                # Without a branch: what is not kept is written over.
                kept[m] = piece[k]
                m += np.int64((piece[k] >= start) & (piece[k] <= end))
            out[n : n + m] = kept[:m]
            n += m
    return below, n
