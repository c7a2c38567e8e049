"""The effects of one detector in order: forward they make raw frames, backward they undo themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.chain.backward import correct
from fullwell.chain.forward import Exposure, Renders, expose
from fullwell.detector import Detector
from fullwell.effects.base import Effect
from fullwell.effects.read_noise import ReadNoise
from fullwell.effects.shot_noise import ShotNoise
from fullwell.errors import ChainError
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
        self.backward = sorted([*self.effects, *self._understood()], key=self._undone_at, reverse=True)
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
        return expose(
            self.effects,
            scene,
            exposure_time,
            detector=detector,
            noise=noise,
            dark_time=dark_time,
            state=state,
        )

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
