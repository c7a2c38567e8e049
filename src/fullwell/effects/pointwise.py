"""Pointwise steps that are no plain ``scale * x + offset``: a look-up in a table, and the Poisson term."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.effects.affine import Affine
from fullwell.errors import ParameterError
from fullwell.flags import FLAG_DTYPE
from fullwell.frame import Frame, Shared
from fullwell.kernels.combine import FLOOR
from fullwell.kernels.correct import Ramp

__all__ = ["Lookup", "Pointwise", "PoissonTerm"]


def _tables(values: Any) -> npt.NDArray[np.float64]:
    return np.atleast_2d(np.asarray(values, dtype=np.float64))


def _steps(values: Any) -> npt.NDArray[np.float64]:
    return np.atleast_1d(np.asarray(values, dtype=np.float64))


@attrs.frozen(eq=False)
class Lookup:
    """A step ``y = L(x)`` with a table on equal steps for each amplifier, linear between them.

    Noise is carried to first order: it is multiplied by the slope.

    Parameters
    ----------
    start : float
        First argument of the tables, in the unit of the data.
    step : float or array_like, shape (amplifiers,)
        The distance of the next.
    values : array_like, shape (arguments,) or (amplifiers, arguments)
        L at the arguments, finite; beyond the ends the first and the last piece go on.
    below : float, optional
        Slope below the first argument instead of that of the first piece.
    beyond : Flags or int, optional
        What to set at and beyond the last argument, where the value then stays.

    Raises
    ------
    ParameterError
        If a step is not above 0, or a table has fewer than two values or one that is not finite.
    """

    start: float
    step: npt.NDArray[np.float64] = attrs.field(converter=_steps)
    values: npt.NDArray[np.float64] = attrs.field(converter=_tables)
    below: float | None = attrs.field(default=None, kw_only=True)
    beyond: int | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not ((np.isfinite(self.step) & (self.step > 0)).all() and np.isfinite(self.start)):
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
        for name, given in (("tables", self.values), ("steps of tables", self.step)):
            if len(given) not in (1, amplifiers):
                raise ParameterError(name, len(given), f"1 or {amplifiers}")
        steps = np.broadcast_to(self.step, max(len(self.values), len(self.step)))
        rows = np.broadcast_to(self.values, (len(steps), self.values.shape[1]))
        tables = [
            Ramp(self.start, float(step), row, self.below, None if self.beyond is None else int(self.beyond))
            for step, row in zip(steps, rows, strict=True)
        ]
        return tables * amplifiers if len(tables) == 1 else tables

    def apply(self, frame: Frame) -> Frame:
        """Look all values of a frame up, in double precision."""
        detector = frame.detector or Detector.single(frame.shape)
        data = frame.data.astype(np.result_type(frame.data, np.float32))
        slope, flags = np.ones(frame.shape, data.dtype), frame.flags.copy()
        for amplifier, ramp in zip(detector.amplifiers, self.ramps(len(detector.amplifiers)), strict=True):
            part = (amplifier.box if frame.layout == "assembled" else amplifier.raw).slices
            data[part], slope[part], beyond = ramp.at(data[part].astype(np.float64))
            flags[part][beyond] |= FLAG_DTYPE.type(self.beyond or 0)
        shared = {key: Shared(s.coefficient * slope, s.variance) for key, s in frame.shared.items()}
        variance = None if frame.variance is None else frame.variance * (slope * slope)
        return frame.with_(data=data, variance=variance, flags=flags, shared=shared)


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
