"""Electrons per ADU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import attrs
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects.affine import Affine
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.flat_pairs import known_everywhere, transfer_of
from fullwell.errors import ChainError
from fullwell.frame import Frame, FrameSet
from fullwell.kernels.simulate import Op, Step
from fullwell.noise import Noise
from fullwell.quantities import several

__all__ = ["Gain"]


def _values(value: Any) -> Any:
    return several(value, "values", u.electron / u.adu, above=0)


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

    def steps(self, signal: Signal, *, noise: Noise) -> Sequence[Step]:  # noqa: ARG002
        """Divide electrons by the gain."""
        signal.unit = u.adu
        return [Step(Op.DIVIDE, signal.of_amplifiers(self.values, fill=1.0))]

    @classmethod
    def measure(cls, frames: FrameSet, *, known: Chain | None = None, model: str = "full") -> Self:
        """Measure it from pairs of flats of many levels, by photon transfer.

        Parameters
        ----------
        frames : FrameSet
            Flats, two or more of each exposure time; biases among them settle the read noise.
        known : Chain, optional
            Takes out bias or overscan and nothing later; without it the frames have to be without bias.
        model : str
            See `fullwell.PhotonTransfer.fit`; that gives read noise, brighter-fatter and full well as well.

        Raises
        ------
        FrameError
            If an amplifier cannot be fitted.
        """
        transfer = transfer_of(frames, known=known, model=model)
        gain = known_everywhere(transfer.gain, transfer, "gain")
        return cls(tuple(gain.value), errors=tuple(gain.error), source=f"photon transfer, {model} model")

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
