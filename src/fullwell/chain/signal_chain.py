"""The effects of one detector in order: forward they make raw frames, backward they undo themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.chain.backward import correct
from fullwell.chain.forward import Exposure, Renders, Take, as_take, expose
from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects.base import Effect
from fullwell.effects.read_noise import ReadNoise
from fullwell.effects.shot_noise import ShotNoise
from fullwell.errors import ChainError, ParameterError
from fullwell.frame import Frame, FrameLike, as_frame
from fullwell.noise import Noise

__all__ = ["SignalChain"]

#: Products that are only right behind the same additive corrections that their own frames had.
MATCHED = {"bias": ("overscan",), "dark": ("overscan", "bias")}


class SignalChain:
    """Effects, sorted by stage whatever the order they were given in.

    Parameters
    ----------
    effects : iterable of Effect
        At most one of each kind.
    detector : Detector, optional
        What `expose` reads out when it is told no other.

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

    def __init__(self, effects: Iterable[Effect], *, detector: Detector | None = None) -> None:
        self.detector = detector
        self.effects = tuple(sorted(effects, key=lambda effect: effect.stage))
        names = [effect.name for effect in self.effects]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ChainError(f"the chain holds more than one {', '.join(twice)}; one of each kind is allowed")
        self.backward = sorted([*self.effects, *self._understood()], key=self._undone_at, reverse=True)
        self._check_products()

    @classmethod
    def preset(
        cls,
        name: str,
        *,
        seed: int = 0,
        amplifier: tuple[int, int] | None = None,
        wavelength: u.Quantity | float = 620.0,
        only: Collection[str] | None = None,
        without: Collection[str] = (),
    ) -> Self:
        """Return a detector that comes with the package, with every effect that its file states.

        Parameters
        ----------
        name : str
            One of `fullwell.detector.presets.preset_names`, such as ``'lsst-itl'``.
        seed : int
            Of the maps: response, dark current, hot pixels.
        amplifier : tuple of int, optional
            Rows and columns of the data of each amplifier, for a smaller detector of the same make.
        wavelength : Quantity or float
            Nanometers, for the response to light; fringes are there where the light gets through the silicon.
        only, without : collection of str
            Names of effects: the only ones, and those that are left out.

        Raises
        ------
        ParameterError
            If there is no preset or effect of such a name, or a value is impossible.
        """
        from fullwell.chain.presets import effects_of  # draws on all effects and features

        detector = Detector.preset(name)
        if amplifier is not None:
            detector = with_amplifiers_of(detector, amplifier)
        effects = effects_of(detector, seed=seed, wavelength=wavelength, only=only, without=without)
        return cls(effects, detector=detector)

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
        return SignalChain(
            [*(e for e in self.effects if e.name not in names), *effects], detector=self.detector
        )

    def without(self, *names: str) -> SignalChain:
        """Return the chain without the effects of these names."""
        return SignalChain(
            (effect for effect in self.effects if effect.name not in names), detector=self.detector
        )

    def expose(
        self,
        scene: Renders | npt.ArrayLike | None,
        exposure_time: u.Quantity | float,
        *,
        detector: Detector | None = None,
        noise: Noise | None = None,
        seed: int | None = None,
        dark_time: u.Quantity | float | None = None,
        temperature: u.Quantity | float | None = None,
        state: Mapping[str, Mapping[str, Any]] | None = None,
        memory: Mapping[str, Any] | None = None,
        idle: u.Quantity | float | None = None,
        stages: bool = False,
    ) -> Exposure:
        """Simulate one raw frame.

        Parameters
        ----------
        scene : scene, array or None
            Photo-electrons per second and pixel before the flat, an array with a unit or in e-/s; None is a
            closed shutter.
        exposure_time : Quantity or float
            Seconds.
        detector : Detector, optional
            That of the chain if not given.
        noise : Noise
            Seed and number of the exposure.
        seed : int
            Instead of `noise`: stands for ``Noise(seed)``.
        dark_time : Quantity or float, optional
            Seconds of dark current; the exposure time if not given.
        temperature : Quantity or float, optional
            Of the detector, kelvin; for effects that depend on it, as a `Dark` with a law does.
        state : mapping, optional
            What is set for this exposure alone, by effect name.
        memory : mapping, optional
            What the detector carries on from the exposure before: its `Exposure.memory`.
        idle : Quantity or float, optional
            Seconds since the end of that exposure, read-out included, in which what is remembered fades;
            what the effects state if not given.
        stages : bool
            Also keep the frame behind every effect, in `Exposure.stages`. The final frame stays the same.

        Returns
        -------
        Exposure

        Raises
        ------
        ParameterError
            If a time is negative or the temperature not above 0 K, if the light is impossible or the state
            names what no effect knows, if neither or both of `noise` and `seed` are given, or if there is no
            detector.
        """
        return expose(
            self.effects,
            scene,
            exposure_time,
            detector=self._detector_or(detector),
            noise=_noise_of(noise, seed),
            dark_time=dark_time,
            temperature=temperature,
            state=state,
            memory=memory,
            idle=idle,
            stages=stages,
        )

    def expose_sequence(
        self,
        takes: Iterable[Take | tuple[Renders | npt.ArrayLike | None, u.Quantity | float]],
        *,
        detector: Detector | None = None,
        noise: Noise | None = None,
        seed: int | None = None,
        temperature: u.Quantity | float | None = None,
        memory: Mapping[str, Any] | None = None,
        idle: u.Quantity | float | None = None,
        stages: bool = False,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Exposure]:
        """Simulate raw frames one after the other; what the detector remembers goes on from each to the next.

        Parameters
        ----------
        takes : iterable of Take, or of tuples
            What is exposed; a tuple holds scene and exposure time.
        detector, temperature, stages
            As for `expose`.
        noise, seed
            As for `expose`, for the first frame; the number of the exposure grows by one each.
        memory : mapping, optional
            What the detector remembers at first.
        idle : Quantity or float, optional
            Seconds before each exposure, read-out of the one before included; `Take.idle` has precedence.
        on_progress : callable, optional
            Called with the number of frames done, and of all.

        Yields
        ------
        Exposure
            One a take, as soon as it is made; the next is made when it is asked for.

        Raises
        ------
        ParameterError
            As for `expose`.
        """
        chosen, first = self._detector_or(detector), _noise_of(noise, seed)
        todo = [as_take(take) for take in takes]

        def made() -> Iterator[Exposure]:
            carried = memory
            for done, take in enumerate(todo, start=1):
                exposure = expose(
                    self.effects,
                    take.scene,
                    take.exposure_time,
                    detector=chosen,
                    noise=take.noise or attrs.evolve(first, exposure=first.exposure + done - 1),
                    dark_time=take.dark_time,
                    temperature=temperature if take.temperature is None else take.temperature,
                    state=take.state,
                    memory=carried,
                    idle=idle if take.idle is None else take.idle,
                    stages=stages,
                )
                carried = exposure.memory
                if on_progress is not None:
                    on_progress(done, len(todo))
                yield exposure

        return made()

    def _detector_or(self, detector: Detector | None) -> Detector:
        chosen = self.detector if detector is None else detector
        if chosen is None:
            raise ParameterError(
                "detector",
                None,
                "a Detector, here or as SignalChain(effects, detector=...): which one is read out?",
            )
        return chosen

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
            Assembled, float32, in electrons where the chain has a gain. `Frame.applied` names the steps;
            effects that have nothing to do backward, such as diffusion, are not among them.

        Raises
        ------
        ChainError
            If an effect was taken out before, or a product does not fit.
        """
        return correct(self, as_frame(frame), settle=settle)

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


def _noise_of(noise: Noise | None, seed: int | None) -> Noise:
    if (noise is None) == (seed is None):
        raise ParameterError("noise and seed", (noise, seed), "exactly one of both, such as seed=1")
    return Noise(seed) if noise is None else noise  # type: ignore[arg-type]
