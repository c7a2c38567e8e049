"""The level and structure that is there without light and without time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.combining import DEFAULT_MEMORY, stack
from fullwell.effects.affine import Affine, MasterTerm
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import checked_image
from fullwell.effects.stacking import (
    additive_offsets,
    detector_of,
    identity,
    load_corrected,
    measured_noise,
    noise_model,
)
from fullwell.errors import ChainError, NotEnoughFrames
from fullwell.flags import FlagImage, mask_of
from fullwell.frame import Frame, FrameSet
from fullwell.kernels.simulate import Op, Step
from fullwell.kernels.spread import clipped_spread, quantile_of
from fullwell.noise import Noise
from fullwell.quantities import numbers, quantity, several

__all__ = ["Bias"]


def _level(value: Any) -> Any:
    return several(value, "level", u.adu)


@attrs.frozen(eq=False)
class Bias(Effect):
    """Electronic pedestal of every pixel.

    Parameters
    ----------
    level : Quantity, float or sequence
        ADU, for all amplifiers or one for each; prescan and overscan have it too.
    structure : ndarray or None, shape (rows, columns)
        What the light-sensitive pixels have on top (gradient, bad columns), ADU, assembled. A measured bias
        holds everything here and has level 0.
    drift : Quantity or float
        Standard deviation, in ADU, of a level that changes from exposure to exposure.
    variance : float or ndarray
        Variance of `structure` where it was measured, ADU^2.
    flags : ndarray of uint16 or None
    applied : tuple of str
        Effects that were taken out of its frames.
    read_noise, read_noise_error : tuple of float
        ADU, per amplifier, as measured on its frames.
    count : int
        Number of frames it was made of; 0 for a bias that was not measured.
    dark_time : float
        Seconds in which its frames collected dark current (0.04 s for some cameras' shortest exposure).
    id : str
        Names a measured bias by its content.
    statistics : dict
        What happened when it was measured: levels, rejected fractions, remarks.
    """

    name: ClassVar[str] = "bias"
    stage: ClassVar[Stage] = Stage.BIAS
    kind: ClassVar[Kind] = Kind.POINTWISE
    settable: ClassVar[Mapping[str, type[float] | type[str]]] = {"level_offset": float}
    level: tuple[float, ...] = attrs.field(default=0.0, converter=_level)
    structure: npt.NDArray[np.float32] | None = None
    drift: float = attrs.field(default=0.0, **quantity(u.adu, least=0))
    variance: Any = 0.0
    flags: FlagImage | None = None
    applied: tuple[str, ...] = ()
    read_noise: tuple[float, ...] = ()
    read_noise_error: tuple[float, ...] = ()
    count: int = 0
    dark_time: float = 0.0
    id: str = ""
    statistics: dict[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if self.structure is not None:
            # What was measured has pixels that had no value in any frame.
            seen = np.nan_to_num(self.structure) if self.count else self.structure
            checked_image(
                "structure", seen, u.adu, unknown=None if self.flags is None else mask_of(self.flags)
            )

    @property
    def unit(self) -> u.UnitBase:
        """ADU."""
        return u.adu

    def steps(self, signal: Signal, *, noise: Noise) -> Sequence[Step]:
        """Add level, structure and drift; ``state['bias']['level_offset']`` adds to the drift."""
        offset = float(signal.state.get(self.name, {}).get("level_offset", 0.0))
        if self.drift:
            offset += self.drift * float(noise.stream("bias_drift").normal(1)[0])
        signal.truth["bias_offset"] = offset
        steps = [Step(Op.ADD, signal.of_amplifiers(self.level))]
        if offset:
            steps.append(Step(Op.ADD, offset))
        if self.structure is not None:
            structure = self.structure.astype(np.float32, copy=False)
            moved = signal.raw and signal.detector.has_scans
            steps.append(Step(Op.ADD, signal.detector.disassemble(structure) if moved else structure))
        return steps

    def image(self, frame: Frame) -> Any:
        """Return what to subtract from an assembled frame, in ADU: a scalar or an image."""
        detector = frame.detector
        level = np.float32(self.level[0]) if detector is None else detector.spread(self.level)
        return level if self.structure is None else level + self.structure

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        clip: float = 5.0,
        read_noise: float | tuple[float, ...] | None = None,
        memory: int = DEFAULT_MEMORY,
    ) -> Self:
        """Combine bias frames.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame, CCDData or array
            Raw biases in ADU.
        known : SignalChain, optional
            Effects to take out first, such as overscan.
        clip : float
            Values further than this many read noises from the median are rejected.
        read_noise : float, optional
            ADU; needed for a single frame, else measured on the frames.
        memory : int
            Ceiling of the working memory in bytes.

        Returns
        -------
        Bias
            Its variance is ``read_noise^2 / used``, with the noise pooled over each amplifier.

        Raises
        ------
        NotEnoughFrames
            For fewer than two frames without `read_noise`, or none at all.
        ChainError
            If the frames are not in ADU after the known effects.
        """
        with ExitStack() as resources:
            held = load_corrected(frames, known, memory=memory // 2, resources=resources)
            if not held or (len(held) < 2 and read_noise is None):
                raise NotEnoughFrames(f"{len(held)} bias frames; at least 2 are needed to know their noise")
            if held[0].unit != u.adu:
                raise ChainError(
                    f"biases are measured in ADU, not in {held[0].unit}; leave the Gain out of `known`"
                )
            detector = detector_of(held)
            if read_noise is None:
                noise, error = measured_noise(held)
            else:
                noise, error = tuple(numbers(read_noise, "read_noise", u.adu, least=0).tolist()), ()
            offsets = additive_offsets(held)
            result = stack(
                held,
                clip=clip,
                noise=noise_model(noise, None, detector),
                offsets=list(offsets),
                memory=memory // 2,
            )
        frame = result.frame
        return cls(
            structure=frame.data,
            variance=frame.variance,
            flags=frame.flags,
            applied=frame.applied,
            read_noise=noise,
            read_noise_error=error,
            count=len(held),
            dark_time=float(np.mean([f.dark_time or 0.0 for f in held])),
            id=identity(frame.data, frame.variance, "bias"),
            statistics={
                "level_offsets": [float(-offset) for offset in offsets],
                "rejected_fraction": list(result.rejected_fraction),
                "spread": result.spread,
                "remarks": list(result.remarks),
                "empirical_to_predicted": variance_ratio(result.empirical, frame),
            },
        )

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:
        """Subtract it.

        Raises
        ------
        ChainError
            If the data are not in ADU any more.
        """
        if unit != u.adu:
            raise ChainError(f"the bias is subtracted in ADU, but the frame is in {unit}")
        if not self.count and chain is not None and chain.get("overscan") is not None:
            # The overscan has the level, and took it out; what was measured behind it holds none.
            image = np.float32(0) if self.structure is None else self.structure
        else:
            image = self.image(frame)
        if np.ndim(image) and image.shape != frame.shape:
            raise ChainError(
                f"the bias has shape {image.shape}, the frame {frame.shape}; crop the one or the other"
            )
        masters = {self.id: MasterTerm(-1.0, 0.0, self.variance)} if self.id else {}
        return Affine(offset=-image, masters=masters, flags=self.flags)


def variance_ratio(empirical: npt.NDArray[np.float32], frame: Frame) -> float:
    """Mean empirical over mean predicted variance of the good pixels: near 1 where the noise model holds."""
    good = ~frame.mask & np.isfinite(empirical)
    if frame.variance is None or not good.any():
        return float("nan")
    # Outliers own the mean of the empirical variance; the lower 99.9 % tell about the noise.
    good &= empirical <= quantile_of(empirical, 0.999, good)
    predicted = clipped_spread(frame.variance, good=good).mean
    return clipped_spread(empirical, good=good).mean / predicted if predicted > 0 else float("nan")
