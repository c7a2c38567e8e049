"""From the covariances of flats to the boundaries that charge moves, and the other way."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.effects.converters import matrix_of
from fullwell.errors import ParameterError
from fullwell.photon_transfer.lag_matrices import four_quadrants, sum_of_all_lags

__all__ = ["Boundaries", "checked_coefficients", "model_coefficients", "zero_sum"]

Array = npt.NDArray[np.float64]

#: What the sum over all lags may differ from zero, in units of a_00: rounding, as of numbers in a table.
_ROUNDING = 1e-5


@attrs.frozen(eq=False)
class Boundaries:
    """How far one electron moves the boundaries around it.

    Parameters
    ----------
    east : ndarray, shape (n - 1, n)
        ``[i, j]``: displacement to the right, in pixels per electron, of the boundary ``i + 1/2`` columns to
        the right and j rows away. To the left it is the opposite. Negative: the boundary comes nearer.
    north : ndarray, shape (n, n - 1)
        ``[i, j]``: displacement upward of the boundary i columns away and ``j + 1/2`` rows above.
    kernel : ndarray, shape (2 n - 1, 2 n - 1)
        The potential, ``[row, column]`` with lag zero in the middle: differences between neighbors are the
        displacements, its discrete Laplacian is a_ij.
    """

    east: Array
    north: Array
    kernel: Array

    @classmethod
    def of(cls, a: Array) -> Boundaries:
        """Find the displacements whose divergence is a_ij.

        Parameters
        ----------
        a : ndarray, shape (n, n)
            1/e-, ``[i, j]`` i columns and j rows apart, with zero sum over all lags.

        Notes
        -----
        Flats tell how much area a pixel loses, not at which of its sides. Of all displacements with that area
        the smallest (least squares) is taken, which is the one without curl and therefore the gradient of a
        potential, as in Coulton et al. 2018, AJ 155, 258. The boundaries around the (2 n - 1)^2 lags stay
        where they are; inside, cosine transforms solve the discrete Poisson equation.
        """
        from scipy.fft import dctn, idctn

        n = a.shape[0]
        side = 2 * n - 1
        # [row, column], while a has [column, row].
        area = four_quadrants(a).T
        of_one = 2 * np.cos(np.pi * np.arange(side) / side) - 2
        laplacian = of_one[:, None] + of_one[None, :]
        laplacian[0, 0] = 1  # the mean of a potential means nothing
        waves = dctn(area, type=2) / laplacian
        waves[0, 0] = 0
        kernel = np.asarray(idctn(waves, type=2))
        quadrant = kernel[n - 1 :, n - 1 :]
        return cls(east=np.diff(quadrant, axis=1).T, north=np.diff(quadrant, axis=0).T, kernel=kernel)

    def areas(self) -> Array:
        """Return a_ij: what the displacements take from the area of the pixel i columns and j rows away."""
        n = self.north.shape[0]
        right = np.concatenate([self.east, np.zeros((1, n))])
        left = np.concatenate([-self.east[:1], self.east])
        top = np.concatenate([self.north, np.zeros((n, 1))], axis=1)
        bottom = np.concatenate([-self.north[:, :1], self.north], axis=1)
        return np.asarray(right - left + top - bottom)


def checked_coefficients(a: npt.ArrayLike, *, name: str = "a") -> Array:
    """Return a_ij as an array of its own, if they can be those of a detector.

    Parameters
    ----------
    a : array_like, shape (n, n)
        1/e-, n from 2 to 64.
    name : str
        What to call them in messages.

    Raises
    ------
    ParameterError
        If they are not square and finite, a_00 is not negative, one of them is out of all proportion, or
        charge would be made or lost.
    """
    values = matrix_of(name, a)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not 2 <= values.shape[0] <= 64:
        raise ParameterError(name, values.shape, "a square matrix of 2 x 2 to 64 x 64 lags")
    if not np.isfinite(values).all():
        raise ParameterError(name, values[~np.isfinite(values)][0], "finite numbers, in 1/e-")
    if not values[0, 0] < 0:
        raise ParameterError(f"{name}[0, 0]", values[0, 0], "below 0: a pixel that holds charge gets smaller")
    if np.abs(values).max() > 1e-3:
        raise ParameterError(name, float(np.abs(values).max()), "-1e-3 to 1e-3 in 1/e-; they are about 1e-6")
    total = float(sum_of_all_lags(values))
    if abs(total) > _ROUNDING * abs(values[0, 0]):
        raise ParameterError(
            f"sum of {name} over all lags",
            total,
            f"0, or charge is made or lost; it is off by {100 * total / abs(values[0, 0]):.3g} % of |a_00|. "
            "zero_sum(a) makes it so, if that is what you want",
        )
    return values


def zero_sum(a: npt.ArrayLike, *, errors: npt.ArrayLike | None = None) -> Array:
    """Change a_ij so that charge is conserved: their sum over all lags becomes zero.

    Parameters
    ----------
    a : array_like, shape (n, n)
        1/e-.
    errors : array_like, same shape, optional
        Standard errors. With them each a_ij is moved by as little of its error as will do (least squares);
        without them a_00, which is measured best, stays, and all others are scaled.

    Raises
    ------
    ParameterError
        If the shapes differ, an error is not finite and above 0, or the others cannot make up for a_00.
    """
    values = np.array(a, np.float64)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise ParameterError("a", values.shape, "a square matrix")
    if errors is None:
        others = float(sum_of_all_lags(values) - values[0, 0])
        if not others * values[0, 0] < 0:
            raise ParameterError("sum of a beyond a_00", others, "the sign that a_00 does not have")
        center = values[0, 0]
        values *= -center / others
        values[0, 0] = center
        return values
    sigma = np.asarray(errors, np.float64)
    if sigma.shape != values.shape or not (np.isfinite(sigma).all() and (sigma > 0).all()):
        raise ParameterError("errors", sigma.shape, f"finite and above 0, one for each of {values.shape}")
    # Least sum of (change / sigma)^2 under one condition: change = -sigma^2 w total / sum(w^2 sigma^2), with
    # w how often an a_ij stands in the sum.
    ones = np.zeros_like(values)
    weights = np.empty_like(values)
    for index in np.ndindex(values.shape):
        ones[index] = 1
        weights[index] = sum_of_all_lags(ones)
        ones[index] = 0
    steps = sigma**2 * weights
    return np.asarray(values - steps * float(sum_of_all_lags(values)) / float((weights * steps).sum()))


def model_coefficients(
    a00: float, *, size: int = 8, anisotropy: float = 2.7, decay: float = 2.9
) -> npt.NDArray[np.float64]:
    """Return a_ij that look like those of a thick CCD: a model, not a measurement.

    Parameters
    ----------
    a00 : float
        1/e-, negative: -3.09e-6 and -1.70e-6 are medians of the e2v and ITL sensors of LSST (SITCOMTN-148).
    size : int
        Lags 0 to size - 1, 2 to 64.
    anisotropy : float
        a_01 / a_10: neighbors in a column, which only a clock voltage keeps apart, feel more of each other
        than those in a row, where there is a channel stop. 0.05 to 20.
    decay : float
        Power of the distance with which a_ij fall off; 3 is that of a charge above a conducting plane, a
        dipole. 1 to 10.

    Returns
    -------
    ndarray, shape (size, size)
        ``a_ij = s (anisotropy^(2/decay) i^2 + j^2)^(-decay/2)``, s such that the sum over all lags is zero.

    Raises
    ------
    ParameterError
        If a value is out of range.
    """
    if not (np.isfinite(a00) and -1e-3 <= a00 < 0):
        raise ParameterError("a00", a00, "-1e-3 to below 0, in 1/e-")
    if not 2 <= size <= 64:
        raise ParameterError("size", size, "2 to 64 lags")
    for name, value, low, high in (("anisotropy", anisotropy, 0.05, 20.0), ("decay", decay, 1.0, 10.0)):
        if not low <= value <= high:
            raise ParameterError(name, value, f"{low:g} to {high:g}")
    i, j = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    distance2 = anisotropy ** (2 / decay) * i**2 + j**2
    distance2[0, 0] = 1
    a = distance2 ** (-decay / 2)
    a[0, 0] = 0
    a *= -a00 / sum_of_all_lags(a)
    a[0, 0] = a00
    return np.asarray(a)
