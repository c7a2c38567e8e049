"""Dark current that charge collects on its way to the register."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order
from fullwell.effects.affine import Affine
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import rate_image, seconds
from fullwell.errors import ChainError, ParameterError
from fullwell.frame import Frame
from fullwell.noise import Noise

__all__ = ["ReadOutDark"]


@attrs.frozen(eq=False)
class ReadOutDark(Effect):
    """A packet that is shifted along its column collects the dark current of every site that it passes.

    Parameters
    ----------
    rate : Quantity or ndarray, shape (rows, columns)
        Dark current of the sites, e-/s; that of the `Dark`.
    row_time : Quantity or float
        Seconds in which a row is read.

    Notes
    -----
    It is there in biases too, and grows with the distance from the register: sum of the rates below times the
    row time. A hot pixel therefore leaves a trail in all rows that are read after it.
    """

    name: ClassVar[str] = "read_out_dark"
    stage: ClassVar[Stage] = Stage.READ_OUT_DARK
    kind: ClassVar[Kind] = Kind.POINTWISE
    rate: npt.NDArray[np.float32] = attrs.field(converter=rate_image)
    row_time: float = attrs.field(default=1e-3, converter=seconds)

    def __attrs_post_init__(self) -> None:
        if not (np.isfinite(self.row_time) and self.row_time >= 0):
            raise ParameterError("row_time", self.row_time, "0 s or more")

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add a Poisson number of electrons, to the parallel overscan too, whose rows pass all sites."""
        signal.to_raw()
        expected = self.expected(signal.detector, layout="raw")
        signal.image = signal.image + noise.stream(self.name).poisson(expected)

    def expected(self, detector: Detector, *, layout: str) -> npt.NDArray[np.float32]:
        """Return the mean number of electrons that each packet collects.

        Parameters
        ----------
        detector : Detector
        layout : {'raw', 'assembled'}
        """
        assembled = np.zeros(detector.shape)
        rates = in_read_order(self.rate.astype(np.float64), detector, layout="assembled")
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

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Subtract what is expected, and count its shot noise, which is not in what is left.

        Raises
        ------
        ChainError
            If the frame is not in electrons.
        """
        if unit != u.electron:
            raise ChainError("dark current of the read-out is subtracted in electrons; add a Gain")
        expected = self.expected(frame.detector or Detector.single(frame.shape), layout="assembled")
        return Affine(offset=-expected, variance=expected)
