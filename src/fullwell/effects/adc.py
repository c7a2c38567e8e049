"""The analog-to-digital converter: rounding, clipping, and what was too much for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.effects.affine import Affine
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.errors import ParameterError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags
from fullwell.frame import Frame
from fullwell.kernels.simulate import Op, Step
from fullwell.noise import Noise

__all__ = ["ADC"]


@attrs.frozen(eq=False)
class ADC(Effect):
    """Analog-to-digital conversion.

    Parameters
    ----------
    bits : int
        8 to 24; codes run from 0 to ``2**bits - 1``.
    shift : int
        Bits by which the codes are shifted left in the file (12-bit data in 16 bits: 4); with `bits` at most
        31 together.
    saturation : float or None
        ADU; values at or above it count as saturated even though the converter could tell them apart.
    """

    name: ClassVar[str] = "adc"
    stage: ClassVar[Stage] = Stage.ADC
    kind: ClassVar[Kind] = Kind.NOISE_ONLY
    bits: int = 16
    shift: int = 0
    saturation: float | None = None

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.bits, int) or not 8 <= self.bits <= 24:
            raise ParameterError("bits", self.bits, "8 to 24")
        if not 0 <= self.shift <= min(16, 31 - self.bits):
            raise ParameterError("shift", self.shift, f"0 to {min(16, 31 - self.bits)} with {self.bits} bits")
        if self.saturation is not None and not self.saturation > 0:
            raise ParameterError("saturation", self.saturation, "above 0 ADU, or None")

    @property
    def maximum(self) -> int:
        """Highest value a file can hold."""
        return ((1 << self.bits) - 1) << self.shift

    @property
    def step(self) -> int:
        """Difference of neighboring codes, in ADU of the file."""
        return 1 << self.shift

    def steps(self, signal: Signal, *, noise: Noise) -> Sequence[Step]:  # noqa: ARG002
        """Round half up, clip, and store as uint16 (int32 above 16 bits)."""
        return [Step(Op.DIGITIZE, code=(2**self.bits - 1, self.step))]

    @property
    def limit(self) -> float:
        """ADU at and above which values are saturated."""
        return self.maximum if self.saturation is None else min(self.saturation, self.maximum)

    def flag(self, frame: Frame) -> FlagImage:
        """Flag raw values at the upper end of the converter as SATURATED."""
        return np.where(frame.data >= self.limit, FLAG_DTYPE.type(Flags.SATURATED), FLAG_DTYPE.type(0))

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Count the noise of rounding, step^2/12, unless the read noise was measured on rounded frames."""
        read_noise = None if chain is None else chain.get("read_noise")
        if read_noise is None or getattr(read_noise, "digitized", False):
            return Affine()
        return Affine(variance=np.float32(self.step**2 / 12))
