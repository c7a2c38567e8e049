"""What every effect is: a stage in the signal chain, and up to three verbs."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import Any, ClassVar, Protocol, Self

import attrs
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.detector.per_amplifier import spread_rows
from fullwell.effects.pointwise import Pointwise
from fullwell.errors import ChainError
from fullwell.flags import FlagImage
from fullwell.frame import Frame, FrameSet
from fullwell.kernels.simulate import Rows, Step, run
from fullwell.noise import Noise

__all__ = ["Chain", "Effect", "Kind", "Signal", "Stage"]


class Stage(IntEnum):
    """Where in the chain an effect acts; forward is upward, correction runs downward."""

    LAST = 0  # corrections that want everything else done
    SHUTTER = 4
    FRINGES = 6
    ILLUMINATION = 8
    FLAT = 10
    PIXEL_AREA = 11
    DIFFUSION = 12  # of expected light, before it is counted
    SMEAR = 14
    BRIGHTER_FATTER = 18  # counts the light itself, in steps
    SHOT_NOISE = 20
    DARK = 30
    TELEGRAPH = 31
    GLOW = 32
    COSMIC_RAYS = 35
    FULL_WELL = 40
    PERSISTENCE = 42  # of what the pixels can hold
    DEFECTS = 45
    READ_OUT_DARK = 48
    TRANSFER = 50  # from here on the frame is in the raw layout, with prescan and overscan
    NONLINEARITY = 60
    READ_NOISE = 70
    CORRELATED_NOISE = 72
    CROSSTALK = 75
    GAIN = 80
    BIAS = 85
    BIAS_WANDER = 86
    OVERSCAN = 88  # its correction is the first that moves pixels: it trims and assembles
    CODE_ERRORS = 89
    ADC = 90


class Kind(Enum):
    """How an effect acts, which says what a correction can promise."""

    POINTWISE = "pointwise"  # an offset and a scale for each pixel: mean and variance
    REDISTRIBUTING = "redistributing"  # moves charge: covariance too
    FLAG_ONLY = "flag-only"  # completeness and purity
    NOISE_ONLY = "noise-only"  # variance alone


@attrs.define(eq=False)
class Signal:
    """What travels forward through the chain.

    Parameters
    ----------
    image : ndarray of float32
        Expected photo-electrons at first, ADU at the end.
    detector : Detector
    exposure_time, dark_time : float
        Seconds.
    unit : astropy unit
        Electron, then ADU.
    raw : bool
        Whether `image` is in the raw layout.
    state : dict
        What is set for this exposure alone, by effect name (``{"bias": {"level_offset": 1.3}}``).
    truth : dict
        What was realized in this exposure, by effect name; numbers and arrays.
    memory : dict
        What the detector carries from one exposure to the next, by effect name; effects that remember read
        what stands there and leave what is to be remembered.
    temperature : float or None
        Of the detector, in kelvin; None where it does not matter.
    idle : float or None
        Seconds between the exposure before and this one; None where nobody states them.
    light_time : float or None
        Seconds of light in `image` at first: the exposure time, but 1 s where that is 0 and an effect of the
        chain sees light all the same (`Effect.sees_light_of_transfer`).
    behind : sequence of ndarray, or None
        Electrons in the parallel overscan, by amplifier, shape (rows, columns) in read order; `to_raw` puts
        them in.
    counted : bool
        Whether the photo-electrons in `image` are counted already: brighter-fatter does that itself.
    spread : float or None
        Standard deviation of charge that drifts the whole thickness, pixels; None where no effect states it.
    night_sky : bool
        Whether the light is, in part, that of the night sky with its narrow lines.
    sky_level : float or None
        How much of it that is, e-/s/pixel; None where the light does not say.
    """

    image: npt.NDArray[Any]
    detector: Detector
    exposure_time: float
    dark_time: float
    unit: u.UnitBase = u.electron
    raw: bool = False
    state: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    truth: dict[str, Any] = attrs.field(factory=dict)
    memory: dict[str, Any] = attrs.field(factory=dict)
    temperature: float | None = None
    counted: bool = False
    idle: float | None = None
    light_time: float | None = None
    behind: Sequence[npt.NDArray[Any]] | None = None
    spread: float | None = None
    night_sky: bool = True
    sky_level: float | None = None

    @property
    def layout(self) -> str:
        """``'raw'`` or ``'assembled'``."""
        return "raw" if self.raw else "assembled"

    def of_amplifiers(self, values: Sequence[float], *, fill: float = 0.0) -> float | Rows:
        """Spread one value an amplifier over the pixels of the layout, as operand of a step."""
        return spread_rows(self.detector, values, layout=self.layout, fill=fill)

    def to_raw(self) -> None:
        """Put the image into the raw layout; prescan and overscan hold no charge."""
        if not self.raw:
            self.image = self.detector.disassemble(self.image)
            self.raw = True
            for amplifier, rows in zip(self.detector.amplifiers, self.behind or (), strict=False):
                if amplifier.parallel is not None:
                    right, top = amplifier.raw_corner
                    part = self.image[amplifier.parallel.slices][:: -1 if top else 1, :: -1 if right else 1]
                    part += rows


class Chain(Protocol):
    """What effects may know of the chain they are in."""

    def get(self, name: str) -> Effect | None:
        """Return the effect of that name, if it is there."""
        ...

    def correct(self, frame: Frame, *, settle: bool = True) -> Frame:
        """Take the effects out of a frame."""
        ...


class Effect(ABC):
    """One physical effect between photon and file.

    Subclasses are ``attrs.frozen(eq=False)`` classes that override the verbs nature allows them.
    The default of each verb leaves things as they are, except `measure`, which must be there to
    be called.
    """

    name: ClassVar[str]
    stage: ClassVar[Stage]
    kind: ClassVar[Kind]
    #: Where the correction stands when that is not the stage itself.
    undone_at: ClassVar[Stage | None] = None
    #: Whether light matters to it in exposures of 0 s too.
    sees_light_of_transfer: ClassVar[bool] = False
    #: What `Signal.state` may hold for it, and whether that is a number or a word.
    settable: ClassVar[Mapping[str, type[float] | type[str]]] = {}

    @classmethod
    def is_undone(cls) -> bool:
        """Whether there is anything that the effect does to a frame that is corrected."""
        verbs = ("flag", "affine", "correct", "finish")
        return any(getattr(cls, verb) is not getattr(Effect, verb) for verb in verbs)

    def steps(self, signal: Signal, *, noise: Noise) -> Sequence[Step] | None:  # noqa: ARG002
        """Return what `simulate` does to the image, for effects that act on each pixel by itself; else None.

        The chain joins the steps of neighboring effects and goes through the pixels once. An effect states
        its steps or overrides `simulate`, never both. The image in `signal` may be one from before an earlier
        effect: only the layout counts. What else the effect changes (unit, truth) it writes into `signal`.
        """
        return None

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Put the effect into `signal`, in place."""
        steps = self.steps(signal, noise=noise)
        if steps:
            signal.image = run(signal.image, steps)

    @classmethod
    def measure(cls, frames: FrameSet, *, known: Chain | None = None) -> Self:  # noqa: ARG003
        """Estimate the effect from calibration frames after the effects in `known` are taken out.

        Raises
        ------
        ChainError
            If this effect cannot be measured on its own.
        """
        raise ChainError(f"{cls.name} cannot be measured by itself")

    def flag(self, frame: Frame) -> FlagImage | None:  # noqa: ARG002
        """Return the flags this effect sees in *raw* values, or None."""
        return None

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Pointwise | None:  # noqa: ARG002
        """Return a pointwise correction, or None for effects that are not pointwise.

        A chain makes one pass over the pixels of all pointwise steps that follow each other, and remembers
        what they say for all frames of one geometry, unit and time: it may depend on nothing else but what
        `depends_on` states.

        Parameters
        ----------
        frame : Frame
            The frame to come: detector, times. Its data may be at an earlier step.
        unit : astropy unit
            Unit of the data at this step.
        chain : Chain, optional
            The chain that asks.

        Returns
        -------
        Affine, Lookup, PoissonTerm or None
        """
        return None

    def depends_on(self, frame: Frame) -> float | None:  # noqa: ARG002
        """Return what else of a frame `affine` depends on, such as a temperature; None where nothing."""
        return None

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:
        """Take the effect out of a frame, carrying variance and flags along."""
        step = self.affine(frame, unit=frame.unit, chain=chain)
        return frame if step is None else step.apply(frame)

    def finish(self, frame: Frame) -> Frame:
        """Return the frame after all effects were taken out, for what makes a picture whole."""
        return frame
