"""Square blocks of pixels to one: their mean, their maximum, or all their bits.

Overviews of frames are made so. The mean shows faint structure, the maximum keeps single hot pixels, and of
flags every bit counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError

__all__ = ["POOLS", "pool_blocks", "warm_up"]

#: What a block can become.
POOLS = ("mean", "max", "or")


def pool_blocks(
    image: npt.NDArray[Any], factor: int, *, how: str = "mean", compiled: bool = True
) -> npt.NDArray[Any]:
    """Shrink an image by a whole factor; blocks at the right and upper edge may be incomplete.

    Parameters
    ----------
    image : ndarray of uint16 or float32, shape (rows, columns)
    factor : int
        Side of a block.
    how : {'mean', 'max', 'or'}
        Means of integers are rounded, halves up. Floats that are not finite do not count; a block without any
        other is NaN. ``'or'`` is for integers.
    compiled : bool
        Whether the compiled loops are used; the plain form gives the same values.

    Returns
    -------
    ndarray, shape (ceil(rows / factor), ceil(columns / factor)), same dtype

    Raises
    ------
    ParameterError
        If the type or an option is none of these.
    """
    if image.dtype not in (np.uint16, np.float32) or (how == "or" and image.dtype != np.uint16):
        raise ParameterError("dtype", str(image.dtype), "uint16, or float32 for 'mean' and 'max'")
    if how not in POOLS or factor < 1:
        raise ParameterError("how, factor", (how, factor), f"one of {POOLS}, and 1 or more")
    if factor == 1:
        return image
    if not compiled:
        return _plain(image, factor, how)
    from fullwell.kernels import pooling_compiled as loops

    small = np.empty([-(-size // factor) for size in image.shape], image.dtype)
    if how == "or":
        loops.pool_or(image, factor, small)
    elif image.dtype == np.uint16:
        (loops.pool_mean_integers if how == "mean" else loops.pool_max_integers)(image, factor, small)
    else:
        (loops.pool_mean_floats if how == "mean" else loops.pool_max_floats)(image, factor, small)
    return small


def _plain(image: npt.NDArray[Any], factor: int, how: str) -> npt.NDArray[Any]:
    y, x = (np.arange(0, size, factor) for size in image.shape)

    def over_blocks(ufunc: np.ufunc, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(ufunc.reduceat(ufunc.reduceat(values, y, axis=0), x, axis=1))

    if image.dtype == np.uint16:
        if how != "mean":
            return over_blocks(np.bitwise_or if how == "or" else np.maximum, image)
        counts = over_blocks(np.add, np.ones(image.shape, np.int64))
        means = (2 * over_blocks(np.add, image.astype(np.int64)) + counts) // (2 * counts)
        return np.asarray(means, np.uint16)
    good = np.isfinite(image)
    counts = over_blocks(np.add, good.astype(np.int64))
    if how == "mean":
        values = over_blocks(np.add, np.where(good, image, 0).astype(np.float64)) / np.maximum(counts, 1)
    else:
        values = over_blocks(np.maximum, np.where(good, image, -np.inf))
    return np.where(counts > 0, values, np.nan).astype(np.float32)


def warm_up() -> None:
    """Compile all loops."""
    for how in POOLS:
        pool_blocks(np.ones((2, 2), np.uint16), 2, how=how)
        if how != "or":
            pool_blocks(np.ones((2, 2), np.float32), 2, how=how)
