"""The analog-to-digital converter: rounding, clipping, and what was too much for it."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.errors import ParameterError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags
from fullwell.frame import Frame
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
        if not 8 <= self.bits <= 24:
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

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Round half up, clip, and store as uint16 (int32 above 16 bits)."""
        # In float32 half a code is lost above 2^23.
        codes = np.clip(np.floor(signal.image.astype(np.float64) / self.step + 0.5), 0, 2**self.bits - 1)
        dtype = np.uint16 if self.bits + self.shift <= 16 else np.int32
        signal.image = (codes * self.step).astype(dtype)

    def flag(self, frame: Frame) -> FlagImage:
        """Flag raw values at the upper end of the converter as SATURATED."""
        limit = self.maximum if self.saturation is None else min(self.saturation, self.maximum)
        return np.where(frame.data >= limit, FLAG_DTYPE.type(Flags.SATURATED), FLAG_DTYPE.type(0))

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:
        """Count the noise of rounding, step^2/12, unless the read noise was measured on rounded frames."""
        read_noise = None if chain is None else chain.get("read_noise")
        if read_noise is None or getattr(read_noise, "digitized", False):
            return frame
        extra = np.float32(self.step**2 / 12)
        variance = np.full(frame.shape, extra) if frame.variance is None else frame.variance + extra
        return frame.with_(variance=variance)
