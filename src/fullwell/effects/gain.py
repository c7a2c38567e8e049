"""Electrons per ADU."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects.affine import Affine
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage, per_amplifier
from fullwell.errors import ChainError
from fullwell.frame import Frame
from fullwell.noise import Noise

__all__ = ["Gain"]


def _values(value: Any) -> tuple[float, ...]:
    return per_amplifier(u.electron / u.adu)(value)


@attrs.frozen(eq=False)
class Gain(Effect):
    """Conversion between electrons and ADU.

    Parameters
    ----------
    values : Quantity, float or sequence
        e-/ADU for all amplifiers or one for each.
    errors : tuple of float
        Standard errors, where it was measured.
    source : str
        Where it comes from, such as ``'EGAIN'`` or ``'flat pairs'``.
    """

    name: ClassVar[str] = "gain"
    stage: ClassVar[Stage] = Stage.GAIN
    kind: ClassVar[Kind] = Kind.POINTWISE
    values: tuple[float, ...] = attrs.field(converter=_values)
    errors: tuple[float, ...] = ()
    source: str = ""

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Divide electrons by the gain."""
        signal.image = signal.image / signal.detector.spread(self.values, layout=signal.layout, fill=1.0)
        signal.unit = u.adu

    def image(self, detector: Detector) -> Any:
        """Gain of each assembled pixel: a float32 scalar where all amplifiers agree."""
        return detector.spread(self.values, fill=1.0)

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Multiply by the gain.

        Raises
        ------
        ChainError
            If the data are not in ADU.
        """
        if unit != u.adu:
            raise ChainError(f"the gain turns ADU into electrons, but the frame is in {unit}")
        return Affine(scale=self.image(frame.detector or Detector.single(frame.shape)), unit=u.electron)
