"""Random numbers as a pure function of (seed, exposure, effect, draw, pixel). Their bits are final.

The generator is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3",
SC11). Its key is the seed, its counter (block, draw, exposure, effect). A block has four words;
pixel p of the flat array takes word ``(p % 1024) // 256`` of block
``256 * (p // 1024) + p % 256``: neighbors in memory come from neighboring blocks, which is what
vector units want, and no word is thrown away. The shape of an image plays no part.

Everything here is made of + - * /, square root, comparison and bit operations, which IEEE 754
rounds in one way only, so the compiled loops agree bit for bit with `random_reference` and with
any other processor. An FMA would break that; `tests/kernels/test_random.py` holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType

import numpy as np
import numpy.typing as npt

from fullwell.kernels.pool import over_blocks

__all__ = ["normal", "poisson", "stream_key", "uniform", "words"]

_LOW_32 = 0xFFFFFFFF
#: Pixels that a thread takes at once, whole chunks of 1024.
_PART = 1024 * 256


def words(
    shape: int | tuple[int, ...], *, seed: int, exposure: int, effect: int, draw: int = 0
) -> npt.NDArray[np.uint32]:
    """Fill an array with random 32-bit words.

    Parameters
    ----------
    shape : int or tuple of int
        Of the array that is wanted, at most 2**34 pixels.
    seed : int
        0 to 2**64 - 1, the key.
    exposure, effect, draw : int
        0 to 2**32 - 1 each, the last three words of the counter.

    Returns
    -------
    ndarray of uint32
    """
    out = np.empty(shape, np.uint32)
    flat, key = out.reshape(-1), stream_key(seed=seed, exposure=exposure, effect=effect, draw=draw)
    _over_chunks(lambda part, first: _compiled().fill_words(flat[part], key, first), flat.size)
    return out


def stream_key(*, seed: int, exposure: int, effect: int, draw: int = 0) -> npt.NDArray[np.uint32]:
    """Return draw, exposure, effect and the two halves of the seed, as the compiled loops take them."""
    return np.array([draw, exposure, effect, seed & _LOW_32, seed >> 32], np.uint32)


def uniform(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
    """Return ``(word + 0.5) / 2**32``: strictly between 0 and 1, every value exact."""
    return (words.astype(np.float64) + 0.5) * 2.0**-32


def normal(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    """Turn words into normal numbers of mean 0 and standard deviation 1.

    The inverse of the normal distribution by the single-precision polynomials of Giles (2012,
    "Approximating the erfinv function", GPU Computing Gems), the one for the tail fitted anew to
    reach the 6.34 sigma that 32 bits hold. Absolute error below 3e-6.

    Parameters
    ----------
    words : ndarray of uint32

    Returns
    -------
    ndarray of float32, same shape
    """
    flat = np.ascontiguousarray(words).reshape(-1)
    out = np.empty(flat.shape, np.float32)
    _over_chunks(lambda part, _: _compiled().fill_normal(flat[part], out[part]), flat.size)
    return out.reshape(words.shape)


def poisson(mean: npt.NDArray[np.float32], words: npt.NDArray[np.uint32]) -> npt.NDArray[np.float32]:
    """Turn words into Poisson numbers.

    Below a mean of 30 the distribution is inverted exactly, term by term. From there on
    ``floor(L + sqrt(L - 5/36) z + (z**2 - 1)/6 + 1/2)`` with z the normal number of the word: the
    Cornish-Fisher expansion to second order (Abramowitz and Stegun 26.2.49), the 5/36 taking away
    what rounding and the quadratic term would add to the variance (1/12 and 1/18).

    Parameters
    ----------
    mean : ndarray of float32
        Expected number; 0, negative and NaN give 0, infinity stays.
    words : ndarray of uint32, same shape

    Returns
    -------
    ndarray of float32, same shape
        Whole numbers, exact up to 2**24.
    """
    from fullwell.kernels.poisson_table import tables

    flat, random = np.ascontiguousarray(mean, np.float32).reshape(-1), np.ascontiguousarray(words).reshape(-1)
    out = np.empty(flat.shape, np.float32)
    _over_chunks(
        lambda part, _: _compiled().fill_poisson(flat[part], random[part], out[part], *tables()), flat.size
    )
    return out.reshape(mean.shape)


def _over_chunks(function: Callable[[slice, int], None], size: int) -> None:
    """Call a function for parts of a flat array, with the number of the first chunk of 1024 in each."""
    starts = range(0, size, _PART)
    over_blocks(lambda start: function(slice(start, start + _PART), start // 1024), starts)


@cache
def _compiled() -> ModuleType:
    # Numba takes 0.4 s to import; who draws no random number does not pay for it.
    from fullwell.kernels import random_compiled

    return random_compiled
