"""Noise of the output amplifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects.affine import Affine
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.flat_pairs import known_everywhere, transfer_of
from fullwell.errors import ChainError, FrameError
from fullwell.frame import Frame, FrameSet
from fullwell.kernels.simulate import Op, Step
from fullwell.noise import Noise
from fullwell.photon_transfer import pooled_noise
from fullwell.quantities import several, switches

__all__ = ["ReadNoise"]


def _values(value: Any) -> Any:
    return several(value, "values", u.electron, least=0)


@attrs.frozen(eq=False)
class ReadNoise(Effect):
    """White, Gaussian noise added to every pixel that is read, prescan and overscan included.

    Parameters
    ----------
    values : Quantity, float or sequence
        Standard deviation for all amplifiers or one for each; plain numbers in ADU where `unit` says so.
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
    digitized: bool = attrs.field(default=False, **switches())
    errors: tuple[float, ...] = ()

    @classmethod
    def measure(cls, frames: FrameSet, *, known: Chain | None = None, model: str = "full") -> Self:
        """Measure it from biases, or from pairs of flats of many levels by photon transfer.

        Parameters
        ----------
        frames : FrameSet
            Frames of one exposure time (biases, short darks): the scatter between neighbors, in the unit of
            the frames. Frames of several: photon transfer, in electrons.
        known : Chain, optional
            Taken out first.
        model : str
            For photon transfer.

        Raises
        ------
        FrameError
            If an amplifier shows nothing.
        """
        times = {frame.exposure_time for frame in frames}
        if len(times) > 1:
            transfer = transfer_of(frames, known=known, model=model)
            noise = known_everywhere(transfer.read_noise, transfer, "read noise")
            return cls(tuple(noise.value), digitized=True, errors=tuple(noise.error))
        first = frames[0] if known is None else known.correct(frames[0])
        detector = first.detector or Detector.single(first.shape)
        corrected = (frame if known is None else known.correct(frame) for frame in frames)
        values, errors = pooled_noise(((frame.data, frame.mask) for frame in corrected), detector)
        if not np.isfinite(values).all():
            raise FrameError(f"an amplifier has no unmasked pixels in common: noise {values} {first.unit}")
        return cls(values, unit=first.unit, digitized=True, errors=errors)

    def steps(self, signal: Signal, *, noise: Noise) -> Sequence[Step]:
        """Add normal noise."""
        if self.unit != u.electron:
            raise ChainError("read noise in ADU cannot be simulated; give it in electrons, with a gain")
        sigma = signal.of_amplifiers(self.values)
        return [Step(Op.ADD_NORMAL, sigma, stream=noise.stream(self.name).key())]

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Add its variance.

        Raises
        ------
        ChainError
            If the frame is not in the unit of the noise.
        """
        if unit != self.unit:
            raise ChainError(
                f"read noise in {self.unit} does not fit a frame in {unit}; is the gain missing?"
            )
        detector = frame.detector or Detector.single(frame.shape)
        sigma = detector.spread(self.values)
        return Affine(variance=(sigma * sigma).astype(np.float32))

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:
        """Add its variance; data stay as they are."""
        return self.affine(frame, unit=frame.unit, chain=chain).apply(frame).with_(data=frame.data)
