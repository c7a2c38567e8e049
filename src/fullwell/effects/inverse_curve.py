"""A curve read backward, as a table with equal steps."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.effects.curves import Curve
from fullwell.errors import ParameterError

__all__ = ["InverseCurve", "inverse_of"]

Values = npt.NDArray[np.float64]
#: The error that is allowed: a millionth of the signal, and of small signals so many electrons.
RELATIVE, ABSOLUTE = 1e-6, 1e-4
#: With the finest table, kinks may cost more; read noise is a hundred times that.
_ABSOLUTE_AT_KINKS = 0.02
_FEWEST, _MOST = 2**12, 2**17  # steps


@attrs.frozen(eq=False)
class InverseCurve:
    """True signals at equal steps of what is read.

    Parameters
    ----------
    step : float
        Electrons read from one entry to the next; the first stands for 0.
    true : ndarray of float64
        True electrons of each entry.
    """

    step: float
    true: Values

    @property
    def end(self) -> float:
        """Greatest reading that the table knows."""
        return self.step * (self.true.size - 1)

    def at(self, read: npt.ArrayLike) -> tuple[Values, Values, npt.NDArray[np.bool_]]:
        """Look up true signals.

        Parameters
        ----------
        read : array_like
            Electrons; below 0 the slope is 1, NaN stays NaN.

        Returns
        -------
        true, slope : ndarray of float64
            True electrons and their derivative with respect to what was read. Beyond the end both stay as
            they are at the end.
        beyond : ndarray of bool
            Readings at or beyond the end.
        """
        y = np.asarray(read, np.float64)
        position = np.nan_to_num(y) / self.step
        index = np.clip(position, 0, self.true.size - 2).astype(np.intp)
        rise = np.diff(self.true)[index]
        value = self.true[index] + rise * np.clip(position - index, 0.0, 1.0)
        value = np.where(y < 0, y, value)
        value = np.where(np.isnan(y), np.nan, value)
        return value, np.where(y < 0, 1.0, rise / self.step), y >= self.end


def inverse_of(curve: Curve) -> InverseCurve:
    """Invert a curve up to its limit.

    Returns
    -------
    InverseCurve
        So fine that between the entries it errs by less than a millionth, or 1e-4 electrons where that is
        more.

    Raises
    ------
    ParameterError
        If the curve has a kink too sharp for that.
    """
    grid = np.linspace(0.0, curve.limit, 2**14 + 1)
    bent = curve(grid)
    slopes = np.gradient(bent, grid)
    end = float(bent[-1])
    kinks = np.asarray(curve.kinks)
    steps = _FEWEST
    while True:
        read = np.linspace(0.0, end, 2 * steps + 1)
        true = _solved(curve, read, grid, bent, slopes)
        between = np.abs(0.5 * (true[:-2:2] + true[2::2]) - true[1::2])
        at_kinks = np.abs(np.interp(curve(kinks), read[::2], true[::2]) - kinks)
        error = np.concatenate([between, at_kinks])
        signal = np.concatenate([true[1::2], kinks])
        if (error <= np.maximum(RELATIVE * signal, ABSOLUTE)).all():
            break
        if steps >= _MOST:
            if (error > np.maximum(RELATIVE * signal, _ABSOLUTE_AT_KINKS)).any():
                raise ParameterError(
                    type(curve).__name__,
                    float(error.max()),
                    "without kinks that cost more than 0.02 electrons",
                )
            break
        steps *= 2
    return InverseCurve(end / steps, np.ascontiguousarray(true[::2]))


def _solved(curve: Curve, read: Values, grid: Values, bent: Values, slopes: Values) -> Values:
    """Solve ``curve(x) = read``: by interpolation, made better with the slope of the place."""
    true = np.interp(read, bent, grid)
    slope = np.interp(true, grid, slopes)
    for _ in range(8):
        true = np.clip(true - (curve(true) - read) / slope, 0.0, curve.limit)
    return true
