"""Forward: light goes through the effects of a detector and comes out as a raw frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.io.fits import Header

from fullwell.detector import Detector
from fullwell.effects.base import Effect, Signal, Stage
from fullwell.errors import ParameterError
from fullwell.frame import Frame
from fullwell.noise import Noise

__all__ = ["Exposure", "Renders", "expose"]


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


def expose(
    effects: Iterable[Effect],
    scene: Renders | npt.ArrayLike | None,
    exposure_time: u.Quantity | float,
    *,
    detector: Detector,
    noise: Noise,
    dark_time: u.Quantity | float | None = None,
    state: Mapping[str, Mapping[str, Any]] | None = None,
) -> Exposure:
    """Simulate one raw frame with `effects` in the order of their stages; see `SignalChain.expose`."""
    seconds = _seconds("exposure_time", exposure_time)
    dark_seconds = seconds if dark_time is None else _seconds("dark_time", dark_time)
    light = np.zeros(detector.shape, np.float32)
    if scene is not None:
        rendered = scene.render(detector.shape) if hasattr(scene, "render") else np.asarray(scene)
        light = np.broadcast_to(rendered * np.float32(seconds), detector.shape).astype(np.float32)
    signal = Signal(light.copy(), detector, seconds, dark_seconds, state=state or {})
    for effect in effects:
        if effect.stage >= Stage.TRANSFER:
            signal.to_raw()
        effect.simulate(signal, noise=noise)
    # Without an effect of the read-out the frame is as raw as any other.
    signal.to_raw()
    frame = Frame(
        signal.image,
        unit=signal.unit,
        header=Header(),
        detector=detector,
        exposure_time=seconds,
        dark_time=dark_seconds,
    )
    return Exposure(frame, light, signal.truth)


def _seconds(name: str, value: u.Quantity | float) -> float:
    seconds = float(value.to_value(u.s)) if isinstance(value, u.Quantity) else float(value)
    if not (np.isfinite(seconds) and seconds >= 0):
        raise ParameterError(name, value, "0 s or more")
    return seconds
