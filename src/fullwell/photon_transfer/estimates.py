"""Numbers with errors, one an amplifier."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.brief import Brief

__all__ = ["BrighterFatterMatrices", "Estimate", "FullWellEstimate"]

Array = npt.NDArray[np.float64]


@attrs.frozen(eq=False, repr=False)
class Estimate(Brief):
    """A number for each amplifier.

    Parameters
    ----------
    value, error : ndarray, shape (amplifiers,)
        NaN where an amplifier could not be fitted.
    unit : str
    """

    value: Array
    error: Array
    unit: str


@attrs.frozen(eq=False, repr=False)
class FullWellEstimate(Estimate):
    """Where the variance turns, in electrons.

    Parameters
    ----------
    lower_limit : ndarray of bool, shape (amplifiers,)
        True where the variance does not turn within the curve: the well is at least that deep.
    """

    lower_limit: npt.NDArray[np.bool_] = attrs.field(kw_only=True)


@attrs.frozen(eq=False, repr=False)
class BrighterFatterMatrices(Brief):
    """By how much charge moves the borders of pixels.

    ``[..., i, j]`` is i columns (x, serial) and j rows (y, parallel) apart, one quadrant of four that are the
    same. ``a[..., 0, 0]`` is **negative**: a pixel that holds charge gets smaller.

    Parameters
    ----------
    a, a_error : ndarray, shape (amplifiers, lags, lags)
        1/e-: relative change of the area of a pixel for each electron held i columns and j rows away. The
        models of the variance alone know a_00 only; then ``lags`` is 1.
    b, b_error : ndarray, same shape
        1/e-: how a itself changes with the signal, ``a (1 + b M)`` to first order; NaN where not fitted.
    a_sum, a_sum_error : ndarray, shape (amplifiers,)
        Sum of a over all lags in four quadrants; zero where charge is conserved and lags reach far enough.
    """

    a: Array
    a_error: Array
    b: Array
    b_error: Array
    a_sum: Array
    a_sum_error: Array

    @property
    def a00(self) -> Array:
        """a_00, 1/e-, negative; shape (amplifiers,)."""
        return self.a[:, 0, 0]

    @property
    def a00_error(self) -> Array:
        """Its standard errors."""
        return self.a_error[:, 0, 0]
