"""A bias level that does not keep still: along a row, from row to row, with time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector.read_order import in_read_order
from fullwell.effects.base import Effect, Kind, Signal, Stage
from fullwell.noise import Noise
from fullwell.quantities import quantity

__all__ = ["BiasWander"]


@attrs.frozen(eq=False)
class BiasWander(Effect):
    """What the bias does within a frame and between frames, in ADU; an overscan sees it too.

    Parameters
    ----------
    ramp : Quantity or float
        Height at the start of a row, which the amplifier forgets along it.
    ramp_length : Quantity or float
        Pixels in which the ramp falls to 1/e.
    droop : Quantity or float
        By how much the level of the last row is above that of the first one.
    jump : Quantity or float
        Standard deviation of sudden steps of the level.
    jump_rate : float
        Mean number of steps in a frame, for each amplifier.
    drift : Quantity or float
        ADU an hour; the hour of the exposure is ``state['bias_wander']['hour']``, 0 if it is not given.

    Raises
    ------
    ParameterError
        If a value is impossible.

    Notes
    -----
    It is corrected by `Overscan` (row by row what is the same along a row) and, where it repeats, by `Bias`.
    """

    name: ClassVar[str] = "bias_wander"
    stage: ClassVar[Stage] = Stage.BIAS_WANDER
    kind: ClassVar[Kind] = Kind.POINTWISE
    settable: ClassVar[Mapping[str, type[float] | type[str]]] = {"hour": float}
    ramp: float = attrs.field(default=0.0, **quantity(u.adu))
    ramp_length: float = attrs.field(default=30.0, **quantity(u.pix, above=0))
    droop: float = attrs.field(default=0.0, **quantity(u.adu))
    jump: float = attrs.field(default=0.0, **quantity(u.adu, least=0))
    jump_rate: float = attrs.field(default=0.0, **quantity(least=0, below=1e4))
    drift: float = attrs.field(default=0.0, **quantity(u.adu / u.h))

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add it to all pixels that are read; the steps of each amplifier go to ``signal.truth``."""
        signal.to_raw()
        stream = noise.stream(self.name)
        hour = float(signal.state.get(self.name, {}).get("hour", 0.0))
        image = signal.image.astype(np.float32, copy=True)
        steps = []
        for k, view in enumerate(in_read_order(image, signal.detector, layout="raw")):
            rows, columns = view.shape
            level = np.full(rows, self.drift * hour) + self.droop * np.arange(rows) / max(rows - 1, 1)
            count = int(stream.poisson(np.array([self.jump_rate]), draw=4 * k)[0])
            where = np.sort((stream.uniform(max(count, 1), draw=4 * k + 1)[:count] * rows).astype(int))
            sizes = self.jump * stream.normal(max(count, 1), draw=4 * k + 2)[:count]
            for row, size in zip(where, sizes, strict=True):
                level[row:] += size
            steps.append(list(zip(where.tolist(), sizes.tolist(), strict=True)))
            view += (level[:, None] + self.ramp * np.exp(-np.arange(columns) / self.ramp_length)).astype(
                np.float32
            )
        signal.image = image
        signal.truth[self.name] = steps
