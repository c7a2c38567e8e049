"""What the covariances of a flat are at a given mean: three models, their parameters and derivatives.

All work in electrons: a model gives ``K_ij(M)``, the covariance in electrons squared of pixels i columns and
j rows apart in flats of M electrons. What is measured is ``C_ij = K_ij(g mu) / g^2`` in ADU squared.

The sign: ``a_00`` is negative. A pixel that holds charge repels what follows, collects less of it, and the
variance of a flat stays *below* its mean. The neighbors gain what it loses: their a_ij are mostly positive,
and over all lags (four quadrants) they add up to zero.
"""

from __future__ import annotations

from typing import Literal, Protocol

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError
from fullwell.photon_transfer.lag_matrices import LagMatrices

__all__ = ["MODELS", "FullCovariance", "Model", "VarianceModel", "make_model", "naive_gain_ratio"]

Array = npt.NDArray[np.float64]
B_LAGS = 3
MODELS = ("quadratic", "exponential", "full", "full-no-b")


class Model(Protocol):
    """Covariances as a function of the mean, and their derivatives."""

    @property
    def name(self) -> str:
        """One of `MODELS`."""
        ...

    @property
    def lags(self) -> int:
        """Lags 0 to lags - 1 in both directions."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, the gain not among them."""
        ...

    @property
    def least_levels(self) -> int:
        """Levels of signal without which the parameters are not determined."""
        ...

    def covariances(self, parameters: Array, mean: Array) -> Array:
        """Return K, e-^2, of shape (points, lags * lags), at the means M, e-, of shape (points,)."""
        ...

    def derivatives(self, parameters: Array, mean: Array) -> tuple[Array, Array]:
        """Return dK/dM (points, lags * lags) and dK/dparameters (points, lags * lags, parameters)."""
        ...


