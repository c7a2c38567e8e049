"""One amplifier fitted: gain, read noise, brighter-fatter coefficients, turnoff, with their errors."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.brief import Brief
from fullwell.errors import FullwellError, NotEnoughFrames
from fullwell.photon_transfer.curves import Curve
from fullwell.photon_transfer.least_squares import Solution, solve, start_of
from fullwell.photon_transfer.levels import LEAST_LEVELS, check_levels
from fullwell.photon_transfer.models import make_model
from fullwell.photon_transfer.selection import select_points

__all__ = ["AmplifierFit", "fit_curve"]

Array = npt.NDArray[np.float64]


@attrs.frozen(eq=False, repr=False)
class AmplifierFit(Brief):
    """What a model says of one amplifier.

    Parameters
    ----------
    curve : Curve
        Points used, and the others with their reasons.
    names : tuple of str
        ``gain`` (e-/ADU), ``a_i_j`` (1/e-), ``c_i_j`` (1/e-^2), ``n_i_j`` (e-^2); i columns, j rows apart.
    values : ndarray
        Of the parameters.
    covariance : ndarray
        Of the parameters, all with all.
    chi2 : float
    degrees : int
        Degrees of freedom.
    turnoff, turnoff_error : float
        ADU; see `fullwell.photon_transfer.selection.Selection`.
    turned : bool
        Whether the variance falls within the curve; if not, the turnoff is a lower limit.
    trouble : str
        Why there is no fit (everything is NaN); empty where there is.
    """

    curve: Curve
    names: tuple[str, ...]
    values: Array
    covariance: Array
    chi2: float
    degrees: int
    turnoff: float
    turnoff_error: float
    turned: bool
    trouble: str = ""

    @property
    def errors(self) -> Array:
        """Standard errors of the parameters."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def matrix(self, letter: str) -> tuple[Array, Array]:
        """Return values and errors of ``'a'``, ``'c'`` or ``'n'`` as matrices, NaN where there is none."""
        size = max(int(name.split("_")[1]) for name in self.names[1:]) + 1
        values, errors = np.full((size, size), np.nan), np.full((size, size), np.nan)
        for name, value, error in zip(self.names, self.values, self.errors, strict=True):
            first, *where = name.split("_")
            if first == letter:
                values[int(where[0]), int(where[1])] = value
                errors[int(where[0]), int(where[1])] = error
        return values, errors

    def part(self, letter: str) -> tuple[npt.NDArray[np.int64], Array]:
        """Return where the parameters of that letter stand, and their covariance."""
        where = np.array([k for k, name in enumerate(self.names) if name.startswith(f"{letter}_")], np.int64)
        return where, self.covariance[np.ix_(where, where)]


def fit_curve(curve: Curve, *, model: str, max_signal: float | None, lags: int, b_lags: int) -> AmplifierFit:
    """Select the points of a curve and fit a model to them.

    An amplifier that cannot be fitted comes back with `trouble`, so that it does not stop the others.

    Parameters
    ----------
    curve : Curve
    model : str
        See `make_model`.
    max_signal : float or None
        e-.
    lags, b_lags : int
        Of the model.
    """
    chosen = make_model(model, lags=lags, b_lags=b_lags)
    names = ("gain", *chosen.names)
    turn = (np.nan, np.nan, False)
    try:
        if curve.used.any():  # the selection says why there are none
            check_levels(curve, LEAST_LEVELS)
        selection = select_points(curve, max_signal=max_signal)
        curve = selection.curve
        turn = (selection.turnoff, selection.turnoff_error, selection.turned)
        check_levels(curve, chosen.least_levels)
        solution = solve(chosen, curve, start_of(chosen, curve))
        _check_gain(solution)
    except FullwellError as error:
        nothing = np.full(len(names), np.nan)
        return AmplifierFit(
            curve, names, nothing, np.full((len(names),) * 2, np.nan), np.nan, 0, *turn, trouble=str(error)
        )
    return AmplifierFit(
        curve, names, solution.values, solution.covariance, solution.chi2, solution.degrees, *turn
    )


def _check_gain(solution: Solution) -> None:
    """Refuse a gain that could as well be zero: all other numbers hang on it."""
    gain, error = solution.values[0], np.sqrt(solution.covariance[0, 0])
    if not abs(error) < abs(gain):
        raise NotEnoughFrames(
            f"the gain would be {gain:.4g} +- {error:.2g} e-/ADU: the points do not determine it; "
            "more pairs, at levels further apart, are needed"
        )


def troubles(fits: Sequence[AmplifierFit]) -> str:
    """Return what went wrong, amplifier by amplifier."""
    return "; ".join(f"{fit.curve.amplifier}: {fit.trouble}" for fit in fits if fit.trouble)
