"""A name for the pixels of a frame, by which copies are recognized.

The sums are those of NH (Black et al. 1999, CRYPTO '99, LNCS 1666, 216) with two sets of keys: two images of
one shape agree in one of them with a probability of 2^-32. They are safe against chance, not against malice,
and an order of magnitude faster than a digest that is safe against both; the digest is made of them.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["fingerprint", "warm_up"]

SMALL = 2**16  # pixels; the plain form is done before the compiled one is loaded
HALF = 1024  # words of a block, paired with as many behind them


def fingerprint(image: npt.NDArray[np.uint16], *, compiled: bool | None = None) -> str:
    """Name the values of an image.

    Parameters
    ----------
    image : ndarray of uint16, shape (rows, columns)
    compiled : bool, optional
        Whether the compiled loop is used; unless the image is small.

    Returns
    -------
    str
        32 hex digits.
    """
    flat = np.ascontiguousarray(image).reshape(-1)
    whole = flat.size // (4 * HALF) * (4 * HALF)
    rest = np.zeros(4 * HALF, np.uint16)
    rest[: flat.size - whole] = flat[whole:]
    parts = [_sums(part.view(np.uint32), compiled) for part in (flat[:whole], rest)]
    digest = hashlib.sha256(str(image.shape).encode(), usedforsecurity=False)
    digest.update(np.concatenate(parts).astype("<u8").tobytes())
    return digest.hexdigest()[:32]


def warm_up() -> None:
    """Compile the loop."""
    fingerprint(np.ones((8, 8), np.uint16), compiled=True)


def _sums(words: npt.NDArray[np.uint32], compiled: bool | None) -> npt.NDArray[np.uint64]:
    if words.size >= SMALL // 2 if compiled is None else compiled:
        from fullwell.kernels.fingerprint_compiled import fill_sums

        sums = np.empty((words.size // (2 * HALF), 2), np.uint64)
        fill_sums(words, _keys(), sums)
        return sums
    blocks: Any = words.reshape(-1, 1, 2, HALF) + _keys()
    products = blocks[:, :, 0].astype(np.uint64) * blocks[:, :, 1].astype(np.uint64)
    total: npt.NDArray[np.uint64] = products.sum(axis=2, dtype=np.uint64)
    return total


@cache
def _keys() -> npt.NDArray[np.uint32]:
    """Return the keys, shape (2, 2, HALF): the finalizer of splitmix64 (Steele et al. 2014) of a count."""
    with np.errstate(over="ignore"):
        z = np.arange(1, 4 * HALF + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z >> np.uint64(32)).astype(np.uint32).reshape(2, 2, HALF)