@attrs.frozen
class VarianceModel:
    """The variance alone, parameters ``a_00`` (1/e-) and ``n_00`` (e-^2, the read noise squared).

    Parameters
    ----------
    name : {'quadratic', 'exponential'}
        ``M + a_00 M^2 + n_00``, or ``(exp(2 a_00 M) - 1) / (2 a_00) + n_00`` (Astier et al. 2019, A&A 629,
        A36, equation 16), of which the former is the beginning.
    """

    name: Literal["quadratic", "exponential"]
    lags: int = attrs.field(default=1, init=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return ("a_0_0", "n_0_0")

    @property
    def least_levels(self) -> int:
        """Those for gain, a_00 and n_00."""
        return 3

    def covariances(self, parameters: Array, mean: Array) -> Array:
        """Return the variance, e-^2, shape (points, 1)."""
        a, n = parameters
        if self.name == "quadratic":
            return np.asarray(mean + a * mean**2 + n)[:, None]
        return np.asarray(mean * _grown(2 * a * mean) + n)[:, None]

    def derivatives(self, parameters: Array, mean: Array) -> tuple[Array, Array]:
        """Return the derivatives by M and by the parameters."""
        a = parameters[0]
        if self.name == "quadratic":
            by_mean, by_a = 1 + 2 * a * mean, mean**2
        else:
            by_mean, by_a = np.exp(2 * a * mean), 2 * mean**2 * _grown_slope(2 * a * mean)
        return by_mean[:, None], np.stack([by_a, np.ones_like(mean)], axis=1)[:, None, :]


@attrs.frozen(eq=False)
class FullCovariance:
    """Covariances of all lags together: Astier et al. 2019, A&A 629, A36, equation 20.

    ``K_ij = M [d_i0 d_j0 + a_ij M + 2/3 (a*a + c)_ij M^2 + (1/3 a*a*a + 5/6 a*c)_ij M^3] + n_ij``,
    ``c_ij = a_ij b_ij``, ``*`` the convolution over all four quadrants. Parameters: the matrices ``a``
    (1/e-), ``c`` (1/e-^2; b = c/a would be 0/0 where a vanishes), ``n`` (e-^2), each row by row.

    It is a series in a_00 M that ends with its third power. What is missing, ``2/15 (a_00 M)^4``, is 0.1 % of
    the variance at 100 ke- and a_00 = -3.1e-6: beyond that the gain gets biased.

    Parameters
    ----------
    lags : int
        Lags 0 to lags - 1 in columns (i) and in rows (j).
    b_lags : int
        Lags for which c is free; beyond it is zero, and for 0 everywhere. Far away a is small and c smaller
        yet: hundreds of numbers that are all noise, and whose convolution with the noise of a would pull at
        the gain.
    """

    lags: int
    b_lags: int
    _matrices: LagMatrices = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.b_lags <= self.lags:
            raise ParameterError("b_lags", self.b_lags, f"0 to the number of lags, {self.lags}")
        object.__setattr__(self, "_matrices", LagMatrices(self.lags))

    @property
    def name(self) -> str:
        """``'full'`` or ``'full-no-b'``."""
        return "full" if self.b_lags else "full-no-b"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, such as ``a_0_1``."""
        reach = {"a": self.lags, "c": self.b_lags, "n": self.lags}
        return tuple(f"{x}_{i}_{j}" for x, n in reach.items() for i in range(n) for j in range(n))

    @property
    def least_levels(self) -> int:
        """Those for gain, a_00 and n_00, and for c_00 where it is free."""
        return 4 if self.b_lags else 3

    def split(self, parameters: Array) -> tuple[Array, Array, Array]:
        """Return a, c and n, each of length lags * lags."""
        size = self.lags**2
        c = np.zeros(size)
        c[self._free] = parameters[size:-size]
        return parameters[:size], c, parameters[-size:]

    @property
    def _free(self) -> npt.NDArray[np.int64]:
        """Where c is free, among the flattened lags."""
        one = np.arange(self.b_lags)
        return np.asarray(np.add.outer(one * self.lags, one).ravel())

    def covariances(self, parameters: Array, mean: Array) -> Array:
        """Return K, e-^2, shape (points, lags * lags)."""
        a, c, n = self.split(parameters)
        with_a = self._matrices.matrix(a)
        third = 2 / 3 * (with_a @ a + c)
        fourth = 1 / 3 * self._matrices.cube(a) + 5 / 6 * (with_a @ c)
        m = mean[:, None]
        result = m**2 * (a + m * (third + m * fourth)) + n
        result[:, 0] += mean
        return np.asarray(result)

    def derivatives(self, parameters: Array, mean: Array) -> tuple[Array, Array]:
        """Return the derivatives by M and by the parameters."""
        values, slopes = self.series(parameters)
        powers = mean[:, None] ** np.arange(5.0)
        by_mean = powers[:, :4] @ (np.arange(1.0, 5.0)[:, None] * values[1:])
        by_noise = np.broadcast_to(np.eye(self.lags**2), (len(mean),) + (self.lags**2,) * 2)
        return by_mean, np.concatenate([np.tensordot(powers, slopes, axes=1), by_noise], axis=2)

    def series(self, parameters: Array) -> tuple[Array, Array]:
        """Return K and its derivatives by a and c as powers of M, which a fit of many points sums once.

        Parameters
        ----------
        parameters : ndarray

        Returns
        -------
        values : ndarray, shape (5, lags * lags)
            What stands with M^0 to M^4 in K.
        slopes : ndarray, shape (5, lags * lags, parameters of a and c)
            The same of dK/da and dK/dc; dK/dn is one for the lag itself, whatever M.
        """
        a, c, n = self.split(parameters)
        size = self.lags**2
        with_a = self._matrices.matrix(a)
        values = np.zeros((5, size))
        values[0], values[1, 0], values[2] = n, 1.0, a
        values[3] = 2 / 3 * (with_a @ a + c)
        values[4] = 1 / 3 * self._matrices.cube(a) + 5 / 6 * (with_a @ c)
        one = np.eye(size)
        slopes = np.zeros((5, size, size + self.b_lags**2))
        slopes[2, :, :size] = one
        slopes[3, :, :size] = 4 / 3 * with_a
        slopes[4, :, :size] = self._matrices.matrix_of_square(a) + 5 / 6 * self._matrices.matrix(c)
        slopes[3, :, size:] = 2 / 3 * one[:, self._free]
        slopes[4, :, size:] = 5 / 6 * with_a[:, self._free]
        return values, slopes


def make_model(name: str, *, lags: int, b_lags: int = B_LAGS) -> Model:
    """Return the model of that name.

    Parameters
    ----------
    name : {'quadratic', 'exponential', 'full', 'full-no-b'}
    lags : int
        For the full ones.
    b_lags : int
        Lags with a c of their own, for ``'full'``; no more than `lags`.

    Raises
    ------
    ParameterError
        If there is no such model.
    """
    if name in ("quadratic", "exponential"):
        return VarianceModel(name)  # type: ignore[arg-type]
    if name not in MODELS:
        raise ParameterError("model", name, f"one of {MODELS}")
    return FullCovariance(lags, min(b_lags, lags) if name == "full" else 0)


def naive_gain_ratio(a00: float, mean: npt.ArrayLike) -> Array:
    """How much too high mean/variance says the gain is, from equation 16 without read noise.

    Parameters
    ----------
    a00 : float
        1/e-, negative.
    mean : float or ndarray
        e-.

    Returns
    -------
    ndarray
        Measured over true gain: 1.031 at 10 ke-, 1.162 at 50 ke-, 1.341 at 100 ke- with a_00 = -3.09e-6.
    """
    return 1 / _grown(2 * a00 * np.asarray(mean, np.float64))


def _grown(x: Array) -> Array:
    """``(exp(x) - 1) / x``, 1 at zero."""
    small = np.abs(x) < 1e-5
    safe = np.where(small, 1.0, x)
    return np.where(small, 1 + x / 2, np.expm1(safe) / safe)


def _grown_slope(x: Array) -> Array:
    """Its derivative."""
    small = np.abs(x) < 1e-3
    safe = np.where(small, 1.0, x)
    return np.where(small, 0.5 + x / 3 + x**2 / 8, (np.exp(safe) - np.expm1(safe) / safe) / safe)
