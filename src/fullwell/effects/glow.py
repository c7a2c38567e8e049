"""Light of the output amplifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects.affine import Affine
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import checked_image, fits
from fullwell.errors import ChainError
from fullwell.frame import Frame
from fullwell.kernels.simulate import Op, Step
from fullwell.noise import Noise
from fullwell.quantities import number

__all__ = ["Glow"]


def _rate(value: Any) -> Any:
    return checked_image("rate", value, u.electron / u.s, least=0.0)


@attrs.frozen(eq=False)
class Glow(Effect):
    """Electrons that a warm amplifier's light makes in the pixels around it, dark or not.

    Parameters
    ----------
    rate : Quantity or ndarray, shape (rows, columns)
        e-/s while the detector collects.
    """

    name: ClassVar[str] = "glow"
    stage: ClassVar[Stage] = Stage.GLOW
    kind: ClassVar[Kind] = Kind.POINTWISE
    rate: npt.NDArray[np.float32] = attrs.field(converter=_rate)

    @classmethod
    def at_amplifiers(
        cls, detector: Detector, *, rate: u.Quantity | float, radius: u.Quantity | float = 50.0
    ) -> Self:
        """Let every amplifier shine from the corner where it reads.

        Parameters
        ----------
        detector : Detector
        rate : Quantity or float
            e-/s of the pixel in the corner.
        radius : Quantity or float
            Pixels in which it falls to 1/e.

        Raises
        ------
        ParameterError
            If a value is impossible.
        """
        radius = number(radius, "radius", u.pix, above=0)
        strength = number(rate, "rate", u.electron / u.s, least=0)
        image = np.zeros(detector.shape)
        rows, columns = np.arange(detector.shape[0])[:, None], np.arange(detector.shape[1])
        for amplifier in detector.amplifiers:
            right, top = amplifier.read_out_corner
            box = amplifier.box
            y, x = (box.y1 - 1 if top else box.y0), (box.x1 - 1 if right else box.x0)
            image += np.exp(-np.hypot(rows - y, columns - x) / radius)
        return cls(strength * image)

    def steps(self, signal: Signal, *, noise: Noise) -> Sequence[Step]:
        """Add a Poisson number of electrons."""
        key = noise.stream(self.name).key()
        return [Step(Op.ADD_COUNT, self.rate, scale=float(np.float32(signal.dark_time)), stream=key)]

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Subtract what is expected; its shot noise was counted with that of all electrons.

        Raises
        ------
        ChainError
            If the frame is not in electrons, has no dark time, or shapes differ.
        """
        if unit != u.electron or frame.dark_time is None:
            raise ChainError("glow is subtracted in electrons from frames with a dark time")
        fits(self.name, self.rate, frame.shape)
        return Affine(offset=-self.rate * np.float32(frame.dark_time))
