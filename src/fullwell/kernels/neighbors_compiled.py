"""The compiled form of `fullwell.kernels.neighbors`."""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fullwell.kernels.numba_cache import jit

__all__ = ["fill_ratios"]

f64 = np.float64


@jit()
def fill_ratios(data: Any, variance: Any, good: Any, out: Any) -> Any:
    """Fill in the ratios; return their number."""
    n = 0
    rows, columns = data.shape
    for y in range(rows):
        values, own, use = data[y], variance[y], good[y]
        for x in range(columns - 2):
            total = f64(own[x + 2]) + f64(own[x])
            if use[x] and use[x + 2] and total > 0:
                out[n] = abs(f64(values[x + 2]) - f64(values[x])) / math.sqrt(total)
                n += 1
    return n
