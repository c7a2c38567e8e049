"""Which forms of non-linearity are fitted, and how parameters of order one make them."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.effects.curves import Curve, Polynomial, Spline, akima
from fullwell.errors import ParameterError

__all__ = ["CurveShape", "Form", "check_form"]

Form = Literal["polynomial", "spline"]
Table = npt.NDArray[np.float64]


def check_form(form: str, size: int) -> None:
    """Refuse an unknown form, or one of too few parameters.

    Raises
    ------
    ParameterError
    """
    if form not in ("polynomial", "spline"):
        raise ParameterError("form", form, "'polynomial' or 'spline'")
    least = 1 if form == "polynomial" else 3
    if size < least:
        raise ParameterError("size", size, f"{least} or more for a {form}")


@attrs.frozen(eq=False)
class CurveShape:
    """How the parameters of one amplifier make a curve: all but the first are its coefficients.

    Parameters
    ----------
    form : str
    size : int
    slope : float
        Electrons per unit of light; the first parameter is the relative change of it.
    limit : float
        True electrons.
    """

    form: Form
    size: int
    slope: float
    limit: float

    @property
    def count(self) -> int:
        """How many parameters there are."""
        return 1 + (self.size if self.form == "polynomial" else self.size - 1)

    @property
    def scales(self) -> Table:
        """What a parameter of 1 means in the units of the curve."""
        if self.form == "polynomial":
            return self.limit ** -np.arange(1.0, self.size + 1.0)
        return np.full(self.size - 1, self.limit)

    @property
    def knots(self) -> Table:
        """Knots of a spline, true electrons."""
        return np.linspace(0.0, self.limit, self.size + 1)

    def offsets(self, parameters: Table) -> Table:
        """Return the offsets of a spline, electrons."""
        return np.concatenate([[0.0, 0.0], parameters[1:] * self.scales])

    def curve(self, parameters: Table) -> Curve:
        """Return the curve, or refuse one that does not rise."""
        if self.form == "polynomial":
            return Polynomial(parameters[1:] * self.scales, limit=self.limit)
        return Spline(self.knots, self.offsets(parameters))

    def around(self, parameters: Table, end: float) -> CurveShape:
        """Return the shape of the slope that was found, with the limit at the light `end`."""
        slope = self.slope * (1.0 + float(parameters[0]))
        return attrs.evolve(self, slope=slope, limit=slope * end)

    def read(self, parameters: Table, light: Table) -> Table:
        """Return what the curve reads; unchecked, since between steps of a fit it need not rise."""
        part = (1.0 + parameters[0]) * self.slope / self.limit * light
        if self.form == "polynomial":
            powers = np.concatenate([[0.0, 1.0], parameters[1:]])
            return np.asarray(self.limit * np.polynomial.polynomial.polyval(part, powers))
        spline = akima(self.knots, self.offsets(parameters))
        return np.asarray(self.limit * part - spline(self.limit * part))
