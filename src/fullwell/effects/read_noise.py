"""Noise of the output amplifier."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage, per_amplifier
from fullwell.errors import ChainError
from fullwell.frame import Frame
from fullwell.noise import Noise

__all__ = ["ReadNoise"]


def _values(value: Any) -> tuple[float, ...]:
    # In ADU they come with unit=adu, as plain numbers.
    return per_amplifier(u.electron, positive=False)(value)


@attrs.frozen(eq=False)
class ReadNoise(Effect):
    """White, Gaussian noise added to every pixel that is read, prescan and overscan included.

    Parameters
    ----------
    values : Quantity, float or sequence
        Standard deviation for all amplifiers or one for each; e- unless `unit` says ADU.
    unit : astropy unit
        Electron, or ADU where the gain is not known.
    digitized : bool
        Whether it was measured on digitized frames, so that it already holds the noise of rounding.
    errors : tuple of float
        Standard errors of `values`, where it was measured.
    """

    name: ClassVar[str] = "read_noise"
    stage: ClassVar[Stage] = Stage.READ_NOISE
    kind: ClassVar[Kind] = Kind.NOISE_ONLY
    values: tuple[float, ...] = attrs.field(converter=_values)
    unit: u.UnitBase = u.electron
    digitized: bool = False
    errors: tuple[float, ...] = ()

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add normal noise."""
        if self.unit != u.electron:
            raise ChainError("read noise in ADU cannot be simulated; give it in electrons, with a gain")
        sigma = signal.detector.spread(self.values, layout=signal.layout)
        signal.image = signal.image + sigma * noise.stream(self.name).normal(signal.image.shape)

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Add its variance.

        Raises
        ------
        ChainError
            If the frame is not in the unit of the noise.
        """
        if frame.unit != self.unit:
            raise ChainError(
                f"read noise in {self.unit} does not fit a frame in {frame.unit}; is the gain missing?"
            )
        detector = frame.detector or Detector.single(frame.shape)
        sigma = detector.spread(self.values)
        extra = np.broadcast_to((sigma * sigma).astype(np.float32), frame.shape)
        return frame.with_(variance=extra.copy() if frame.variance is None else frame.variance + extra)
