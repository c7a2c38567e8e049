"""The loops of `fullwell.kernels.displacement`, compiled; `displacement_reference` has the plain form."""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.numba_cache import jit

__all__ = ["collect_rows"]

_jit = jit()


@_jit
def _part(line: Any, i: Any, share: Any, side: Any) -> Any:
    """Light in the left (`side` -1) or right (+1) `share` of pixel i; beyond the ends it goes on as there."""
    last = line.size - 1
    own = np.float64(line[min(max(i, 0), last)])
    slope = 0.0
    if 0 < i < last:
        slope = 0.5 * (np.float64(line[i + 1]) - np.float64(line[i - 1]))
        slope = min(max(slope, -2 * own), 2 * own)
    return share * (own + side * 0.5 * slope * (1 - share))


@_jit
def _swept(line: Any, boundary: Any, shift: Any) -> Any:
    """Light between the boundary to the left of a pixel and where that is moved to; negative to the left."""
    total = 0.0
    whole = int(abs(shift))
    last = line.size - 1
    if shift >= 0:
        for k in range(whole):
            total += line[min(boundary + k, last)]
        return total + _part(line, boundary + whole, shift - whole, -1)
    for k in range(1, whole + 1):
        total += line[max(boundary - k, 0)]
    return -(total + _part(line, boundary - 1 - whole, -shift - whole, 1))


@_jit
def _near(a: Any, b: Any, c: Any, d: Any, shift: Any) -> Any:
    """Light between the boundary of pixels b and c and where that is moved to, less than a pixel away.

    a and d are the pixels behind b and c. In the order of operations of `_part`, to the last bit.
    """
    if shift >= 0:
        own, slope, side, share = c, 0.5 * (d - b), -1.0, shift
    else:
        own, slope, side, share = b, 0.5 * (c - a), 1.0, -shift
    slope = min(max(slope, -2 * own), 2 * own)
    part = share * (own + side * 0.5 * slope * (1 - share))
    return part if shift >= 0 else -part


@_jit
def _across_row(row: Any, shifts: Any, out: Any) -> None:
    """Fill `out` with what the boundaries within a row sweep over."""
    columns = row.size
    for x in range(columns + 1):
        shift = np.float64(shifts[x])
        if 2 <= x < columns - 1 and abs(shift) < 1:
            out[x] = _near(
                np.float64(row[x - 2]),
                np.float64(row[x - 1]),
                np.float64(row[x]),
                np.float64(row[x + 1]),
                shift,
            )
        else:
            out[x] = _swept(row, x, shift)


@_jit
def _below_row(light: Any, y: Any, shifts: Any, out: Any) -> None:
    """Fill `out` with what the boundaries below row y sweep over."""
    inside = 2 <= y < light.shape[0] - 1
    for x in range(light.shape[1]):
        shift = np.float64(shifts[x])
        if inside and abs(shift) < 1:
            out[x] = _near(
                np.float64(light[y - 2, x]),
                np.float64(light[y - 1, x]),
                np.float64(light[y, x]),
                np.float64(light[y + 1, x]),
                shift,
            )
        else:
            out[x] = _swept(light[:, x], y, shift)


@_jit
def collect_rows(light: Any, east: Any, north: Any, first: Any, last: Any, out: Any) -> None:
    """Fill rows `first` to `last` - 1 of `out`; all arrays float32."""
    columns = light.shape[1]
    below, above, across = np.empty(columns), np.empty(columns), np.empty(columns + 1)
    _below_row(light, first, north[first], below)
    for y in range(first, last):
        _across_row(light[y], east[y], across)
        _below_row(light, y + 1, north[y + 1], above)
        for x in range(columns):
            # Strips of rows and columns share the corners: only there more could leave than there is.
            out[y, x] = max(light[y, x] + (across[x + 1] - across[x]) + (above[x] - below[x]), 0.0)
        below, above = above, below
