"""Randomness as a pure function: the same seed, exposure, effect and pixel give the same number.

Nothing here has a state. A `Noise` names an exposure, a `Stream` one effect within it, `draw`
one of several numbers that the effect needs for a pixel. Switching one effect off therefore
leaves the bits of all others as they were, on any number of threads.
"""

from __future__ import annotations

import zlib

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError

__all__ = ["FIXED_PATTERN", "Noise", "Stream"]

#: The exposure that stands for what is the same in all: positions of hot pixels, pixel response, stars.
FIXED_PATTERN = 2**32 - 1


@attrs.frozen
class Stream:
    """Random numbers of one effect in one exposure.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.
    exposure : int
        0 to 2**32 - 1.
    effect : int
        0 to 2**32 - 1, made from the effect's name.
    """

    seed: int
    exposure: int
    effect: int

    def uniform(self, shape: int | tuple[int, ...], *, draw: int = 0) -> npt.NDArray[np.float64]:
        """Return uniform numbers, strictly between 0 and 1, in steps of 2**-32."""
        from fullwell.kernels import random

        return random.uniform(self._words(shape, draw))

    def normal(self, shape: int | tuple[int, ...], *, draw: int = 0) -> npt.NDArray[np.float32]:
        """Return normal numbers of mean 0 and standard deviation 1."""
        from fullwell.kernels import random

        return random.normal(self._words(shape, draw))

    def poisson(self, mean: npt.ArrayLike, *, draw: int = 0) -> npt.NDArray[np.float32]:
        """Return Poisson numbers of the given mean (values at or below 0 give 0).

        Parameters
        ----------
        mean : float or ndarray
            Expected number, of the shape that is wanted.
        """
        from fullwell.kernels import random

        mean = np.asarray(mean, dtype=np.float32)
        return random.poisson(mean, self._words(mean.shape, draw))

    def key(self, *, draw: int = 0) -> tuple[int, int, int, int]:
        """Return seed, exposure, effect and draw: all that a number depends on besides its pixel."""
        return self.seed, self.exposure, self.effect, draw

    def _words(self, shape: int | tuple[int, ...], draw: int) -> npt.NDArray[np.uint32]:
        from fullwell.kernels import random

        return random.words(shape, seed=self.seed, exposure=self.exposure, effect=self.effect, draw=draw)


@attrs.frozen
class Noise:
    """The randomness of one exposure.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1; names a whole simulation.
    exposure : int
        0 to 2**32 - 1; names a frame in it.

    Raises
    ------
    ParameterError
        If either is out of range.
    """

    seed: int
    exposure: int = 0

    def __attrs_post_init__(self) -> None:
        for name, value, bits in (("seed", self.seed, 64), ("exposure", self.exposure, 32)):
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or not 0 <= int(value) < 2**bits:
                raise ParameterError(name, value, f"a whole number, 0 to 2**{bits} - 1")

    def stream(self, effect: str) -> Stream:
        """Return the stream of the effect of that name."""
        return Stream(int(self.seed), int(self.exposure), zlib.crc32(effect.encode()))
