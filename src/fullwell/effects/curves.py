"""Forms of non-linearity: what is read for each true signal, both in electrons.

A curve gives ``y = y(x)`` for true signals x from 0 to its `limit`. Below 0 it goes on with slope 1, so that
noise about zero is left alone. Above the limit a formula goes on with the slope it has there; a table, which
knows nothing of it, stays at its last entry: what was tabulated up to its end saturates there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.errors import ParameterError
from fullwell.quantities import quantity, several

__all__ = ["Composed", "Curve", "Polynomial", "Spline", "Table", "akima"]

Values = npt.NDArray[np.float64]
_GRID = 4097  # points at which a curve must rise


def _coefficients(value: Any) -> Any:
    return several(value, "coefficients")


def _knots(value: Any) -> Any:
    return several(value, "knots", u.electron)


def _offsets(value: Any) -> Any:
    return several(value, "offsets", u.electron)


def _true(value: Any) -> Any:
    return several(value, "true", u.electron)


def _read(value: Any) -> Any:
    return several(value, "read", u.electron)


class Curve(ABC):
    """One form of non-linearity; `bent` is all that a new one needs, besides its `limit`."""

    #: End of the range that is known, in true electrons.
    limit: float

    @abstractmethod
    def bent(self, true: Values) -> Values:
        """Return what is read for signals between 0 and the limit."""

    @property
    def kinks(self) -> Values:
        """True signals at which the slope jumps; none, but in tables."""
        return np.empty(0)

    @property
    def goes_on(self) -> bool:
        """Whether the curve rises above its limit; it does, but for tables."""
        return True

    def __call__(self, true: npt.ArrayLike) -> Values:
        """Return what is read for any signal, in electrons; NaN stays NaN."""
        x = np.asarray(true, np.float64)
        end = np.array([self.limit * (1 - 1e-6), self.limit])
        low, high = self.bent(end)
        slope = (high - low) / (end[1] - end[0]) if self.goes_on else 0.0
        inside = self.bent(np.clip(np.nan_to_num(x), 0.0, self.limit))
        return np.asarray(inside + np.minimum(x, 0.0) + slope * np.maximum(x - self.limit, 0.0))

    def _check(self) -> None:
        """Refuse a curve that does not rise from 0 to its limit."""
        name = type(self).__name__
        if not (np.isfinite(self.limit) and self.limit > 0):
            raise ParameterError(f"limit of {name}", self.limit, "finite and above 0 electrons")
        x = np.linspace(0.0, self.limit, _GRID)
        y = self.bent(x)
        if not np.isfinite(y).all():
            raise ParameterError(name, self, "finite up to its limit")
        if abs(y[0]) > 1e-6:
            raise ParameterError(f"{name} at 0", float(y[0]), "0: without signal nothing is bent")
        falls = np.diff(y) <= 0
        if falls.any():
            where = float(x[int(np.flatnonzero(falls)[0])])
            raise ParameterError(
                name, f"falling at {where:.6g} electrons", f"rising up to its limit of {self.limit:g}"
            )


@attrs.frozen(eq=False)
class Polynomial(Curve):
    """``y = x + c_0 x^2 + c_1 x^3 + ...``; with one coefficient the squared form. Its slope at 0 is 1.

    Parameters
    ----------
    coefficients : sequence of float
        ``c_i`` in 1/electron^(i + 1); at least one.
    limit : float
        End of the range, true electrons.

    Raises
    ------
    ParameterError
        If it does not rise up to the limit.
    """

    coefficients: tuple[float, ...] = attrs.field(converter=_coefficients)
    limit: float = attrs.field(kw_only=True, **quantity(u.electron, above=0, most=1e12))

    def __attrs_post_init__(self) -> None:
        self._check()

    def bent(self, true: Values) -> Values:
        """Return what is read for signals between 0 and the limit."""
        # In units of the limit powers keep their size.
        part = true / self.limit
        scaled = [c * self.limit ** (i + 2) for i, c in enumerate(self.coefficients)]
        return np.asarray(self.limit * part + np.polynomial.polynomial.polyval(part, [0.0, 0.0, *scaled]))


def _check_knots(name: str, knots: tuple[float, ...], values: tuple[float, ...], least: int) -> None:
    if len(knots) != len(values) or len(knots) < least:
        raise ParameterError(name, (len(knots), len(values)), f"as many values as knots, {least} or more")
    if knots[0] != 0 or not (np.isfinite(knots).all() and (np.diff(knots) > 0).all()):
        raise ParameterError(name, knots, "knots that begin with 0 and rise")
    if not np.isfinite(values).all():
        raise ParameterError(name, values, "finite values")


def akima(knots: npt.ArrayLike, offsets: npt.ArrayLike) -> Any:
    """Return the Akima spline through knots that begin with 0, level at 0: two more, of 0, lie below."""
    from scipy.interpolate import Akima1DInterpolator

    x = np.asarray(knots, np.float64)
    below = np.array([-2.0, -1.0]) * x[1]
    values = np.concatenate([[0.0, 0.0], np.asarray(offsets, np.float64)])
    return Akima1DInterpolator(np.concatenate([below, x]), values, extrapolate=True)


@attrs.frozen(eq=False)
class Spline(Curve):
    """``y = x - S(x)`` with an Akima spline S that is level at 0 and does not overshoot between knots.

    Parameters
    ----------
    knots : sequence of float
        True electrons, from 0; at least 3. The last is the limit.
    offsets : sequence of float
        S at the knots, electrons; 0 at 0.

    References
    ----------
    Akima 1970, J. ACM 17, 589.

    Raises
    ------
    ParameterError
        If the knots do not rise from 0 or the curve does not.
    """

    knots: tuple[float, ...] = attrs.field(converter=_knots)
    offsets: tuple[float, ...] = attrs.field(converter=_offsets)

    def __attrs_post_init__(self) -> None:
        _check_knots("knots of Spline", self.knots, self.offsets, 3)
        self._check()

    @property
    def limit(self) -> float:  # type: ignore[override]  # an attribute elsewhere
        """The last knot."""
        return self.knots[-1]

    def bent(self, true: Values) -> Values:
        """Return what is read for signals between 0 and the limit."""
        return np.asarray(true - akima(self.knots, self.offsets)(true))


@attrs.frozen(eq=False)
class Table(Curve):
    """A look-up table; between its entries y is a straight line, and flat behind the last.

    Parameters
    ----------
    true : sequence of float
        True electrons, from 0; the last is the limit.
    read : sequence of float
        What is read for each, electrons.

    Raises
    ------
    ParameterError
        If the entries do not rise from 0.
    """

    true: tuple[float, ...] = attrs.field(converter=_true)
    read: tuple[float, ...] = attrs.field(converter=_read)

    def __attrs_post_init__(self) -> None:
        _check_knots("entries of Table", self.true, self.read, 2)
        self._check()

    @property
    def limit(self) -> float:  # type: ignore[override]
        """The last entry."""
        return self.true[-1]

    @property
    def kinks(self) -> Values:
        """The entries."""
        return np.asarray(self.true[1:-1])

    @property
    def goes_on(self) -> bool:
        """No: nothing is known behind the last entry."""
        return False

    def bent(self, true: Values) -> Values:
        """Return what is read for signals between 0 and the limit."""
        return np.interp(true, self.true, self.read)


@attrs.frozen(eq=False)
class Composed(Curve):
    """One curve behind the other, ``y = second(first(x))``; of two splines it is the double spline.

    Parameters
    ----------
    first, second : Curve
        The range ends where the first of them ends.
    """

    first: Curve
    second: Curve

    def __attrs_post_init__(self) -> None:
        for name in ("first", "second"):
            if not isinstance(getattr(self, name), Curve):
                raise ParameterError(name, getattr(self, name), "a Curve")
        self._check()

    @property
    def limit(self) -> float:  # type: ignore[override]
        """True electrons at which the one or the other ends."""
        if float(self.first(self.first.limit)) <= self.second.limit:
            return self.first.limit
        low, high = 0.0, self.first.limit
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if float(self.first(middle)) < self.second.limit else (low, middle)
        return low

    @property
    def kinks(self) -> Values:
        """Kinks of the first; those of the second are where the first reads them."""
        grid = np.linspace(0.0, self.limit, _GRID)
        later = np.interp(self.second.kinks, self.first(grid), grid)
        found = np.concatenate([self.first.kinks, later])
        return np.asarray(found[found < self.limit])

    @property
    def goes_on(self) -> bool:
        """Whether both curves do."""
        return self.first.goes_on and self.second.goes_on

    def bent(self, true: Values) -> Values:
        """Return what is read for signals between 0 and the limit."""
        return self.second(self.first(true))
