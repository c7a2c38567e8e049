"""The plain NumPy form of `covariances_compiled`: what the compiled loops have to agree with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["lag_sums"]


def lag_sums(
    values: npt.NDArray[Any], good: npt.NDArray[np.bool_], *, lags: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Sum products of pixels some columns and rows apart, and count them.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    good : ndarray of bool, same shape
    lags : int

    Returns
    -------
    sums, counts : ndarray, shape (lags, lags)
        Indexed [columns apart, rows apart]; where both are not 0, both diagonals together.
    """
    clean = np.where(good, values, 0).astype(np.float64)
    weight = good.astype(np.int64)
    sums = np.zeros((lags, lags))
    counts = np.zeros((lags, lags), np.int64)
    rows, columns = clean.shape
    for dx in range(lags):
        for dy in range(lags):
            near, far = slice(0, max(columns - dx, 0)), slice(dx, None)
            low, high = slice(0, max(rows - dy, 0)), slice(dy, None)
            pairs = [((low, near), (high, far))]
            if dx and dy:
                pairs.append(((low, far), (high, near)))
            for one, other in pairs:
                sums[dx, dy] += (clean[one] * clean[other]).sum()
                counts[dx, dy] += (weight[one] * weight[other]).sum()
    return sums, counts
