"""How often each 16-bit value occurs, and each difference of neighbors: all that robust statistics need.

Medians, percentiles and clipped means of integers follow from their histogram exactly, without sorting.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["count_bits", "count_differences", "count_values"]

VALUES = 2**16
SMALL = 2**18  # pixels; the plain form is done before the compiled one is loaded
Counts = npt.NDArray[np.int64]


def count_values(image: npt.NDArray[np.uint16], *, compiled: bool | None = None) -> Counts:
    """Count how often each value from 0 to 65535 occurs.

    Parameters
    ----------
    image : ndarray of uint16, shape (rows, columns)
    compiled : bool, optional
        Whether the compiled loops are used; unless the image is small.

    Returns
    -------
    ndarray of int64, shape (65536,)
    """
    if not _compiled(image, compiled):
        return np.bincount(image.ravel(), minlength=VALUES)
    from fullwell.kernels.histograms_compiled import count_values as count

    counts: Any = count(image)
    return np.asarray(counts)


def count_differences(image: npt.NDArray[np.uint16], *, compiled: bool | None = None) -> Counts:
    """Count how often each difference of pixels two columns apart occurs.

    Parameters
    ----------
    image, compiled
        As for `count_values`.

    Returns
    -------
    ndarray of int64, shape (131071,)
        Of the differences -65535 to 65535, right minus left.
    """
    if not _compiled(image, compiled):
        difference = image[:, 2:].astype(np.int64) - image[:, :-2] + (VALUES - 1)
        return np.bincount(difference.ravel(), minlength=2 * VALUES - 1)
    from fullwell.kernels.histograms_compiled import count_differences as count

    counts: Any = count(image)
    return np.asarray(counts)


def count_bits(image: npt.NDArray[np.uint16], *, compiled: bool | None = None) -> Counts:
    """Count in how many pixels each of the 16 bits is set.

    Parameters
    ----------
    image, compiled
        As for `count_values`.

    Returns
    -------
    ndarray of int64, shape (16,)
        The lowest bit first.
    """
    if not _compiled(image, compiled):
        return np.array([np.count_nonzero(image & np.uint16(1 << bit)) for bit in range(16)], np.int64)
    from fullwell.kernels.histograms_compiled import count_bits as count

    counts: Any = count(image)
    return np.asarray(counts)


def _compiled(image: npt.NDArray[np.uint16], asked: bool | None) -> bool:
    return image.size >= SMALL if asked is None else asked
