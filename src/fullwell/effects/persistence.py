"""Charge that was trapped in a bright exposure and comes out in later ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import electrons, seconds
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.noise import Noise

__all__ = ["Persistence"]


@attrs.frozen(eq=False)
class Persistence(Effect):
    """Traps that fill in light and empty with time; also called residual bulk image.

    Parameters
    ----------
    fraction : float
        Part of the charge above `threshold` that is trapped.
    time_constant : Quantity or float
        Seconds in which the traps empty to 1/e.
    threshold : Quantity or float
        Electrons up to which nothing is trapped.
    capacity : Quantity or float
        Electrons that the traps of a pixel hold at most.
    idle : Quantity or float
        Seconds between the end of one exposure and the start of the next, read-out included.
    trapped : ndarray or None, shape (rows, columns)
        Electrons that the traps hold when the frame to be corrected starts; see `following`.
    suspect : Quantity or float
        Electrons of persistence from which on a corrected pixel is SUSPECT.
    errors : tuple of float
        Standard errors of fraction and time constant, where they were measured.

    Raises
    ------
    ParameterError
        If a value is impossible.
    """

    name: ClassVar[str] = "persistence"
    stage: ClassVar[Stage] = Stage.PERSISTENCE
    kind: ClassVar[Kind] = Kind.POINTWISE
    fraction: float = 1e-3
    time_constant: float = attrs.field(default=200.0, converter=seconds)
    threshold: float = attrs.field(default=0.0, converter=electrons)
    capacity: float = attrs.field(default=np.inf, converter=electrons)
    idle: float = attrs.field(default=0.0, converter=seconds)
    trapped: npt.NDArray[np.float32] | None = None
    suspect: float = attrs.field(default=5.0, converter=electrons)
    errors: tuple[float, ...] = ()

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.fraction <= 1:
            raise ParameterError("fraction", self.fraction, "0 to 1")
        if not (np.isfinite(self.time_constant) and self.time_constant > 0):
            raise ParameterError("time_constant", self.time_constant, "above 0 s")
        for name in ("threshold", "capacity", "idle", "suspect"):
            if not getattr(self, name) >= 0:
                raise ParameterError(name, getattr(self, name), "0 or more")

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Release what ``signal.memory`` (at first `trapped`) holds, a Poisson number, and trap anew."""
        held = signal.memory.get(self.name)
        if held is not None:
            held = self._after(held, self.idle)
        else:
            held = np.zeros(signal.image.shape, np.float32) if self.trapped is None else self.trapped
        caught = self._caught(signal.image, held)
        expected = self._released(held, signal.dark_time)
        if expected.any():
            signal.image = signal.image + noise.stream(self.name).poisson(expected)
        signal.truth[self.name] = expected
        signal.memory[self.name] = (held - expected + caught).astype(np.float32)

    def _after(self, held: Any, seconds: float) -> Any:
        return (held * np.exp(-seconds / self.time_constant)).astype(np.float32)

    def _released(self, held: Any, seconds: float) -> Any:
        return (held * -np.expm1(-seconds / self.time_constant)).astype(np.float32)

    def _caught(self, charge: Any, held: Any) -> Any:
        wanted = self.fraction * np.maximum(charge - self.threshold, 0)
        return np.minimum(wanted, np.maximum(self.capacity - held, 0)).astype(np.float32)

    def following(self, frames: Iterable[Frame]) -> Self:
        """Return the effect as it stands after these corrected exposures, oldest first, up to the next one.

        Parameters
        ----------
        frames : iterable of Frame
            In electrons, dark and bias taken out; saturated pixels count with what they say.

        Raises
        ------
        ChainError
            If a frame is not in electrons or has no time.
        """
        held = self.trapped
        for frame in frames:
            if frame.unit != u.electron or frame.dark_time is None:
                raise ChainError("what the traps caught is known from frames in electrons with a dark time")
            before = np.zeros(frame.shape, np.float32) if held is None else held
            charge = np.where(np.isfinite(frame.data), frame.data, 0)
            left = before - self._released(before, frame.dark_time)
            held = self._after(left + self._caught(charge, before), self.idle)
        return attrs.evolve(self, trapped=held)

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        threshold: u.Quantity | float = 0.0,
        idle: u.Quantity | float = 0.0,
    ) -> Self:
        """Fit trap fraction and time constant to darks that follow a flat.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            The flat first, then the darks in order; exposure times in all of them.
        known : SignalChain, optional
            Takes out bias, dark and gain.
        threshold, idle
            As for the class; they are not fitted.

        Raises
        ------
        NotEnoughFrames
            With fewer than two darks.
        ChainError
            If the frames are not in electrons, or the darks show nothing.
        """
        held = [as_frame(frame) if known is None else known.correct(as_frame(frame)) for frame in frames]
        if len(held) < 3:
            raise NotEnoughFrames(
                f"persistence needs a flat and two darks behind it, there are {len(held)} frames"
            )
        if any(frame.unit != u.electron or frame.dark_time is None for frame in held):
            raise ChainError("persistence is measured in electrons and seconds; is a gain or a time missing?")
        good = ~np.any([frame.mask for frame in held], axis=0)
        source = float(np.maximum(held[0].data[good] - electrons(threshold), 0).mean())
        means = np.array([_mean(frame, good) for frame in held[1:]])
        starts, lengths = _clock(held, seconds(idle))
        fraction, tau, errors = _fit(means, source, starts, lengths)
        return cls(fraction, tau, threshold=threshold, idle=idle, errors=errors)

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Subtract what the traps release, and flag where that is much.

        Its shot noise stays in the variance, to which the electrons were counted.

        Raises
        ------
        ChainError
            If the frame is not in electrons, or has another shape than `trapped`.
        """
        if self.trapped is None:
            return frame
        if frame.unit != u.electron or frame.dark_time is None:
            raise ChainError("persistence is subtracted in electrons from frames with a dark time")
        if self.trapped.shape != frame.shape:
            raise ChainError(f"the traps have shape {self.trapped.shape}, the frame {frame.shape}")
        expected = self._released(self.trapped, frame.dark_time)
        flags = frame.flags | np.where(
            expected > self.suspect, FLAG_DTYPE.type(Flags.SUSPECT), FLAG_DTYPE.type(0)
        )
        return frame.with_(data=(frame.data - expected).astype(frame.data.dtype), flags=flags)


def _mean(frame: Frame, good: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Mean of the good pixels without outliers, and its error."""
    data = frame.data[good].astype(np.float64)
    middle, spread = np.median(data), 1.4826 * np.median(np.abs(data - np.median(data)))
    kept = data[np.abs(data - middle) <= 5 * max(spread, 1e-12)]
    return float(kept.mean()), float(kept.std(ddof=1) / np.sqrt(kept.size))


