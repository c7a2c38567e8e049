"""Pointwise steps that are no plain ``scale * x + offset``: a look-up in a table, and the Poisson term."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.effects.affine import Affine
from fullwell.errors import ParameterError
from fullwell.frame import Frame, Shared
from fullwell.kernels.combine import FLOOR
from fullwell.kernels.correct import Ramp

__all__ = ["Lookup", "Pointwise", "PoissonTerm"]


def _tables(values: Any) -> npt.NDArray[np.float32]:
    return np.atleast_2d(np.asarray(values, dtype=np.float32))


@attrs.frozen(eq=False)
class Lookup:
    """A step ``y = L(x)`` with a table on equal steps for each amplifier, linear between them.

    Noise is carried to first order: it is multiplied by the slope.

    Parameters
    ----------
    start, step : float
        First argument of the tables, and the distance of the next, in the unit of the data.
    values : array_like, shape (arguments,) or (amplifiers, arguments)
        L at the arguments, finite; beyond the ends the first and the last piece go on.

    Raises
    ------
    ParameterError
        If the step is not above 0, or a table has fewer than two values or one that is not finite.
    """

    start: float
    step: float
    values: npt.NDArray[np.float32] = attrs.field(converter=_tables)

    def __attrs_post_init__(self) -> None:
        if not (np.isfinite(self.step) and self.step > 0 and np.isfinite(self.start)):
            raise ParameterError("step of a table", self.step, "above 0, from a finite start")
        if self.values.ndim != 2 or self.values.shape[1] < 2 or not np.isfinite(self.values).all():
            raise ParameterError("table", self.values.shape, "two or more finite values an amplifier")

    def ramps(self, amplifiers: int) -> list[Ramp]:
        """Return the table of each amplifier.

        Raises
        ------
        ParameterError
            If there is neither one table nor one for each.
        """
        if len(self.values) not in (1, amplifiers):
            raise ParameterError("tables", len(self.values), f"1 or {amplifiers}")
        tables = [Ramp(self.start, self.step, row) for row in self.values]
        return tables * amplifiers if len(tables) == 1 else tables

    def apply(self, frame: Frame) -> Frame:
        """Look all values of an assembled frame up."""
        detector = frame.detector or Detector.single(frame.shape)
        data, slope = (
            frame.data.astype(np.result_type(frame.data, np.float32)),
            np.ones(frame.shape, np.float32),
        )
        for amplifier, ramp in zip(detector.amplifiers, self.ramps(len(detector.amplifiers)), strict=True):
            part = amplifier.box.slices
            data[part], slope[part] = ramp.at(data[part])
        shared = {key: Shared(s.coefficient * slope, s.variance) for key, s in frame.shared.items()}
        variance = None if frame.variance is None else frame.variance * (slope * slope)
        return frame.with_(data=data, variance=variance, shared=shared)


@attrs.frozen(eq=False)
class PoissonTerm:
    """The step that counts shot noise: electrons, as they are here, are added to the variance.

    It is not clipped at zero; only the sum with the variance that is there without signal is kept above a
    tenth of the latter.
    """

    def apply(self, frame: Frame) -> Frame:
        """Add the data to the variance; the card NVARFLR counts the pixels that were floored."""
        quiet = np.zeros(frame.shape, np.float32) if frame.variance is None else frame.variance
        total = quiet + frame.data
        floor = FLOOR * quiet
        floored = int((total < floor).sum())
        header = frame.header
        if floored:
            header = header.copy()
            header["NVARFLR"] = (floored, "pixels whose variance was floored")
        return frame.with_(variance=np.maximum(total, floor), header=header)


Pointwise = Affine | Lookup | PoissonTerm
