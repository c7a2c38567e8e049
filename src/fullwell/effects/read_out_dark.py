"""Dark current that charge collects on its way to the register."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order
from fullwell.effects.affine import Affine
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import checked_image
from fullwell.effects.dark import Dark
from fullwell.effects.dark_law import DarkLaw, scaling, scaling_key
from fullwell.effects.silicon import kelvin
from fullwell.errors import ChainError, ParameterError
from fullwell.frame import Frame
from fullwell.noise import Noise
from fullwell.quantities import quantity

__all__ = ["ReadOutDark"]


def _rate(value: Any) -> Any:
    return checked_image("rate", value, u.electron / u.s, least=0.0)


@attrs.frozen(eq=False)
class ReadOutDark(Effect):
    """A packet that is shifted along its column collects the dark current of every site that it passes.

    Parameters
    ----------
    rate : Quantity or ndarray, shape (rows, columns)
        Dark current of the sites, e-/s; that of the `Dark`.
    row_time : Quantity or float
        Seconds in which a row is read.
    temperature : Quantity, float or None
        Kelvin for which the rate holds; for any where it is not known.
    law : DarkLaw or None
        How the sites follow temperature, as for `Dark`.

    Notes
    -----
    It is there in biases too, and grows with the distance from the register: sum of the rates below times the
    row time. A hot pixel therefore leaves a trail in all rows that are read after it.
    """

    name: ClassVar[str] = "read_out_dark"
    stage: ClassVar[Stage] = Stage.READ_OUT_DARK
    kind: ClassVar[Kind] = Kind.POINTWISE
    rate: npt.NDArray[np.float32] = attrs.field(converter=_rate)
    row_time: float = attrs.field(default=1e-3, **quantity(u.s, least=0))
    temperature: float | None = attrs.field(default=None, converter=attrs.converters.optional(kelvin))
    law: DarkLaw | None = None

    def __attrs_post_init__(self) -> None:
        if self.law is not None:
            self.law.check_within(self.rate.shape)

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add a Poisson number of electrons, to the parallel overscan too, whose rows pass all sites."""
        signal.to_raw()
        expected = self.expected(signal.detector, layout="raw", temperature=signal.temperature)
        signal.image = signal.image + noise.stream(self.name).poisson(expected)

    @classmethod
    def of(cls, dark: Dark, *, row_time: u.Quantity | float) -> Self:
        """Return the effect of the sites of a dark, with its law of temperature.

        Raises
        ------
        ParameterError
            If the dark has one rate for all pixels, or is not in electrons.
        """
        if np.ndim(dark.rate) != 2 or dark.unit != u.electron:
            raise ParameterError("dark", f"a rate of {dark.unit}/s", "an image of rates in e-/s")
        return cls(np.maximum(dark.rate, 0), row_time, temperature=dark.temperature, law=dark.law)

    def expected(
        self, detector: Detector, *, layout: str, temperature: float | None = None
    ) -> npt.NDArray[np.float32]:
        """Return the mean number of electrons that each packet collects.

        Parameters
        ----------
        detector : Detector
        layout : {'raw', 'assembled'}
        temperature : float, optional
            Kelvin; that of the rate if not given.

        Raises
        ------
        ChainError
            If the temperature is another one and no law is known.
        """
        scaled = scaling(self.name, self.law, self.temperature, temperature, self.rate.shape)
        sites = self.rate if scaled is None else np.maximum(scaled.of(self.rate), 0)
        assembled = np.zeros(detector.shape)
        rates = in_read_order(sites.astype(np.float64), detector, layout="assembled")
        for view, rate in zip(in_read_order(assembled, detector, layout="assembled"), rates, strict=True):
            view[1:] = self.row_time * np.cumsum(rate, axis=0)[:-1]
        if layout == "assembled":
            return assembled.astype(np.float32)
        raw = detector.disassemble(assembled)
        for amplifier, rate in zip(detector.amplifiers, rates, strict=True):
            if amplifier.parallel is not None:
                total = self.row_time * rate.sum(axis=0)
                right = amplifier.raw_corner[0]
                raw[amplifier.parallel.slices] = total[:: -1 if right else 1]
        return raw.astype(np.float32)

    def depends_on(self, frame: Frame) -> float | None:
        """Temperature, where the sites follow it."""
        return scaling_key(self.law, self.temperature, frame.temperature)

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Subtract what is expected, and count its shot noise, which is not in what is left.

        Raises
        ------
        ChainError
            If the frame is not in electrons, or its temperature is another one and no law is known.
        """
        if unit != u.electron:
            raise ChainError("dark current of the read-out is subtracted in electrons; add a Gain")
        detector = frame.detector or Detector.single(frame.shape)
        expected = self.expected(detector, layout="assembled", temperature=frame.temperature)
        return Affine(offset=-expected, variance=expected)
