"""Forward: light goes through the effects of a detector and comes out as a raw frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.io.fits import Header

from fullwell.brief import Brief
from fullwell.chain.states import check_state
from fullwell.detector import Detector
from fullwell.effects.base import Effect, Signal, Stage
from fullwell.errors import ChainError, ParameterError
from fullwell.frame import Frame
from fullwell.kernels.simulate import Step, run
from fullwell.noise import Noise
from fullwell.quantities import number
from fullwell.scene.source import has_night_sky, rate

__all__ = ["Exposure", "Renders", "Take", "expose"]


class Renders(Protocol):
    """A scene: something that can say how much light falls on each pixel."""

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return photo-electrons per second and pixel, before the flat."""
        ...


@attrs.frozen(eq=False, repr=False)
class Take(Brief):
    """One exposure of a sequence.

    Parameters
    ----------
    scene : scene, array or None
        As for `SignalChain.expose`, and so are the others.
    exposure_time, dark_time, temperature : Quantity or float
    state : mapping
    idle : Quantity or float
    noise : Noise, optional
        Seed and number of the exposure; in a sequence they are counted if not given.
    """

    scene: Renders | npt.ArrayLike | None
    exposure_time: u.Quantity | float
    dark_time: u.Quantity | float | None = None
    temperature: u.Quantity | float | None = None
    state: Mapping[str, Mapping[str, Any]] | None = None
    idle: u.Quantity | float | None = None
    noise: Noise | None = None


