"""Pixels whose dark current jumps between two values: random telegraph signals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.affine import Affine
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import places
from fullwell.effects.dark_law import scaling_key
from fullwell.effects.silicon import activated, kelvin
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.quantities import checked_shape, number, numbers, pair, quantity

__all__ = ["Telegraph"]

#: Darks that are needed to tell two levels from noise.
LEAST = 8
MOST_ENERGY = 2.0  # eV


def _amplitudes(value: Any) -> npt.NDArray[np.float64]:
    return numbers(value, "amplitude", u.electron / u.s, least=0)


def _energies(value: Any) -> npt.NDArray[np.float64]:
    return numbers(value, "energy", u.eV, above=0, below=MOST_ENERGY)


@attrs.frozen(eq=False)
class Telegraph(Effect):
    """Random telegraph pixels: more dark current for a while, then less.

    Parameters
    ----------
    pixels : array of int, shape (n, 2)
        Rows and columns.
    amplitude : Quantity or array of float
        e-/s by which the upper level is higher, one for all or one each.
    time_high, time_low : Quantity or float
        Mean seconds that a pixel stays in the upper and in the lower level; both are exponential.
    errors : array of float
        Standard errors of `amplitude`, e-/s, where it was measured.
    temperature : Quantity, float or None
        Kelvin for which `amplitude` holds; for any where it is not known.
    energy : Quantity, array of float, or None
        Activation energy of the amplitude, eV, one for all or one each. The times in the levels are taken to
        stay as they are.

    Notes
    -----
    Hopkins & Hopkinson 1995 (IEEE Trans. Nucl. Sci. 42, 2074). An exposure gets the time that the pixel
    spent in the upper level, a Poisson number of electrons for it.
    """

    name: ClassVar[str] = "telegraph"
    stage: ClassVar[Stage] = Stage.TELEGRAPH
    kind: ClassVar[Kind] = Kind.FLAG_ONLY
    pixels: npt.NDArray[np.int64] = attrs.field(converter=places)
    amplitude: npt.NDArray[np.float64] = attrs.field(default=1.0, converter=_amplitudes)
    time_high: float = attrs.field(default=600.0, **quantity(u.s, above=0))
    time_low: float = attrs.field(default=600.0, **quantity(u.s, above=0))
    errors: Any = ()
    temperature: float | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(kelvin)
    )
    energy: npt.NDArray[np.float64] | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(_energies)
    )

    def __attrs_post_init__(self) -> None:
        if self.amplitude.size not in (1, len(self.pixels)):
            raise ParameterError("amplitude", self.amplitude.size, f"1 value, or {len(self.pixels)}")
        if self.energy is not None:
            if self.energy.size not in (1, len(self.pixels)):
                raise ParameterError("energy", self.energy.size, f"1 value, or {len(self.pixels)}")
            if self.temperature is None:
                raise ParameterError(
                    "temperature", None, "the one at which the amplitudes with an energy hold"
                )

    @classmethod
    def random(
        cls,
        shape: tuple[int, int],
        *,
        fraction: float,
        amplitude: tuple[Any, Any],
        seed: int,
        time_high: u.Quantity | float = 600.0,
        time_low: u.Quantity | float = 600.0,
        temperature: u.Quantity | float | None = None,
        energy: tuple[Any, Any] | None = None,
    ) -> Self:
        """Scatter such pixels over a detector, amplitudes even in the logarithm.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.
        fraction : float
            Of the pixels.
        amplitude : tuple of float or Quantity
            Lowest and highest, e-/s, above 0.
        seed : int
        time_high, time_low, temperature
            As for the class.
        energy : tuple of float or Quantity, optional
            Lowest and highest activation energy, eV.

        Raises
        ------
        ParameterError
            If a value is impossible.
        """
        shape = checked_shape(shape)
        fraction = number(fraction, "fraction", least=0, most=1)
        low, high = pair(amplitude, "amplitude", u.electron / u.s, above=0)
        stream = Noise(seed, FIXED_PATTERN).stream(cls.name)
        pixels = np.argwhere(stream.uniform(shape) < fraction)
        rank = stream.uniform(max(len(pixels), 1), draw=1)[: len(pixels)]
        rates = np.exp(np.interp(rank, (0, 1), np.log([low, high])))
        energies: Any = None
        if energy is not None:
            between = pair(energy, "energy", u.eV, above=0, below=MOST_ENERGY)
            energies = np.interp(stream.uniform(max(len(pixels), 1), draw=2), (0, 1), between)
        return cls(
            pixels,
            rates if len(pixels) else low,
            time_high,
            time_low,
            temperature=temperature,
            energy=energies,
        )

    def amplitude_at(self, temperature: float | None) -> npt.NDArray[np.float64]:
        """Return the amplitudes at a temperature in kelvin, e-/s; as they are where none is given.

        Raises
        ------
        ChainError
            If the temperature is more than 1 K away from that of the amplitudes, and no energy is known.
        """
        if self.temperature is None or temperature is None:
            return self.amplitude
        if self.energy is not None:
            return self.amplitude * activated(self.energy, temperature, since=self.temperature)
        if scaling_key(None, self.temperature, temperature) is not None:
            raise ChainError(
                f"telegraph: amplitudes hold for {self.temperature:.1f} K, the exposure has "
                f"{temperature:.1f} K; give their activation energies"
            )
        return self.amplitude

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add the electrons of the upper level; ``signal.truth['telegraph']`` has the seconds in it."""
        if not len(self.pixels):
            return
        outside = (self.pixels >= signal.image.shape).any(axis=1)
        if outside.any():
            raise ChainError(
                f"telegraph pixel {tuple(map(int, self.pixels[outside][0]))} lies outside of the frame of "
                f"{signal.image.shape}"
            )
        stream = noise.stream(self.name)
        before = signal.memory.get(self.name)
        high, after = self._time_in_upper(signal.dark_time, stream, before, idle=signal.idle or 0.0)
        amplitude = self.amplitude_at(signal.temperature)
        electrons = stream.poisson((amplitude * high).astype(np.float32), draw=1)
        image = signal.image.copy()
        np.add.at(image, tuple(self.pixels.T), electrons)
        signal.image = image
        signal.truth[self.name] = high
        signal.memory[self.name] = after

    def _time_in_upper(
        self, seconds: float, stream: Any, before: npt.NDArray[np.bool_] | None, *, idle: float
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Seconds that each pixel spends in the upper level, jump by jump, and whether it ends there."""
        n = len(self.pixels)
        # Exponential times have no memory of their own: the level at the end is all there is to remember.
        chance = np.full(n, self.time_high / (self.time_high + self.time_low))
        if before is not None:
            # What is remembered fades towards the mean with the sum of both rates.
            chance += (before - chance) * np.exp(-idle * (1 / self.time_high + 1 / self.time_low))
        state = stream.uniform(n, draw=2) < chance
        left, high, draw = np.full(n, seconds), np.zeros(n), 3
        # Fast pixels average out: after that many jumps the rest is as good as its mean.
        for _ in range(1000):
            stay = np.where(state, self.time_high, self.time_low)
            stay = np.minimum(-stay * np.log(stream.uniform(n, draw=draw)), left)
            high += np.where(state, stay, 0.0)
            left, draw = left - stay, draw + 1
            state = np.where(left > 0, ~state, state)
            if not left.any():
                return high, state
        return high + left * self.time_high / (self.time_high + self.time_low), state

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        threshold: float = 6.0,
    ) -> Self:
        """Find pixels that scatter from dark to dark by more than their noise, on two levels.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            Eight darks or more of one length.
        known : SignalChain, optional
            Takes out bias and dark, and gives the variance; must know gain and read noise.
        threshold : float
            Least distance of the two levels, in standard deviations of a single value.

        Returns
        -------
        Telegraph
            Amplitudes are distances of the levels; the times are not measured.

        Raises
        ------
        NotEnoughFrames
            With fewer than eight darks.
        ChainError
            If the frames have no variance, electrons or time.
        """
        held = [as_frame(frame) if known is None else known.correct(as_frame(frame)) for frame in frames]
        if len(held) < LEAST:
            raise NotEnoughFrames(f"two levels show in {LEAST} darks or more, there are {len(held)}")
        time = held[0].dark_time
        if any(f.variance is None or f.unit != u.electron for f in held) or not time:
            raise ChainError("telegraph pixels are found in electrons, with a variance and a dark time")
        values = np.sort(np.stack([frame.data for frame in held]), axis=0).astype(np.float64)
        variances: Any = [frame.variance for frame in held]
        sigma = np.sqrt(np.median(variances, axis=0))
        good = ~np.any([frame.mask for frame in held], axis=0)
        gaps = np.diff(values[1:-1], axis=0)  # one outlier on either side is no level but a cosmic ray
        widest = gaps.argmax(axis=0)
        gap = np.take_along_axis(gaps, widest[None], axis=0)[0]
        cumulated = np.cumsum(values, axis=0)
        below = np.take_along_axis(cumulated, widest[None] + 1, axis=0)[0] / (widest + 2)
        above = (cumulated[-1] - below * (widest + 2)) / (len(held) - widest - 2)
        found = good & (gap > 0.5 * threshold * sigma) & (above - below > threshold * sigma)
        # The variance of each level: that of a mean frame, and the shot noise by which the level differs.
        common = np.mean(variances, axis=0) - cumulated[-1] / len(held)
        variance = (common + below) / (widest + 2) + (common + above) / (len(held) - widest - 2)
        pixels = np.argwhere(found)
        if not len(pixels):
            return cls(pixels, 0.0, temperature=held[0].temperature)
        errors = np.sqrt(np.maximum(variance[found], 0.0)) / time
        amplitude = (above - below)[found] / time
        return cls(pixels, amplitude, errors=errors, temperature=held[0].temperature)

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:  # noqa: ARG002
        """Flag the pixels as HOT: nobody knows which level they were in.

        Raises
        ------
        ChainError
            If a pixel lies outside of the frame.
        """
        flags = np.zeros(frame.shape, FLAG_DTYPE)
        if len(self.pixels):
            if (self.pixels >= frame.shape).any():
                raise ChainError(f"a telegraph pixel lies outside of a frame of {frame.shape}")
            flags[tuple(self.pixels.T)] = FLAG_DTYPE.type(Flags.HOT)
        return Affine(flags=flags)
