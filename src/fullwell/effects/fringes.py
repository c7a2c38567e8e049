"""Light of single wavelengths meets its own reflection in the thin silicon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import checked_image, fits
from fullwell.effects.sky_frames import combined_sky
from fullwell.effects.stacking import identity, load_corrected
from fullwell.errors import ChainError, ParameterError
from fullwell.frame import Frame, FrameSet
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.quantities import checked_shape, number, quantity

__all__ = ["Fringes"]

#: Sigma beyond which a pixel does not count when the amplitude is fitted.
CLIP = 3.0

#: What the mean of a pattern may be, as part of its largest value: 0 but for rounding and noise.
MEAN = 0.01


def _pattern(value: Any) -> Any:
    return checked_image("pattern", value)


@attrs.frozen(eq=False)
class Fringes(Effect):
    """Interference pattern of night-sky lines, added to the sky.

    Parameters
    ----------
    pattern : ndarray of float32, shape (rows, columns)
        Mean 0, checked; part of the sky level at amplitude 1.
    amplitude : float
        Times `pattern`, forward; ``state['fringes']['amplitude']`` takes its place in single exposures.
    sky : Quantity, float or None
        Sky level, e-/s, that the pattern is a part of, forward, in exposures with light of the night sky:
        a `Scene` with a `Sky` in it, or an image. Lamps, twilight, the moon and stars have no narrow lines.
        None is the level of that very sky, so that fringes grow with it; of an image it is the median.
    variance : float or ndarray
        Of a measured pattern.
    id : str
        Names a measured pattern by its content.

    Notes
    -----
    Stars have no narrow lines and do not fringe: the pattern is subtracted, never divided by. Its amplitude
    follows the lines and is fitted in every frame (Snodgrass & Carry 2013, The Messenger 152, 14).
    """

    name: ClassVar[str] = "fringes"
    stage: ClassVar[Stage] = Stage.FRINGES
    kind: ClassVar[Kind] = Kind.POINTWISE
    settable: ClassVar[Mapping[str, type[float] | type[str]]] = {"amplitude": float}
    pattern: npt.NDArray[np.float32] = attrs.field(converter=_pattern)
    amplitude: float = attrs.field(default=1.0, **quantity(least=0))
    sky: float | None = attrs.field(default=None, **quantity(u.electron / u.s, least=0, optional=True))
    variance: Any = 0.0
    id: str = ""

    def __attrs_post_init__(self) -> None:
        mean, largest = float(self.pattern.mean(dtype=np.float64)), float(np.abs(self.pattern).max())
        if abs(mean) > MEAN * largest + 1e-6:
            raise ParameterError("mean of the pattern", mean, "0 (subtract it: a pattern adds no light)")

    @classmethod
    def thin_film(
        cls,
        shape: tuple[int, int],
        *,
        seed: int,
        lines: Sequence[tuple[u.Quantity | float, float]] = ((925.0, 1.0), (937.0, 0.8), (952.0, 0.6)),
        thickness: u.Quantity | float = 40.0,
        roughness: u.Quantity | float = 1.0,
        visibility: float = 0.04,
        sky: u.Quantity | float | None = None,
    ) -> Self:
        """Draw the fringes of a film whose thickness wanders.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.
        seed : int
            Of the thickness map.
        lines : sequence of (nanometers, weight)
            Narrow lines of the sky.
        thickness, roughness : Quantity or float
            Mean of the silicon and standard deviation of its slow changes, micrometers.
        visibility : float
            Amplitude of one line's fringes, as part of the sky.
        sky : Quantity, float or None
            As for the class.

        Notes
        -----
        cos(4 pi n d / lambda) for each line, with n = 3.6 of silicon; several lines beat with each other.

        Raises
        ------
        ParameterError
            If a value is impossible.
        """
        shape = checked_shape(shape)
        mean = number(thickness, "thickness", u.um, above=0, most=1e4)
        rough = number(roughness, "roughness", u.um, least=0, below=mean)
        visibility = number(visibility, "visibility", above=0, most=1)
        each = _lines(lines)
        depth = mean + rough * _wandering(shape, seed)
        total = np.zeros(shape)
        for nanometers, weight in each:
            total += weight * np.cos(4 * np.pi * 3.6 * depth * 1000 / nanometers)
        total /= sum(weight for _, weight in each)
        pattern = visibility * (total - total.mean())
        return cls(pattern, sky=sky)

    def simulate(self, signal: Signal, *, noise: Noise) -> None:  # noqa: ARG002
        """Add the pattern in proportion to the exposure time, if there is light of the night sky.

        Raises
        ------
        ParameterError
            If the amplitude that the state sets is negative.
        """
        fits(self.name, self.pattern, signal.image.shape)
        amplitude = float(signal.state.get(self.name, {}).get("amplitude", self.amplitude))
        if not amplitude >= 0:
            raise ParameterError("state['fringes']['amplitude']", amplitude, "0 or more")
        if not (signal.night_sky and signal.image.any()):
            signal.truth["fringe_amplitude"] = 0.0
            return
        added = np.float32(amplitude * self._charge(signal)) * self.pattern
        signal.image = np.maximum(signal.image + added, 0).astype(np.float32)
        signal.truth["fringe_amplitude"] = amplitude

    def _charge(self, signal: Signal) -> float:
        """Electrons of the sky in an exposure."""
        level = signal.sky_level if self.sky is None else self.sky
        if level is None:
            return float(np.median(signal.image))
        return level * signal.exposure_time

    @classmethod
    def measure(
        cls, frames: FrameSet | Iterable[Any], *, known: Chain | None = None, memory: int = 2**29
    ) -> Self:
        """Combine dithered frames of the sky, each at its own level, stars masked.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            Raw sky frames, three or more, the telescope moved between them.
        known : SignalChain, optional
            Takes out bias, dark and flat.
        memory : int
            Ceiling of the working memory in bytes.

        Raises
        ------
        NotEnoughFrames
            With fewer than three frames.
        """
        with ExitStack() as resources:
            held = load_corrected(frames, known, memory=memory, resources=resources)
            sky = combined_sky(held)
        assert sky.variance is not None
        middle = float(np.mean(sky.data[~sky.mask]))
        pattern = np.where(sky.mask | ~np.isfinite(sky.data), 0, sky.data / np.float32(middle) - 1)
        pattern = pattern.astype(np.float32)
        variance = np.where(sky.mask, 0, sky.variance / np.float32(middle**2)).astype(np.float32)
        return cls(pattern, variance=variance, id=identity(pattern, variance, "fringes"))

    def estimate(self, frame: Frame) -> tuple[float, float]:
        """Fit the amplitude of the pattern in one frame.

        Parameters
        ----------
        frame : Frame
            Flat-fielded, the sky still in.

        Returns
        -------
        amplitude, error : float
            In units of the pattern times the unit of the frame.

        Notes
        -----
        Least squares of frame = level + amplitude x pattern over the pixels within 3 sigma, so that stars do
        not count; the noise of a measured pattern makes the amplitude too small by a factor that is divided
        out (Fuller 1987, *Measurement Error Models*, section 1.2).
        """
        good = ~frame.mask & np.isfinite(frame.data)
        data, pattern = frame.data[good].astype(np.float64), self.pattern[good].astype(np.float64)
        kept = np.ones(data.size, bool)
        level, amplitude, error = 0.0, 0.0, float("nan")  # any level to begin with: the median is taken off
        for _ in range(20):
            rest = data - level - amplitude * pattern
            middle = np.median(rest)
            spread = 1.4826 * np.median(np.abs(rest - middle))
            now = np.abs(rest - middle) <= CLIP * max(spread, 1e-12)
            if now.sum() < 10:
                raise ChainError("too few pixels are left to fit the fringes in")
            x = pattern[now] - pattern[now].mean()
            power = float((x * x).sum())
            noise = float(np.sum(np.broadcast_to(self.variance, self.pattern.shape)[good][now]))
            if not power > 2 * noise:
                raise ChainError("the fringe pattern is lost in its own noise; combine more sky frames")
            y = data[now] - data[now].mean()
            amplitude = float((x * y).sum() / (power - noise))
            level = float(data[now].mean() - amplitude * pattern[now].mean())
            left = y - amplitude * x
            error = float(np.sqrt((left * left).mean() / (power - noise)))
            if (now == kept).all():
                break
            kept = now
        return amplitude, error

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Fit the amplitude and subtract the pattern; the card FRINGAMP states it.

        Raises
        ------
        ChainError
            If shapes differ or the fit has nothing to hold on to.
        """
        if self.pattern.shape != frame.shape:
            raise ChainError(f"the fringe pattern has shape {self.pattern.shape}, the frame {frame.shape}")
        amplitude, error = self.estimate(frame)
        header = frame.header.copy()
        header["FRINGAMP"] = (amplitude, f"[{frame.unit}] fitted amplitude of the fringes")
        header["FRINGERR"] = (error, f"[{frame.unit}] its standard error")
        data = (frame.data - np.float32(amplitude) * self.pattern).astype(frame.data.dtype)
        variance = frame.variance
        if variance is not None:
            extra = np.float32(amplitude**2) * np.asarray(self.variance, np.float32)
            variance = variance + extra + np.float32(error**2) * self.pattern**2
        return frame.with_(data=data, variance=variance, header=header)


