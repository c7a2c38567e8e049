"""Covariances of an image with itself, some columns and rows apart, over good pixels only."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError, ParameterError
from fullwell.kernels.pool import over_blocks

__all__ = ["autocovariance", "lag_sums", "warm_up"]

_ROWS = 64  # a block; fixed, so that the bits do not depend on the number of threads
MOST_LAGS = 64  # bits of a word


def autocovariance(
    image: npt.NDArray[Any], good: npt.NDArray[np.bool_] | None = None, *, lags: int = 11
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Covariance of the good pixels of an image with those some columns and rows away.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        float32 is worked on in float32 (products; they are added up in float64 row by row), all else in
        float64. What is not good may be NaN.
    good : ndarray of bool, same shape, optional
        The pixels that count; all of them if not given.
    lags : int
        1 to 64, and no more than the image has rows and columns.

    Returns
    -------
    covariance : ndarray of float64, shape (lags, lags)
        ``[i, j]``: i columns (x) and j rows (y) apart, the mean over the diagonals (i, j) and (i, -j), in the
        square of the unit of the image. ``[0, 0]`` is the variance. NaN where no two pixels are that apart.
    counts : ndarray of int64, shape (lags, lags)
        Number of products in each mean.

    Raises
    ------
    FrameError
        If the shapes differ, or fewer than 2 pixels are good.
    ParameterError
        If `lags` is out of range.

    Notes
    -----
    The mean over products of two good pixels of ``(D - m)(D' - m)``, m the mean of all good pixels, plus
    ``C_00 / N``, which a mean taken from the same N pixels takes away (exact for white noise).
    """
    image = np.asarray(image)
    mask = np.ones(image.shape, np.bool_) if good is None else np.asarray(good, np.bool_)
    if image.ndim != 2 or mask.shape != image.shape:
        raise FrameError(f"image and good pixels must be images of one shape: {image.shape}, {mask.shape}")
    used = int(mask.sum())
    if used < 2:
        raise FrameError(f"{used} good pixels; a covariance needs at least 2")
    mean = image.mean(dtype=np.float64, where=mask)
    dtype = np.float32 if image.dtype == np.float32 else np.float64
    centered = np.where(mask, image - dtype(mean), dtype(0)).astype(dtype, copy=False)
    sums, counts = lag_sums(centered, mask, lags=lags)
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = sums / counts
    return covariance + covariance[0, 0] / (used - 1), counts


def lag_sums(
    values: npt.NDArray[Any], good: npt.NDArray[np.bool_], *, lags: int, workers: int | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Sum products of pixels some columns and rows apart.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (rows, columns)
        0 where not good.
    good : ndarray of bool, same shape
    lags : int
        1 to 64, and no more than there are rows and columns.
    workers : int, optional
        Threads; as many as there are cores if not given.

    Returns
    -------
    sums : ndarray of float64, shape (lags, lags)
        ``[i, j]``: i columns and j rows apart, both diagonals together.
    counts : ndarray of int64, shape (lags, lags)
        Number of products of two good pixels.

    Raises
    ------
    ParameterError
        If `lags` is out of range.
    """
    rows, columns = values.shape
    most = min(rows, columns, MOST_LAGS)
    if not 1 <= lags <= most:
        raise ParameterError("lags", lags, f"1 to {most} for an image of {values.shape}")
    loops = _compiled()
    padded = np.zeros((rows, columns + lags + loops.GROUP), values.dtype)
    padded[:, :columns] = values
    bits = None if good.all() else _shifted_bits(good, lags)

    def block(first: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        sums, counts = np.zeros((lags + loops.GROUP, lags)), np.zeros((lags, lags), np.int64)
        last = min(first + _ROWS, rows)
        loops.add_products(padded, columns, lags, first, last, sums)
        if bits is not None:
            loops.add_counts(bits, first, last, counts)
        return sums[:lags], counts

    parts = over_blocks(block, range(0, rows, _ROWS), workers=workers)
    sums = np.sum([part[0] for part in parts], axis=0)
    if bits is None:
        return sums, _all_counts(rows, columns, lags)
    return sums, np.sum([part[1] for part in parts], axis=0)


def _all_counts(rows: int, columns: int, lags: int) -> npt.NDArray[np.int64]:
    d = np.arange(lags, dtype=np.int64)
    counts = np.multiply.outer(columns - d, rows - d)
    counts[1:, 1:] *= 2
    return counts


def _shifted_bits(good: npt.NDArray[np.bool_], lags: int) -> npt.NDArray[np.uint64]:
    """64 pixels in a word, once for each lag: what two rows have in common is then counted word by word."""
    rows, columns = good.shape
    words = -(-columns // 64)
    packed = np.zeros((rows, 8 * (words + 1)), np.uint8)
    packed[:, : -(-columns // 8)] = np.packbits(good, axis=1, bitorder="little")
    shifted = np.empty((lags, rows, words), np.uint64)
    _compiled().fill_shifted(packed.view("<u8"), shifted)
    return shifted


def warm_up() -> None:
    """Compile the loops for all types they are called with."""
    good = np.eye(16) < 1
    for dtype in (np.float32, np.float64):
        lag_sums(np.eye(16, dtype=dtype), good, lags=3)


@cache
def _compiled() -> ModuleType:
    from fullwell.kernels import covariances_compiled

    return covariances_compiled
