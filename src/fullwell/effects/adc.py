"""The analog-to-digital converter: rounding, clipping, and what was too much for it."""

from __future__ import annotations

import zlib
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
from fullwell.quantities import quantity, seeds

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
    saturation : Quantity, float or None
        ADU, no more than the last code; values at or above it count as saturated even though the converter
        could tell them apart.
    dither : int or None
        When a frame is corrected, an even number between half a step down and half a step up is added to
        each of its codes, so that they are no multiples of a step any more. This is the seed of these
        numbers, 0 to 2**64 - 1; each frame gets others, always the same. None adds nothing.

    Notes
    -----
    Dither costs step^2/12 of variance beside that of rounding, and makes medians and clipped means of few
    codes even (Widrow & Kollar 2008, chapter 19).
    """

    name: ClassVar[str] = "adc"
    stage: ClassVar[Stage] = Stage.ADC
    kind: ClassVar[Kind] = Kind.NOISE_ONLY
    bits: int = attrs.field(default=16, **quantity(least=8, most=24, whole=True))
    shift: int = attrs.field(default=0, **quantity(least=0, most=16, whole=True))
    saturation: float | None = attrs.field(default=None, **quantity(u.adu, above=0, optional=True))
    dither: int | None = attrs.field(default=None, **seeds(optional=True))

    def __attrs_post_init__(self) -> None:
        if self.shift > 31 - self.bits:
            raise ParameterError("shift", self.shift, f"0 to {31 - self.bits} with {self.bits} bits")
        if self.saturation is not None and self.saturation > self.maximum:
            raise ParameterError(
                "saturation", self.saturation, f"at most {self.maximum} ADU, the last code, or None"
            )

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
        return self.maximum if self.saturation is None else self.saturation

    def flag(self, frame: Frame) -> FlagImage:
        """Flag raw values at the upper end as SATURATED, and those at the lower one as SUSPECT."""
        flags = np.where(frame.data >= self.limit, FLAG_DTYPE.type(Flags.SATURATED), FLAG_DTYPE.type(0))
        low = self.clipped_low(frame)
        return flags if low is None else flags | low

    def clipped_low(self, frame: Frame) -> FlagImage | None:
        """Flag codes of 0, which stand for anything below as well, as SUSPECT; None if there are none.

        Only codes tell: whole numbers, none of them negative.
        """
        data = frame.data
        if data.dtype.kind not in "iu" or not data.size or data.min() != 0:
            return None
        return np.where(data == 0, FLAG_DTYPE.type(Flags.SUSPECT), FLAG_DTYPE.type(0))

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine | None:  # noqa: ARG002
        """Count the noise of rounding, step^2/12, unless the read noise was measured on rounded frames."""
        return self._counted(chain) if self.dither is None else None

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:
        """Dither, and count the noise of that and of rounding."""
        frame = self._counted(chain).apply(frame)
        if self.dither is None:
            return frame
        number = zlib.crc32(np.ascontiguousarray(frame.data).tobytes())
        even = Noise(self.dither, number).stream("adc_dither").uniform(frame.shape) - 0.5
        return frame.with_(data=(frame.data + self.step * even).astype(frame.data.dtype))

    def _counted(self, chain: Chain | None) -> Affine:
        """Return the step that states what is not among the read noise; nothing where no noise is stated."""
        read_noise = None if chain is None else chain.get("read_noise")
        if read_noise is None:
            return Affine()
        times = (not getattr(read_noise, "digitized", False)) + (self.dither is not None)
        return Affine(variance=np.float32(times * self.step**2 / 12)) if times else Affine()