def as_take(value: Take | Sequence[Any]) -> Take:
    """Return what is to be taken from a `Take`, or from its parts in a tuple or list.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if isinstance(value, Take):
        return value
    if not isinstance(value, tuple | list) or not 2 <= len(value) <= len(attrs.fields(Take)):
        raise ParameterError("take", value, "a Take, or a tuple (scene, exposure time, ...)")
    return Take(*value)


@attrs.frozen(eq=False, repr=False)
class Exposure(Brief):
    """A simulated frame and what is true about it.

    Parameters
    ----------
    frame : Frame
        Raw, in ADU.
    light : ndarray of float32, shape (rows, columns)
        Expected photo-electrons before the flat.
    truth : dict
        What each effect realized.
    memory : dict
        What the detector carries on to the next exposure, by effect name.
    stages : dict of str to Frame
        The frame behind each effect, by its name and in the order of the chain, where that was asked for: in
        electrons or ADU, assembled or raw, as it is at that place.
    take : Take or None
        What was asked for: scene, times, noise.
    """

    frame: Frame
    light: npt.NDArray[np.float32]
    truth: Mapping[str, Any]
    memory: Mapping[str, Any] = attrs.field(factory=dict)
    stages: Mapping[str, Frame] = attrs.field(factory=dict)
    take: Take | None = None


def expose(
    effects: Iterable[Effect],
    scene: Renders | npt.ArrayLike | None,
    exposure_time: u.Quantity | float,
    *,
    detector: Detector,
    noise: Noise,
    dark_time: u.Quantity | float | None = None,
    temperature: u.Quantity | float | None = None,
    state: Mapping[str, Mapping[str, Any]] | None = None,
    memory: Mapping[str, Any] | None = None,
    idle: u.Quantity | float | None = None,
    stages: bool = False,
) -> Exposure:
    """Simulate one raw frame with `effects` in the order of their stages; see `SignalChain.expose`."""
    seconds = _seconds("exposure_time", exposure_time)
    dark_seconds = seconds if dark_time is None else _seconds("dark_time", dark_time)
    effects = tuple(effects)
    check_state(state, effects)
    light = seen = _light(scene, seconds, detector.shape)
    light_time = seconds
    if seconds == 0 and scene is not None and any(effect.sees_light_of_transfer for effect in effects):
        light_time, seen = 1.0, _light(scene, 1.0, detector.shape)
    signal = Signal(
        seen,
        detector,
        seconds,
        dark_seconds,
        state=state or {},
        memory=dict(memory or {}),
        temperature=None if temperature is None else _kelvin(temperature),
        idle=None if idle is None else _seconds("idle", idle),
        light_time=light_time,
        night_sky=has_night_sky(scene),
        sky_level=getattr(scene, "sky_level", None),
    )
    path = _Path(signal, seen)
    kept: dict[str, Frame] = {}
    for effect in effects:
        if effect.stage >= Stage.TRANSFER:
            path.to_raw()
        path.through(effect, noise=noise)
        if stages:
            path.arrive()
            kept[effect.name] = _as_frame(signal, signal.image.copy())  # later effects may write into theirs
    # Without an effect of the read-out the frame is as raw as any other.
    path.to_raw()
    path.arrive()
    take = Take(scene, seconds, dark_seconds, signal.temperature, state, signal.idle, noise)
    return Exposure(_as_frame(signal, signal.image), light, signal.truth, signal.memory, kept, take)


class _Path:
    """A signal on its way; steps of effects that act on each pixel by itself wait until they must be done."""

    def __init__(self, signal: Signal, light: npt.NDArray[np.float32]) -> None:
        self.signal = signal
        self.light = light
        self.waiting: list[Step] = []

    def through(self, effect: Effect, *, noise: Noise) -> None:
        """Let an effect act, at the latest when the signal arrives."""
        steps = _steps(effect, self.signal, noise=noise)
        if steps is not None:
            self.waiting += steps
            return
        self.arrive()
        if (
            self.signal.image is self.light
        ):  # which the exposure keeps, while effects may write into the image
            self.signal.image = self.light.copy()
        effect.simulate(self.signal, noise=noise)

    def to_raw(self) -> None:
        """Put the signal into the raw layout; where that is the assembled one, nothing has to move."""
        detector = self.signal.detector
        if self.signal.raw:
            return
        covered = sum(a.box.shape[0] * a.box.shape[1] for a in detector.amplifiers)
        if detector.has_scans or covered < detector.shape[0] * detector.shape[1]:
            self.arrive()
            self.signal.to_raw()
        else:
            self.signal.raw = True

    def arrive(self) -> None:
        """Do the steps that wait, all in one pass over the image."""
        if self.waiting:
            self.signal.image = run(self.signal.image, self.waiting)
            self.waiting = []


def _steps(effect: Effect, signal: Signal, *, noise: Noise) -> Sequence[Step] | None:
    # Whoever overrides `simulate` means it, even where a parent class has steps.
    if type(effect).simulate is not Effect.simulate:
        return None
    steps = effect.steps(signal, noise=noise)
    shape = signal.detector.raw_shape if signal.raw else signal.detector.shape
    for step in steps or ():
        operand: Any = step.operand
        if not step.is_even and operand.shape != shape:
            raise ChainError(
                f"{effect.name} has shape {operand.shape}, the frame {shape}; crop the one or the other"
            )
    return steps


def _light(
    scene: Renders | npt.ArrayLike | None, seconds: float, shape: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """Return the expected photo-electrons, in an array of their own."""
    light = np.zeros(shape, np.float32)
    if scene is None:
        return light
    if hasattr(scene, "add_to"):
        scene.add_to(light)
    else:
        light += _rates(scene.render(shape) if hasattr(scene, "render") else scene, shape)
    # A NaN makes both comparisons false, so that no mask has to be made of the image.
    if not (light.min() >= 0 and light.max() < np.inf):
        raise ParameterError("scene", _worst(light), "finite and 0 e-/s or more in every pixel")
    if seconds != 1:
        light *= np.float32(seconds)
    return light


def _rates(value: Any, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Return what was given as light, an image or one number, in e-/s."""
    allowed = f"a scene, None, a number or an image of shape {shape}, in electron / s"
    try:
        rates = np.asarray(rate(value), np.float32)
    except (ParameterError, TypeError, ValueError) as error:
        seen = value.unit if isinstance(value, u.Quantity) else type(value).__name__
        raise ParameterError("scene", seen, allowed) from error
    if rates.shape not in ((), (1, 1), shape):  # even light may come as an image of one pixel
        raise ParameterError("scene", rates.shape, allowed)
    return rates


def _worst(light: npt.NDArray[np.float32]) -> float:
    return float(light[~(np.isfinite(light) & (light >= 0))][0])


def _as_frame(signal: Signal, image: npt.NDArray[Any]) -> Frame:
    return Frame(
        image,
        unit=signal.unit,
        header=Header(),
        detector=signal.detector,
        exposure_time=signal.exposure_time,
        dark_time=signal.dark_time,
        temperature=signal.temperature,
    )


def _seconds(name: str, value: u.Quantity | float) -> float:
    return float(number(value, name, u.s, least=0))


def _kelvin(value: u.Quantity | float) -> float:
    try:
        kelvin = (
            value.to_value(u.K, equivalencies=u.temperature()) if isinstance(value, u.Quantity) else value
        )
    except u.UnitConversionError as error:
        raise ParameterError("temperature", value, "a temperature, such as -100 * u.deg_C") from error
    if not (np.isfinite(kelvin) and kelvin > 0):
        raise ParameterError("temperature", value, "above 0 K, such as 173 * u.K or -100 * u.deg_C")
    return float(kelvin)
