"""Differences of neighbors in units of the error that their variances predict."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["neighbor_ratios", "warm_up"]

SMALL = 2**16  # pixels; the plain form is done before the compiled one is loaded


def neighbor_ratios(
    data: npt.NDArray[Any],
    variance: npt.NDArray[Any],
    good: npt.NDArray[np.bool_],
    *,
    compiled: bool | None = None,
) -> npt.NDArray[np.float64]:
    """Absolute differences of pixels two columns apart, each over the root of the sum of their variances.

    Parameters
    ----------
    data, variance : ndarray, shape (rows, columns)
        The compiled loop takes float32.
    good : ndarray of bool
        Pixels that count.
    compiled : bool, optional
        Whether the compiled loop is used; unless the image is small or of another type.

    Returns
    -------
    ndarray of float64
        Of the pairs whose variance is above 0, row by row.
    """
    if compiled is None:
        compiled = data.size >= SMALL and {data.dtype, variance.dtype} == {np.dtype(np.float32)}
    if compiled:
        from fullwell.kernels.neighbors_compiled import fill_ratios

        out = np.empty(data.size)
        return out[: fill_ratios(data, variance, good, out)]
    both = good[:, 2:] & good[:, :-2]
    total = (variance[:, 2:].astype(np.float64) + variance[:, :-2])[both]
    difference = (data[:, 2:].astype(np.float64) - data[:, :-2])[both]
    known = total > 0
    result: npt.NDArray[np.float64] = np.abs(difference[known]) / np.sqrt(total[known])
    return result


def warm_up() -> None:
    """Compile the loop, for all rows and for some of them."""
    ones = np.ones((4, 8), np.float32)
    for part in (ones, ones[::2]):
        neighbor_ratios(part, part, part > 0, compiled=True)
