"""The effects of one detector in order: forward they make raw frames, backward they undo themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.io.fits import Header

from fullwell.detector import Detector
from fullwell.effects.affine import Affine
from fullwell.effects.assembly import assembled
from fullwell.effects.base import Effect, Signal, Stage
from fullwell.effects.read_noise import ReadNoise
from fullwell.effects.shot_noise import ShotNoise
from fullwell.errors import ChainError, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame, FrameLike, as_frame
from fullwell.io.hygiene import electron_header
from fullwell.noise import Noise

__all__ = ["Exposure", "Renders", "SignalChain"]

#: Products that are only right behind the same additive corrections that their own frames had.
MATCHED = {"bias": ("overscan",), "dark": ("overscan", "bias")}


class Renders(Protocol):
    """A scene: something that can say how much light falls on each pixel."""

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return photo-electrons per second and pixel, before the flat."""
        ...


@attrs.frozen(eq=False)
class Exposure:
    """A simulated frame and what is true about it.

    Parameters
    ----------
    frame : Frame
        Raw, in ADU.
    light : ndarray of float32, shape (rows, columns)
        Expected photo-electrons before the flat.
    truth : dict
        What each effect realized.
    """

    frame: Frame
    light: npt.NDArray[np.float32]
    truth: Mapping[str, Any]


