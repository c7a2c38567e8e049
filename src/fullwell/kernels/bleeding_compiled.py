"""The loops of `fullwell.kernels.bleeding_reference`, compiled, over many columns."""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.numba_cache import jit

__all__ = ["share_columns", "spill_columns"]

_jit = jit()


@_jit
def share_columns(charge: Any, onset: Any, ramp: Any, largest: Any) -> None:
    """Share charge above the onset in each row of `charge` (columns, pixels of a column), in place."""
    columns, n = charge.shape
    for c in range(columns):
        column = charge[c]
        here = max(column[0] - onset[0], 0.0)
        for i in range(n - 1):
            # Pixel i has changed by now, pixel i + 1 has not: what it held is what is read here.
            following = max(column[i + 1] - onset[i + 1], 0.0)
            if here > 0.0 or following > 0.0:
                strength = largest * min(0.5 * (here + following) / ramp[i], 1.0)
                flow = np.rint(strength * (here - following))
                column[i] -= flow
                column[i + 1] += flow
            here = following


@_jit
def _run(column: Any, capacity: Any, sources: Any, reached: Any, carried: Any, upward: Any) -> Any:
    n = column.size
    for step in range(n):
        i = step if upward else n - 1 - step
        filled = min(capacity[i] - column[i], carried)
        if filled > 0.0:
            column[i] += filled
            carried -= filled
            reached[i] = True
        carried += sources[i]
    return carried


@_jit
def spill_columns(
    charge: Any, capacity: Any, drain: Any, open_low: Any, open_high: Any, reached: Any, gone: Any
) -> None:
    """Spill charge above the capacity in each row of `charge`, in place.

    `reached` (as `charge`) and `gone` (lost, drained) come back filled.
    """
    columns, n = charge.shape
    up = np.zeros(n)
    down = np.zeros(n)
    nothing = np.zeros(n)
    for c in range(columns):
        column = charge[c]
        for i in range(n):
            excess = max(column[i] - capacity[i], 0.0)
            away = np.rint(drain * excess)
            gone[1] += away
            excess -= away
            up[i] = np.floor(0.5 * excess)
            down[i] = excess - up[i]
            column[i] = min(column[i], capacity[i])
        carried = _run(column, capacity, up, reached[c], 0.0, True)
        if open_high:
            gone[0] += carried
            carried = 0.0
        carried = _run(column, capacity, down, reached[c], carried, False)
        if not open_low:
            carried = _run(column, capacity, nothing, reached[c], carried, True)
            if not open_high:
                column[n - 1] += carried
                carried = 0.0
        gone[0] += carried