def _clock(held: Sequence[Frame], idle: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Seconds from the end of the flat to the start of each dark, and how long the darks are."""
    lengths = np.array([float(frame.dark_time or 0.0) for frame in held[1:]])
    starts = idle * np.arange(1, lengths.size + 1) + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    return starts, lengths


def _fit(
    means: npt.NDArray[np.float64],
    source: float,
    starts: npt.NDArray[np.float64],
    lengths: npt.NDArray[np.float64],
) -> tuple[float, float, tuple[float, float]]:
    """Weighted fit of fraction x source x exp(-start/tau) (1 - exp(-length/tau)), in the logarithms."""
    from scipy.optimize import curve_fit

    values, errors = means.T
    if not values[0] > 3 * errors[0] or not source > 0:
        raise ChainError(f"no persistence is seen: {values[0]:.3g} +- {errors[0]:.2g} e- in the first dark")

    def model(_: Any, amplitude: float, log_tau: float) -> Any:
        tau = np.exp(log_tau)
        return np.exp(amplitude) * source * np.exp(-starts / tau) * -np.expm1(-lengths / tau)

    tau = float(np.clip(lengths.sum(), 1.0, 1e6))
    start = (np.log(values[0] / source / -np.expm1(-lengths[0] / tau)), np.log(tau))
    best, covariance = curve_fit(model, starts, values, p0=start, sigma=errors, absolute_sigma=True)
    fraction, tau = np.exp(best)
    spread = np.sqrt(np.diag(covariance))
    return float(fraction), float(tau), (float(fraction * spread[0]), float(tau * spread[1]))