class SignalChain:
    """Effects, sorted by stage whatever the order they were given in.

    Parameters
    ----------
    effects : iterable of Effect
        At most one of each kind.

    Raises
    ------
    ChainError
        If two effects have one name, or products do not fit together.

    Notes
    -----
    No real frame is without noise. A chain that knows the gain therefore counts the shot noise when it
    corrects, whether `ShotNoise` is among the effects or not, and the read noise that its bias was measured
    with unless a `ReadNoise` is. Forward, only the effects that are there act.
    """

    def __init__(self, effects: Iterable[Effect]) -> None:
        self.effects = tuple(sorted(effects, key=lambda effect: effect.stage))
        names = [effect.name for effect in self.effects]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ChainError(f"the chain holds more than one {', '.join(twice)}; one of each kind is allowed")
        self._backward = sorted([*self.effects, *self._understood()], key=self._undone_at, reverse=True)
        self._check_products()

    def __iter__(self) -> Iterator[Effect]:
        return iter(self.effects)

    def __len__(self) -> int:
        return len(self.effects)

    def __repr__(self) -> str:
        return f"SignalChain({', '.join(effect.name for effect in self.effects)})"

    def get(self, name: str) -> Effect | None:
        """Return the effect of that name, or None."""
        return next((effect for effect in self.effects if effect.name == name), None)

    def with_(self, *effects: Effect) -> SignalChain:
        """Return a chain in which `effects` are added or take the place of their kind."""
        names = {effect.name for effect in effects}
        return SignalChain([*(e for e in self.effects if e.name not in names), *effects])

    def without(self, *names: str) -> SignalChain:
        """Return the chain without the effects of these names."""
        return SignalChain(effect for effect in self.effects if effect.name not in names)

    def expose(
        self,
        scene: Renders | npt.ArrayLike | None,
        exposure_time: u.Quantity | float,
        *,
        detector: Detector,
        noise: Noise,
        dark_time: u.Quantity | float | None = None,
        state: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Exposure:
        """Simulate one raw frame.

        Parameters
        ----------
        scene : scene, array or None
            Photo-electrons per second and pixel before the flat; None is a closed shutter.
        exposure_time : Quantity or float
            Seconds.
        detector : Detector
        noise : Noise
            Seed and number of the exposure.
        dark_time : Quantity or float, optional
            Seconds of dark current; the exposure time if not given.
        state : mapping, optional
            What is set for this exposure alone, by effect name.

        Returns
        -------
        Exposure

        Raises
        ------
        ParameterError
            If a time is negative.
        """
        seconds = _seconds("exposure_time", exposure_time)
        dark_seconds = seconds if dark_time is None else _seconds("dark_time", dark_time)
        light = np.zeros(detector.shape, np.float32)
        if scene is not None:
            rendered = scene.render(detector.shape) if hasattr(scene, "render") else np.asarray(scene)
            light = np.broadcast_to(rendered * np.float32(seconds), detector.shape).astype(np.float32)
        signal = Signal(light.copy(), detector, seconds, dark_seconds, state=state or {})
        for effect in self.effects:
            if effect.stage >= Stage.READ_NOISE:
                signal.to_raw()
            effect.simulate(signal, noise=noise)
        frame = Frame(
            signal.image,
            unit=signal.unit,
            header=Header(),
            detector=detector,
            exposure_time=seconds,
            dark_time=dark_seconds,
        )
        return Exposure(frame, light, signal.truth)

    def correct(self, frame: FrameLike, *, settle: bool = True) -> Frame:
        """Take the effects out of a frame.

        First every effect flags the raw values, then corrections run backward. A run of pointwise
        effects is composed and touches the pixels once.

        Parameters
        ----------
        frame : Frame, CCDData or array
            Raw (or assembled, where no overscan is to be used).
        settle : bool
            Add the noise of the masters to the variance; otherwise it stays apart in ``shared``.

        Returns
        -------
        Frame
            Assembled, float32, in electrons where the chain has a gain. `Frame.applied` names the steps.

        Raises
        ------
        ChainError
            If an effect was taken out before, or a product does not fit.
        """
        frame = as_frame(frame)
        again = [effect.name for effect in self.effects if effect.name in frame.applied]
        if again:
            raise ChainError(f"frame {frame.source or ''}: {', '.join(again)} was corrected before")
        frame = self._flagged(frame)
        pending: Affine | None = None
        applied = frame.applied
        for effect in self._backward:
            if effect.stage < Stage.OVERSCAN and frame.layout == "raw":
                frame = assembled(frame)
            unit = frame.unit if pending is None or pending.unit is None else pending.unit
            step = effect.affine(frame, unit=unit, chain=self)
            if step is not None:
                pending = step if pending is None else step @ pending
            else:
                frame = frame if pending is None else pending.apply(frame)
                pending = None
                frame = effect.correct(frame, chain=self)
            if effect.stage != Stage.ADC:
                applied = (*applied, effect.name)
        frame = frame if pending is None else pending.apply(frame)
        frame = frame if frame.layout != "raw" else assembled(frame)
        result = self._described(frame.with_(applied=applied))
        return result.settled() if settle else result

    def _described(self, frame: Frame) -> Frame:
        """Bring the header up to what the data are now."""
        gain: Any = self.get("gain")
        if gain is None or frame.unit != u.electron:
            return frame
        noise: Any = next((e for e in self._backward if e.name == "read_noise"), None)
        dark: Any = self.get("dark")
        if noise is None and dark is not None and dark.bias_included and frame.dark_time is not None:
            measured = dark.noise_at(frame.dark_time)
            in_adu = 1.0 if dark.unit == u.electron else np.asarray(gain.values)
            noise = None if measured is None else ReadNoise(tuple(measured * in_adu), digitized=True)
        read_noise = float(np.mean(noise.values)) if noise is not None and noise.unit == u.electron else None
        return frame.with_(
            header=electron_header(frame.header, gain=float(np.mean(gain.values)), read_noise=read_noise)
        )

    def _understood(self) -> list[Effect]:
        """Noise that every frame has, where the chain can count it and was not told to."""
        gain: Any = self.get("gain")
        if gain is None:
            return []
        effects: list[Effect] = [] if self.get("shot_noise") else [ShotNoise()]
        bias: Any = self.get("bias")
        if self.get("read_noise") is None and bias is not None and bias.read_noise:
            electrons = np.asarray(bias.read_noise) * np.asarray(gain.values)
            effects.append(ReadNoise(tuple(electrons), digitized=True))
        return effects

    def _undone_at(self, effect: Effect) -> int:
        """Where the correction stands; later stages come first."""
        if effect.name == "shot_noise" and getattr(self.get("dark"), "bias_included", False):
            # Only behind such a dark is the bias gone; it brings the noise of its dark current itself.
            return int(effect.stage)
        return int(effect.stage if effect.undone_at is None else effect.undone_at)

    def _flagged(self, frame: Frame) -> Frame:
        flags = frame.flags.copy()
        for effect in self.effects:
            found = effect.flag(frame)
            if found is not None:
                flags |= found
        flags[~np.isfinite(frame.data)] |= FLAG_DTYPE.type(Flags.NO_DATA)
        dtype = frame.data.dtype if frame.data.dtype.kind == "f" else np.dtype(np.float32)
        return frame.with_(data=frame.data.astype(dtype.newbyteorder("=")), flags=flags)

    def _check_products(self) -> None:
        present = {effect.name for effect in self.effects}
        for effect in self.effects:
            applied = getattr(effect, "applied", None)
            if applied is None or not getattr(effect, "count", 0):
                continue
            for other in MATCHED.get(effect.name, ()):
                if other in applied and other not in present:
                    raise ChainError(
                        f"the {effect.name} was measured after the {other} was taken out; "
                        f"this chain has no {other}, add it"
                    )
                if other in present and other not in applied:
                    raise ChainError(
                        f"the {effect.name} was measured with the {other} still in; "
                        f"leave the {other} out of this chain or measure the {effect.name} again"
                    )


def _seconds(name: str, value: u.Quantity | float) -> float:
    seconds = float(value.to_value(u.s)) if isinstance(value, u.Quantity) else float(value)
    if not (np.isfinite(seconds) and seconds >= 0):
        raise ParameterError(name, value, "0 s or more")
    return seconds
