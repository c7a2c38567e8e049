"""Convolutions of matrices that know one quadrant of lags and are the same in the other three."""

from __future__ import annotations

from itertools import product

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.brief import Brief

__all__ = ["LagMatrices", "four_quadrants", "sum_of_all_lags"]

Array = npt.NDArray[np.float64]


def four_quadrants(quadrant: Array) -> Array:
    """Return the matrix over lags -(L-1) to L-1 of one that has 0 to L-1.

    Parameters
    ----------
    quadrant : ndarray, shape (L, L)

    Returns
    -------
    ndarray, shape (2 L - 1, 2 L - 1)
        Lag zero in the middle.
    """
    half = np.concatenate([quadrant[:0:-1], quadrant])
    return np.concatenate([half[:, :0:-1], half], axis=1)


def sum_of_all_lags(quadrant: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum over all four quadrants of matrices (..., L, L); zero for a_ij where charge is conserved."""
    weight = _copies(quadrant.shape[-1])
    return np.asarray((quadrant * weight).sum(axis=(-2, -1)))


def _copies(lags: int) -> Array:
    """How many of the lags (+-i, +-j) there are: 1, 2 or 4."""
    one = np.where(np.arange(lags) == 0, 1.0, 2.0)
    return np.multiply.outer(one, one)


@attrs.frozen(eq=False, repr=False)
class LagMatrices(Brief):
    """Convolution with a matrix of lags as a linear operator on flattened quadrants.

    Parameters
    ----------
    lags : int
        Lags 0 to lags - 1 in both directions.
    """

    lags: int
    _where: npt.NDArray[np.int64] = attrs.field(init=False, repr=False)
    _share: Array = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        # (a*x)_ij = sum over k, l and signs of a(i -+ k, j -+ l) x_kl, a given over lags -2 (L-1) to 2 (L-1).
        lag = np.arange(self.lags)
        i, j, k, m = np.meshgrid(lag, lag, lag, lag, indexing="ij")
        reach = 2 * (self.lags - 1)
        width = 2 * reach + 1
        where = [(i - s * k + reach) * width + (j - t * m + reach) for s, t in product((1, -1), repeat=2)]
        size = self.lags**2
        object.__setattr__(self, "_where", np.stack(where).reshape(4, size, size))
        # Where k or l is zero the copies coincide, and each counts only its share.
        object.__setattr__(self, "_share", (_copies(self.lags) / 4).reshape(size))

    def matrix(self, a: Array) -> Array:
        """Return the matrix that convolves with `a` (length lags * lags)."""
        reach = self.lags - 1
        return self._gather(np.pad(four_quadrants(a.reshape(self.lags, self.lags)), reach))

    def matrix_of_square(self, a: Array) -> Array:
        """Return the matrix that convolves with ``a*a``, which reaches twice as far as a."""
        return self._gather(self._square(a))

    def cube(self, a: Array) -> Array:
        """Return the quadrant of ``a*a*a`` within the lags, flattened."""
        return self.matrix_of_square(a) @ a

    def _square(self, a: Array) -> Array:
        full = four_quadrants(a.reshape(self.lags, self.lags))
        size = (2 * full.shape[0] - 1,) * 2
        return np.fft.irfft2(np.fft.rfft2(full, size) ** 2, size)

    def _gather(self, wide: Array) -> Array:
        return np.asarray(wide.ravel()[self._where].sum(axis=0) * self._share)
