"""Weighted least squares on covariances, all weights from the model itself."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError, NotEnoughFrames
from fullwell.kernels.blas import one_thread
from fullwell.photon_transfer.curves import Curve
from fullwell.photon_transfer.models import FullCovariance, Model, VarianceModel

__all__ = ["Solution", "covariance_errors", "solve", "start_of"]

Array = npt.NDArray[np.float64]
MOST_STEPS = 60
SETTLED = 1e-2  # of a standard error
LEAST_DAMPING = 0.3
HUBER = 2.0  # sigma; further out a residual counts in proportion only
LEAST_VARIANCE = 1e-3  # of the Poisson value, for weights of a model that has gone astray


@attrs.frozen(eq=False)
class Solution:
    """Gain and parameters of a model with their errors.

    Parameters
    ----------
    model : Model
    values : ndarray, shape (1 + parameters,)
        Gain (e-/ADU), then the parameters of the model in its units.
    covariance : ndarray, shape (1 + parameters, 1 + parameters)
    chi2 : float
        Sum of squared residuals over the variances that the model says.
    degrees : int
        Numbers fitted less parameters.
    """

    model: Model
    values: Array
    covariance: Array
    chi2: float
    degrees: int

    def predicted(self, mean: Array) -> Array:
        """Return C_ij in ADU^2 at means in ADU, shape (points, lags * lags)."""
        gain = self.values[0]
        return np.asarray(self.model.covariances(self.values[1:], gain * mean) / gain**2)


def covariance_errors(variance: Array, counts: npt.NDArray[np.int64]) -> Array:
    """Return the standard errors of measured covariances, from the variance that the model says.

    Parameters
    ----------
    variance : ndarray, shape (points,)
        C_00 of the model.
    counts : ndarray, shape (points, lags * lags)
        Products in each mean.

    Notes
    -----
    ``V / sqrt(N)``, for the variance itself ``sqrt(2)`` times that: of N independent normal products.
    Neighbors are correlated by a few percent, whose squares are left out here.
    """
    with np.errstate(divide="ignore"):
        error = variance[:, None] / np.sqrt(counts)
    error[:, 0] *= np.sqrt(2.0)
    return error


def solve(model: Model, curve: Curve, start: Array | None = None, *, robust: bool = False) -> Solution:
    """Fit a model to the points of a curve that are used.

    Parameters
    ----------
    model : Model
        With no more lags than the curve has.
    curve : Curve
    start : ndarray, optional
        Gain and parameters to begin with.
    robust : bool
        Let far residuals count in proportion only (Huber), so that single bad pairs do not pull.

    Raises
    ------
    NotEnoughFrames
        If the points do not determine the parameters.
    FrameError
        If it does not settle.

    Notes
    -----
    Gauss-Newton steps, the weights made anew from the model before each. Weights from the measured variance
    would favor what happens to be low, and bias gain and noise.
    """
    with one_thread():
        return _solved(_Problem.of(model, curve), start, robust=robust)


def _solved(problem: _Problem, start: Array | None, *, robust: bool) -> Solution:
    model = problem.model
    theta = problem.scaled(problem.guess() if start is None else start)
    damping, previous = 1.0, np.zeros_like(theta)
    for _ in range(MOST_STEPS):
        step, covariance = _step(*problem.equations(theta, robust=robust), model)
        errors = np.sqrt(np.diag(covariance))
        # Hundreds of noisy lags, convolved, make full steps overshoot, back and forth.
        if (step / errors) @ (previous / errors) < 0:
            damping = max(0.7 * damping, LEAST_DAMPING)
        previous = step
        # A gain may not run away in one step, nor change its sign.
        theta = theta + step * min(damping, 0.5 * abs(theta[0]) / max(abs(step[0]), 1e-300))
        if np.all(np.abs(step) <= SETTLED * errors):
            residual = problem.residual(theta)
            units = problem.units
            return Solution(
                model,
                theta * units,
                covariance * np.multiply.outer(units, units),
                float(residual @ residual),
                residual.size - theta.size,
            )
    raise FrameError(f"the {model.name} model does not settle on {problem.mean.size} points")


@attrs.frozen(eq=False)
class _Problem:
    """Measured numbers, and units in which all parameters are of the order of one."""

    model: Model
    mean: Array
    measured: Array
    counts: npt.NDArray[np.int64]
    units: Array
    top: float

    @classmethod
    def of(cls, model: Model, curve: Curve) -> _Problem:
        used = curve.used
        if used.sum() < 3:
            raise NotEnoughFrames(f"{int(used.sum())} points can be used; photon transfer needs at least 3")
        shape = (int(used.sum()), model.lags**2)
        measured = curve.covariance[used, : model.lags, : model.lags].reshape(shape)
        counts = curve.counts[used, : model.lags, : model.lags].reshape(shape)
        mean = curve.mean[used]
        gain = _rough_gain(mean, measured[:, 0])
        top = float(mean.max()) * gain
        powers = {"a": -1, "c": -2, "n": 1}
        units = np.array([gain] + [top ** powers[name[0]] for name in model.names])
        return cls(model, mean, measured, counts, units, top)

    def scaled(self, theta: Array) -> Array:
        return theta / self.units

    def guess(self) -> Array:
        """Gain, then zeros, or what a simpler model found."""
        return np.concatenate([[self.units[0]], np.zeros(len(self.model.names))])

    def residual(self, theta: Array) -> Array:
        """Residuals in units of the errors that the model says, where there are such."""
        left, error = self._left(theta)
        known = np.isfinite(error) & np.isfinite(left)
        return np.asarray(left[known] / error[known])

    def equations(self, theta: Array, *, robust: bool) -> tuple[Array, Array]:
        """Return matrix and vector of the normal equations, weights from the model."""
        left, error = self._left(theta)
        known = np.isfinite(error) & np.isfinite(left)
        safe = np.where(known, error, 1.0)
        weight = np.where(known, 1 / safe**2, 0.0)
        left = np.where(known, left, 0.0)
        if robust:
            weight = weight * np.minimum(1.0, HUBER / np.maximum(np.abs(left / safe), 1e-300))
        if isinstance(self.model, FullCovariance):
            return self._of_series(self.model, theta, left, weight)
        gain, level, factor = self._at(theta)
        expected = self.model.covariances(theta[1:], level)
        by_mean, by_parameters = self.model.derivatives(theta[1:], level)
        by_gain = by_mean * (self.mean / self.top)[:, None] - 2 * expected / gain
        slopes = np.concatenate([by_gain[:, :, None] * self.units[0], by_parameters], axis=2) * factor
        slopes = slopes.reshape(-1, slopes.shape[2])
        weighted = slopes * weight.reshape(-1, 1)
        return weighted.T @ slopes, weighted.T @ left.ravel()

    def _of_series(
        self, model: FullCovariance, theta: Array, left: Array, weight: Array
    ) -> tuple[Array, Array]:
        """Return the same from sums of powers of the levels over the points, without a Jacobian.

        With J = sum_k M^k B_k of lag r the matrix is ``sum_kl B_k^T S_(k+l) B_l``, S_q the diagonal matrix of
        ``sum over points of weight M^q``. The noise n stands with M^0 alone, and in its own lag.
        """
        gain, level, factor = self._at(theta)
        values, slopes = model.series(theta[1:])
        # (M dK/dM - 2 K) / gain is what changes with the gain.
        by_gain = (np.arange(5.0) - 2)[:, None] * values * (self.units[0] / gain)
        parts = np.concatenate([by_gain[:, :, None], slopes], axis=2) * factor
        powers = level ** np.arange(9.0)[:, None]
        sums = powers @ weight
        mixed = np.stack([np.einsum("lr,lrp->rp", sums[k : k + 5], parts) for k in range(5)])
        flat = (-1, parts.shape[2])
        own = parts.reshape(flat).T @ mixed.reshape(flat)
        across = mixed[0].T * factor
        matrix = np.block([[own, across], [across.T, np.diag(sums[0] * factor**2)]])
        right = powers[:5] @ (weight * left)
        vector = np.concatenate([parts.reshape(flat).T @ right.ravel(), right[0] * factor])
        return matrix, vector

    def _at(self, theta: Array) -> tuple[float, Array, float]:
        """Gain, means in units of `top` electrons, in which parameters are near one, and what K is worth."""
        gain = float(theta[0] * self.units[0])
        return gain, gain * self.mean / self.top, self.top / gain**2

    def _left(self, theta: Array) -> tuple[Array, Array]:
        """Measured less expected, and the errors that the model says."""
        _, level, factor = self._at(theta)
        expected = self.model.covariances(theta[1:], level)
        floor = LEAST_VARIANCE * np.maximum(np.abs(level), np.abs(level).max() * LEAST_VARIANCE)
        variance = np.maximum(expected[:, 0], floor) * factor
        return self.measured - expected * factor, covariance_errors(variance, self.counts)


def _rough_gain(mean: Array, variance: Array) -> float:
    """Slope of mean over variance in the lower half of what has signal."""
    bright = mean > 0.02 * mean.max()
    low = bright & (mean <= np.median(mean[bright]))
    ratio = np.median(mean[low] / variance[low])
    if not (np.isfinite(ratio) and ratio > 0):
        raise FrameError("the flats show no noise that grows with their mean")
    return float(ratio)


def _step(matrix: Array, vector: Array, model: Model) -> tuple[Array, Array]:
    """Return the step to the best fit and the covariance of the parameters."""
    scale = np.sqrt(np.diag(matrix))
    if not np.all(np.isfinite(scale) & (scale > 0)):
        raise FrameError(f"the {model.name} model has run away on these points")
    normal = matrix / np.multiply.outer(scale, scale)
    try:
        np.linalg.cholesky(normal)
    except np.linalg.LinAlgError as error:
        raise NotEnoughFrames(
            f"the points do not determine the {model.name} model; more levels, or a simpler model, are needed"
        ) from error
    inverse = np.linalg.inv(normal)
    return inverse @ (vector / scale) / scale, inverse / np.multiply.outer(scale, scale)


def start_of(model: Model, curve: Curve) -> Array | None:
    """Begin the full model with what the exponential one says of the variance, and parabolas for the rest.

    Parameters
    ----------
    model : Model
    curve : Curve

    Returns
    -------
    ndarray or None
        Gain and parameters; None for models that need no start.
    """
    if not isinstance(model, FullCovariance):
        return None
    gain, a00, n00 = solve(VarianceModel("exponential"), curve).values
    used = curve.used
    level = gain * curve.mean[used]
    covariance = curve.covariance[used, : model.lags, : model.lags] * gain**2
    weight = (level / np.maximum(level, level.max() * 1e-3)) ** 2
    a = np.einsum("p,pij->ij", weight, covariance) / (weight * level**2).sum()
    n = np.zeros_like(a)
    a[0, 0], n[0, 0] = a00, n00
    return np.concatenate([[gain], a.ravel(), np.zeros(model.b_lags**2), n.ravel()])