def _lines(lines: Any) -> list[tuple[float, float]]:
    """Wavelengths in nanometers and weights."""
    try:
        pairs = [(wavelength, weight) for wavelength, weight in lines]
    except (TypeError, ValueError) as error:
        raise ParameterError("lines", lines, "pairs of a wavelength and a weight") from error
    if not pairs:
        raise ParameterError("lines", lines, "one line or more")
    return [
        (
            number(wavelength, "wavelength of lines", u.nm, above=300, below=1200),
            number(weight, "weight of lines", above=0),
        )
        for wavelength, weight in pairs
    ]


def _wandering(shape: tuple[int, int], seed: int) -> npt.NDArray[np.float64]:
    """Smooth random surface of mean 0 and standard deviation 1."""
    white = Noise(seed, FIXED_PATTERN).stream("fringes").normal(shape)
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])
    f2 = fy**2 + fx**2
    # Nothing faster than a sixth of the frame: the film is polished.
    lowest = (1.0 / max(shape)) ** 2
    weight = np.where(f2 > 0, 1 / (f2 + lowest), 0) * np.exp(-f2 / (2 * (6.0 / max(shape)) ** 2))
    surface = np.fft.irfft2(np.fft.rfft2(white) * weight, s=shape)
    spread = float(surface.std())
    return np.asarray((surface - surface.mean()) / (spread if spread else 1.0))
