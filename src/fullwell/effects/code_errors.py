"""Codes of the converter that are too wide, too narrow, or stuck."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.errors import NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.quantities import number, numbers, quantity

__all__ = ["CodeErrors"]

#: Counts that a code needs before its width is believed: 10 % then.
ENOUGH = 100


def _widths(value: Any) -> npt.NDArray[np.float64]:
    array = numbers(value, "widths", least=0, most=2**24)
    if not 2 <= array.size <= 2**24:
        raise ParameterError("widths", array.size, "two widths or more, at most 2^24")
    if not array.any():
        raise ParameterError("widths", 0.0, "above 0 for one code at least: no input would give any code")
    return array


@attrs.frozen(eq=False)
class CodeErrors(Effect):
    """Differential non-linearity and stuck bits of an analog-to-digital converter.

    Parameters
    ----------
    widths : array of float, shape (codes,)
        Range of input that gives each code, in steps; 1 is right, 0 is a missing code.
    first : int
        The code of the first width; those below and above are right.
    stuck_high, stuck_low : int
        Bits that always read 1, and 0, as a mask.
    errors : array of float
        Standard errors of `widths`, where they were measured.

    Raises
    ------
    ParameterError
        If a value is impossible, or a bit stuck both ways.

    Notes
    -----
    IEEE Std 1241, section 4.7: DNL is the width of a code less 1. It stands before `ADC`, which rounds what
    is whole already.
    """

    name: ClassVar[str] = "code_errors"
    stage: ClassVar[Stage] = Stage.CODE_ERRORS
    kind: ClassVar[Kind] = Kind.NOISE_ONLY
    widths: npt.NDArray[np.float64] = attrs.field(converter=_widths)
    first: int = attrs.field(default=0, **quantity(least=0, below=2**24, whole=True))
    stuck_high: int = attrs.field(default=0, **quantity(least=0, below=2**24, whole=True))
    stuck_low: int = attrs.field(default=0, **quantity(least=0, below=2**24, whole=True))
    errors: Any = ()

    def __attrs_post_init__(self) -> None:
        if self.stuck_high & self.stuck_low:
            raise ParameterError("stuck_high", self.stuck_high, "no bit of stuck_low as well")

    @classmethod
    def random(cls, bits: int, *, scatter: float, seed: int, **stuck: int) -> Self:
        """Draw widths around 1 that add up to the whole range.

        Parameters
        ----------
        bits : int
            8 to 24.
        scatter : float
            Standard deviation of a width, 0 to 0.3.
        seed : int
        **stuck
            `stuck_high` and `stuck_low`.
        """
        bits = number(bits, "bits", least=8, most=24, whole=True)
        scatter = number(scatter, "scatter", least=0, most=0.3)
        normal = Noise(seed, FIXED_PATTERN).stream(cls.name).normal(2**bits)
        widths = np.maximum(1 + scatter * normal.astype(np.float64), 0)
        return cls(widths * (widths.size / widths.sum()), **stuck)

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """Input at which each code begins, and the end of the last one; 1 more than widths."""
        return np.concatenate([[0.0], np.cumsum(self.widths)]) + (self.first - 0.5)

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Replace each value by the code that the converter gives."""
        signal.to_raw()
        edges = self.edges
        value = signal.image.astype(np.float64)
        codes = np.floor(value + 0.5)
        inside = (value >= edges[0]) & (value < edges[-1])
        codes[inside] = self.first + np.searchsorted(edges, value[inside], side="right") - 1
        # What the range misses or has too much moves everything above it.
        above = value >= edges[-1]
        codes[above] = np.floor(value[above] - (edges[-1] - self._end) + 0.5)
        if self.stuck_high or self.stuck_low:
            whole = np.maximum(codes, 0).astype(np.int64)
            codes = ((whole | self.stuck_high) & ~np.int64(self.stuck_low)).astype(np.float64)
        dtype = np.float32 if np.abs(codes).max(initial=0.0) < 2**24 else np.float64
        signal.image = codes.astype(dtype)

    @property
    def _end(self) -> float:
        return self.first + self.widths.size - 0.5

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,  # noqa: ARG003 - as every effect's; codes are what was read
        window: int = 65,
    ) -> Self:
        """Count the codes of frames whose light spreads over many of them.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            Raw frames of whole numbers, as of a ramp; each code is compared with those around it.
        window : int
            Codes, an odd number: the histogram of the light must be smooth over so many.

        Returns
        -------
        CodeErrors
            Over the codes that were seen 100 times or more on average, with errors.

        Raises
        ------
        NotEnoughFrames
            If no code is seen often enough.
        ParameterError
            If pixels are no whole numbers, or `window` is not odd.
        """
        if window < 5 or window % 2 == 0:
            raise ParameterError("window", window, "an odd number of 5 codes or more")
        counts = np.zeros(1, np.int64)
        ever, always = np.int64(0), ~np.int64(0)
        for source in frames:
            data = as_frame(source).data
            if data.dtype.kind not in "iu":
                raise ParameterError("pixels", data.dtype, "whole numbers, as they were read")
            values = data.astype(np.int64).ravel()
            if values.min() < 0 or values.max() >= 2**24:
                raise ParameterError("pixels", (values.min(), values.max()), "0 to 2^24 - 1")
            more = np.bincount(values)
            counts = np.pad(counts, (0, max(more.size - counts.size, 0)))
            counts[: more.size] += more
            ever, always = ever | np.bitwise_or.reduce(values), always & np.bitwise_and.reduce(values)
        seen = np.flatnonzero(counts)
        # Over a range of four times its value a bit that works reads 0 and 1.
        live = sum(1 << b for b in range(24) if seen[-1] - seen[0] >= 4 << b)
        stuck = {"stuck_high": int(always) & live, "stuck_low": ~int(ever) & live}
        return cls._of_counts(counts, window, stuck)

    @classmethod
    def _of_counts(cls, counts: npt.NDArray[np.int64], window: int, stuck: dict[str, int]) -> Self:
        smooth = np.convolve(counts, np.full(window, 1 / window), mode="same")
        often = np.flatnonzero(smooth >= ENOUGH)
        if often.size < 3 * window:
            raise NotEnoughFrames(
                f"{often.size} codes are seen {ENOUGH} times; take frames with more light levels"
            )
        start, stop = int(often[0]) + window, int(often[-1]) + 1 - window
        widths = counts[start:stop] / np.maximum(smooth[start:stop], 1e-9)
        errors = np.sqrt(np.maximum(counts[start:stop], 1.0)) / np.maximum(smooth[start:stop], 1e-9)
        return cls(widths, first=start, errors=errors, **stuck)

    def flag(self, frame: Frame) -> FlagImage | None:
        """Flag values whose stuck bits make them ambiguous as SUSPECT."""
        if not (self.stuck_high or self.stuck_low):
            return None
        return np.full(frame.shape, FLAG_DTYPE.type(Flags.SUSPECT))

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Put every code into the middle of its range; a width beyond the right one counts as noise.

        Stuck bits cannot be repaired.
        """
        edges = self.edges
        index = np.clip(np.nan_to_num(frame.data) - self.first, 0, self.widths.size - 1).astype(np.int64)
        inside = (frame.data >= self.first) & (frame.data < self.first + self.widths.size)
        middle = 0.5 * (edges[index] + edges[index + 1])
        shift = edges[-1] - self._end
        above = frame.data >= self.first + self.widths.size
        data = np.where(inside, middle, np.where(above, frame.data + shift, frame.data))
        variance = frame.variance
        extra = np.where(inside, (self.widths[index] ** 2 - 1) / 12, 0).astype(np.float32)
        if variance is not None:
            variance = np.maximum(variance + extra, 0)
        elif extra.any():
            variance = np.maximum(extra, 0)
        return frame.with_(data=data.astype(frame.data.dtype), variance=variance)
