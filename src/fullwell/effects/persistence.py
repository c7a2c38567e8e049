"""Charge that was trapped in a bright exposure and comes out in later ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import matrix_of
from fullwell.errors import ChainError, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame, FrameSet
from fullwell.noise import Noise
from fullwell.quantities import dimensions, in_unit, number, numbers, quantity, switches

__all__ = ["Persistence"]

#: Put charge back until it changes by less than this part of itself.
SETTLED = 3e-7
ROUNDS = 200

Kinds = float | tuple[float, ...]


def _one_or_more(value: Any, name: str, unit: u.UnitBase | None = None, **bounds: Any) -> Kinds:
    """One number stays one, a sequence becomes a tuple, one a kind of trap."""
    found = numbers(value, name, unit, **bounds)
    return float(found[0]) if dimensions(value) == 0 else tuple(found.tolist())


def _held(value: Any) -> npt.NDArray[np.float32]:
    plain = matrix_of("trapped", in_unit(value, u.electron, name="trapped"))
    with np.errstate(over="ignore"):
        array = plain.astype(np.float32)
    array = array[None] if array.ndim == 2 else array
    bad = ~(np.isfinite(array) & (array >= 0))
    if array.ndim != 3 or not array.size or bad.any():
        seen = float(array[bad][0]) if bad.any() else array.shape
        raise ParameterError("trapped", seen, "images of electrons, finite and 0 or more, one a kind of trap")
    return array


def _fraction(value: Any) -> Any:
    return _one_or_more(value, "fraction", least=0, most=1)


def _time_constant(value: Any) -> Any:
    return _one_or_more(value, "time_constant", u.s, above=0)


def _capacity(value: Any) -> Any:
    return _one_or_more(value, "capacity", u.electron, least=0, infinite=True)


@attrs.frozen(eq=False)
class Persistence(Effect):
    """Traps that fill in light and empty with time; also called residual bulk image.

    Parameters
    ----------
    fraction : float or sequence of float
        Part of the charge above `threshold` that is trapped. Several are several kinds of traps, and so are
        time constants and capacities; one number holds for all.
    time_constant : Quantity, float or sequence
        Seconds in which the traps empty to 1/e.
    threshold : Quantity or float
        Electrons up to which nothing is trapped.
    capacity : Quantity, float or sequence
        Electrons that the traps of a pixel hold at most.
    idle : Quantity or float
        Seconds between the end of one exposure and the start of the next, read-out included, where a sequence
        does not state them.
    trapped : ndarray or None, shape (rows, columns) or (kinds, rows, columns)
        Electrons that the traps hold when the frame to be corrected starts; see `following`. None is empty.
    suspect : Quantity or float
        Electrons of persistence from which on a corrected pixel is SUSPECT.
    errors : tuple of float
        Standard errors of the fractions, then of the time constants, where they were measured.
    conserving : bool
        Whether what is trapped is missing in the exposure that fills the traps; `correct` puts it back.

    Raises
    ------
    ParameterError
        If a value is impossible.
    """

    name: ClassVar[str] = "persistence"
    stage: ClassVar[Stage] = Stage.PERSISTENCE
    kind: ClassVar[Kind] = Kind.POINTWISE
    fraction: Kinds = attrs.field(default=1e-3, converter=_fraction)
    time_constant: Kinds = attrs.field(default=200.0, converter=_time_constant)
    threshold: float = attrs.field(default=0.0, **quantity(u.electron, least=0))
    capacity: Kinds = attrs.field(default=np.inf, converter=_capacity)
    idle: float = attrs.field(default=0.0, **quantity(u.s, least=0))
    trapped: npt.NDArray[np.float32] | None = attrs.field(
        default=None, converter=attrs.converters.optional(_held)
    )
    suspect: float = attrs.field(default=5.0, **quantity(u.electron, least=0))
    errors: tuple[float, ...] = ()
    conserving: bool = attrs.field(default=True, kw_only=True, **switches())

    def __attrs_post_init__(self) -> None:
        sizes = {np.size(getattr(self, name)) for name in ("fraction", "time_constant", "capacity")}
        if len(sizes - {1}) > 1:
            raise ParameterError(
                "fraction, time_constant and capacity",
                sorted(sizes),
                "one value, or one for each kind of trap",
            )
        # With all of them together at 1 no charge would be left.
        total = float(self._each(self.fraction).sum())
        if not total <= 1 or (self.conserving and not total < 1):
            limit = "below 1" if self.conserving else "to 1"
            raise ParameterError("fraction", self.fraction, f"0 {limit}, all kinds together")
        if self.trapped is not None and len(self.trapped) != self.kinds:
            raise ParameterError("trapped", self.trapped.shape, f"{self.kinds} images, one a kind of trap")

    @property
    def kinds(self) -> int:
        """Number of kinds of traps."""
        return max(np.size(value) for value in (self.fraction, self.time_constant, self.capacity))

    def _each(self, value: Kinds) -> npt.NDArray[np.float32]:
        """One value a kind, to go with images."""
        values = np.broadcast_to(np.asarray(value, np.float32), (self.kinds,))
        return np.asarray(values[:, None, None])

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Release what ``signal.memory`` (at first `trapped`) holds, a Poisson number, and trap anew."""
        held = signal.memory.get(self.name)
        if held is None:
            held = self._at_first(signal.image.shape)
        else:
            held = self._after(held, self.idle if signal.idle is None else signal.idle)
        caught = self._caught(signal.image, held)
        released = self._released(held, signal.dark_time)
        expected = released.sum(axis=0)
        if self.conserving and caught.any():
            signal.image = signal.image - caught.sum(axis=0)
        if expected.any():
            signal.image = signal.image + noise.stream(self.name).poisson(expected)
        signal.truth[self.name] = expected
        signal.memory[self.name] = (held - released + caught).astype(np.float32)

    def _at_first(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        if self.trapped is None:
            return np.zeros((self.kinds, *shape), np.float32)
        if self.trapped.shape[1:] != shape:
            raise ChainError(f"the traps have shape {self.trapped.shape[1:]}, the frame {shape}")
        return self.trapped

    def _after(self, held: Any, seconds: float) -> Any:
        return (held * np.exp(-np.float32(seconds) / self._each(self.time_constant))).astype(np.float32)

    def _released(self, held: Any, seconds: float) -> Any:
        part = -np.expm1(-np.float32(seconds) / self._each(self.time_constant))
        return (held * part).astype(np.float32)

    def _caught(self, charge: Any, held: Any) -> Any:
        wanted = self._each(self.fraction) * np.maximum(charge - np.float32(self.threshold), 0)
        room = np.maximum(self._each(self.capacity) - held, 0)
        return np.minimum(wanted, room).astype(np.float32)

    def _before_capture(self, left: Any, held: Any) -> Any:
        """Charge of which `left` is what the traps did not take: ``left = charge - caught(charge)``."""
        if not self.conserving:
            return left
        charge = left
        # Each round shrinks what is missing by the fraction, which is far below 1.
        for _ in range(ROUNDS):
            again = (left + self._caught(charge, held).sum(axis=0)).astype(np.float32)
            if np.all(np.abs(again - charge) <= SETTLED * np.maximum(np.abs(again), 1)):
                break
            charge = again
        return again

    def following(
        self, frames: Iterable[Frame], *, idle: u.Quantity | float | Sequence[float] | None = None
    ) -> Self:
        """Return the effect as it stands after these corrected exposures, oldest first, up to the next one.

        Parameters
        ----------
        frames : iterable of Frame
            In electrons, dark and bias taken out; saturated pixels count with what they say. They may hold
            what the traps let go, and lack what the traps took, or be corrected for that.
        idle : Quantity, float or sequence, optional
            Seconds behind each frame, one for all or one each; `Persistence.idle` if not given.

        Raises
        ------
        ChainError
            If a frame is not in electrons or has no time.
        ParameterError
            If there are not as many idle times as frames.
        """
        held = self.trapped
        todo = list(frames)
        idles = numbers(self.idle if idle is None else idle, "idle", u.s, least=0)
        if idles.size not in (1, len(todo)):
            raise ParameterError("idle", idle, f"0 s or more, one value or {len(todo)}")
        for frame, pause in zip(todo, np.broadcast_to(idles, (len(todo),)), strict=True):
            if frame.unit != u.electron or frame.dark_time is None:
                raise ChainError("what the traps caught is known from frames in electrons with a dark time")
            before = np.zeros((self.kinds, *frame.shape), np.float32) if held is None else held
            charge = np.where(np.isfinite(frame.data), frame.data, 0)
            if self.name not in frame.applied:
                charge = self._before_capture(charge, before)
            left = before - self._released(before, frame.dark_time)
            held = self._after(left + self._caught(charge, before), float(pause))
        return attrs.evolve(self, trapped=held)

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        threshold: u.Quantity | float = 0.0,
        idle: u.Quantity | float = 0.0,
        most: int = 3,
    ) -> Self:
        """Fit trap fractions and time constants to darks that follow a flat.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            The flat first, then the darks in order; exposure times in all of them.
        known : SignalChain, optional
            Takes out bias, dark and gain.
        threshold, idle
            As for the class; they are not fitted.
        most : int
            Kinds of traps at most. A further one is believed where it lowers chi-square by 13.8, which chance
            does once in a thousand times, there are more darks than unknowns, and each fraction is 3 standard
            errors or more above 0.

        Returns
        -------
        Persistence
            The shortest time constant first; one number each where a single one tells all that is seen.

        Raises
        ------
        NotEnoughFrames
            With fewer than two darks.
        ChainError
            If the frames are not in electrons, or the darks show nothing.
        """
        from fullwell.effects.persistence_fit import fit_decay

        decay = fit_decay(
            frames,
            known=known,
            threshold=number(threshold, "threshold", u.electron, least=0),
            idle=number(idle, "idle", u.s, least=0),
            most=most,
        )
        # What was trapped is missing in the flat.
        source = decay.source + sum(decay.amplitudes)
        fractions = tuple(amplitude / source for amplitude in decay.amplitudes)
        errors = (*(error / source for error in decay.amplitude_errors), *decay.time_errors)
        single = len(fractions) == 1
        return cls(
            fractions[0] if single else fractions,
            decay.times[0] if single else decay.times,
            threshold=threshold,
            idle=idle,
            errors=errors,
        )

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Subtract what the traps release, put back what they took, and flag where the first is much.

        The shot noise stays in the variance, to which the electrons were counted.

        Raises
        ------
        ChainError
            If the frame is not in electrons, or has another shape than `trapped`.
        """
        if self.trapped is None and not self.conserving:
            return frame
        if frame.unit != u.electron or frame.dark_time is None:
            raise ChainError("persistence is subtracted in electrons from frames with a dark time")
        held = self._at_first(frame.shape)
        expected = self._released(held, frame.dark_time).sum(axis=0)
        flags = frame.flags | np.where(
            expected > self.suspect, FLAG_DTYPE.type(Flags.SUSPECT), FLAG_DTYPE.type(0)
        )
        left = frame.data - expected
        known = np.isfinite(left)
        charge = self._before_capture(np.where(known, left, 0), held)
        return frame.with_(data=np.where(known, charge, left).astype(frame.data.dtype), flags=flags)
