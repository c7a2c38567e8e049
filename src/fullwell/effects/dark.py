"""Dark current: electrons that come without light, and hot pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.combining import DEFAULT_MEMORY
from fullwell.detector import Detector
from fullwell.effects.affine import Affine, MasterTerm
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import checked_image
from fullwell.effects.dark_fit import line_weights
from fullwell.effects.dark_law import DarkLaw, Scaling, scaling, scaling_key
from fullwell.effects.silicon import kelvin
from fullwell.effects.stacking import to_unit
from fullwell.errors import ChainError, ParameterError
from fullwell.flags import FlagImage
from fullwell.frame import Frame, FrameSet, Shared
from fullwell.kernels.simulate import Op, Step
from fullwell.noise import Noise
from fullwell.quantities import dimensions, in_unit, number, quantity

__all__ = ["Dark", "DarkLevel", "DarkWeights", "per_second_weights"]

MIN_FRAMES = 3
SAME_LENGTH = 1e-3  # relative


@attrs.frozen(eq=False)
class DarkLevel:
    """Mean of the dark frames of one length.

    Parameters
    ----------
    time : float
        Seconds of dark current.
    level : ndarray of float32, shape (rows, columns)
        In the unit of the `Dark`, the masters in `Dark.shared` taken out.
    variance : ndarray or float
        Own variance of `level`.
    count : int
        Number of frames.
    id : str
        Names the level by its content.
    noise : tuple of float
        Standard deviation of one frame of this length, per amplifier, as its frames show it: read noise,
        rounding and the shot noise of the typical dark current. Empty where that was not measured.
    """

    time: float
    level: npt.NDArray[np.float32]
    variance: Any
    count: int
    id: str
    noise: tuple[float, ...] = ()

    @cached_property
    def typical_variance(self) -> float:
        """Median of the variance where there is one; a pixel without any value must not spoil all weights."""
        variance = np.asarray(self.variance)
        finite = variance[np.isfinite(variance)]
        return float(np.median(finite)) if finite.size else float("nan")


@attrs.frozen
class DarkWeights:
    """How levels are put together for one exposure.

    Parameters
    ----------
    weights : tuple of float
        One a level.
    rule : str
        ``'same length'``, ``'scaled down'``, ``'scaled up'``, ``'line'`` or ``'line extended'``.
    """

    weights: tuple[float, ...]
    rule: str


def per_second_weights(levels: Sequence[DarkLevel], bias_time: float) -> npt.NDArray[np.float64]:
    """Weights that make the rate of the levels: of the least-squares line, or of the one level and a bias."""
    if len(levels) == 1:
        return np.array([1.0 / (levels[0].time - bias_time)])
    times, variances = [level.time for level in levels], [level.typical_variance for level in levels]
    return line_weights(times, variances, 1.0) - line_weights(times, variances, 0.0)


def _rate(value: Any) -> Any:
    return _number(value, u.electron / u.s, "rate")


def _offset(value: Any) -> Any:
    return _number(value, u.electron, "offset")


def _number(value: Any, unit: u.UnitBase, name: str) -> Any:
    if value is None:
        return None
    if dimensions(value) < 1:
        return number(value, name, unit)
    # A measured image has pixels without a value.
    plain = np.asarray(in_unit(value, unit, name=name))
    if plain.ndim != 2 or not plain.size or plain.dtype.kind not in "biuf":
        seen = plain.shape if plain.dtype.kind in "biuf" else plain.dtype.name
        raise ParameterError(name, seen, f"a number, or a two-dimensional image with pixels, in {unit}")
    return plain.astype(np.float32, copy=False)


@attrs.frozen(eq=False)
class Dark(Effect):
    """Dark current, ``rate * (time + dead_time) + offset`` electrons, Poisson.

    Parameters
    ----------
    rate : Quantity, float or ndarray
        e-/s for each pixel (ADU/s where `unit` is ADU).
    offset : Quantity, float or ndarray
        e- that come with any exposure, however short, but not with a bias of zero seconds, and do not grow
        with time.
    dead_time : Quantity or float
        Seconds in which charge collects beyond the exposure, between clearing and read-out.
    unit : astropy unit
        Electron, or ADU for a dark measured without a gain.
    levels : tuple of DarkLevel
        What a measured dark is made of, shortest first.
    shared : dict of str to Shared
        Masters that were taken out of its frames, with the coefficient of their noise.
    bias_included : bool
        Whether the levels hold the bias, because none was known.
    bias_time : float
        Dark time of the bias that was taken out.
    flags : ndarray of uint16 or None
        HOT and whatever most of its frames had.
    applied : tuple of str
        Effects taken out of its frames.
    statistics : dict
        What happened when it was measured.
    temperature : Quantity, float or None
        Kelvin (or a Quantity) for which `rate` and `levels` hold; that of the `law` where there is one. Where
        it is not known, they are taken to hold for any exposure.
    law : DarkLaw or None
        How every pixel follows temperature, each in its own way. Without one, frames whose temperature
        differs by more than 1 K are refused.
    """

    name: ClassVar[str] = "dark"
    stage: ClassVar[Stage] = Stage.DARK
    kind: ClassVar[Kind] = Kind.POINTWISE
    rate: Any = attrs.field(default=0.0, converter=_rate)
    offset: Any = attrs.field(default=0.0, converter=_offset)
    dead_time: float = attrs.field(default=0.0, **quantity(u.s, least=0))
    unit: u.UnitBase = u.electron
    levels: tuple[DarkLevel, ...] = ()
    shared: dict[str, Shared] = attrs.field(factory=dict)
    bias_included: bool = False
    bias_time: float = 0.0
    flags: FlagImage | None = None
    applied: tuple[str, ...] = ()
    statistics: dict[str, Any] = attrs.field(factory=dict)
    temperature: float | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(kelvin)
    )
    law: DarkLaw | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.law is not None and self.temperature not in (None, self.law.temperature):
            raise ParameterError(
                "temperature", self.temperature, f"{self.law.temperature} K, that of the law"
            )
        if self.law is not None and not self.levels:
            self.law.check_within(np.shape(self.rate))
        if not self.levels:
            for name, value in (("rate", self.rate), ("offset", self.offset)):
                if value is None:
                    raise ParameterError(name, value, "0 or more; only a measured dark has none")
                if np.ndim(value):
                    checked_image(name, value, least=0.0)
                elif value < 0:
                    raise ParameterError(name, value, "0 or more; dark current cannot be negative")

    @property
    def count(self) -> int:
        """Number of frames it was made of."""
        return sum(level.count for level in self.levels)

    @property
    def times(self) -> tuple[float, ...]:
        """Dark times of the levels in seconds."""
        return tuple(level.time for level in self.levels)

    def steps(self, signal: Signal, *, noise: Noise) -> Sequence[Step]:
        """Add Poisson electrons."""
        if self.unit != u.electron:
            raise ChainError("a dark in ADU cannot be simulated; multiply it by a gain first")
        if self.bias_included:
            raise ChainError("a dark that holds the bias cannot be simulated, its rate is not known")
        time, key = signal.dark_time, noise.stream(self.name).key()
        if signal.temperature is None:
            signal.temperature = self._own_temperature
        scaled = self._scaling(signal.temperature)
        if self.levels or np.ndim(self.offset):
            level = self.level_at(time, temperature=signal.temperature)
            return [Step(Op.ADD_COUNT, level, stream=key)]
        # As in `level_at`, but the image of the rates is read once and no other one made.
        scale = float(np.float32(time + self.dead_time))
        shift = float(np.float32(self.offset if time > 0 else 0.0))
        rate = self.rate if scaled is None else np.maximum(scaled.of(self.rate), np.float32(0))
        return [Step(Op.ADD_COUNT, rate, scale=scale, shift=shift, stream=key)]

    @classmethod
    def measure(
        cls,
        frames: FrameSet | Iterable[Any],
        *,
        known: Chain | None = None,
        clip: float = 5.0,
        gain: float | tuple[float, ...] | None = None,
        read_noise: float | tuple[float, ...] | None = None,
        hot_sigma: float = 12.0,
        hot_rate: float = 5.0,
        memory: int = DEFAULT_MEMORY,
    ) -> Self:
        """Combine dark frames of one or several lengths.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame, CCDData or array
            Raw darks with their dark time. Where they were taken at temperatures more than 1 K apart, each
            temperature is measured by itself; that with most frames gives the levels, all together the law.
        known : SignalChain, optional
            Effects to take out first: overscan and bias.
        clip : float
            Values further than this many sigma from the median (from the line, where a length has fewer than
            three frames) are rejected.
        gain : float or tuple, optional
            e-/ADU, for the shot noise of warm pixels; 1 is understood for frames in electrons.
        read_noise : float or tuple, optional
            In the unit of the frames; else that of the bias in `known`, else measured on the frames.
        hot_sigma, hot_rate : float
            A pixel is HOT when its longest level lies this many single-frame sigmas, and this many e-/s
            (ADU/s without a gain), above the median.
        memory : int
            Ceiling of the working memory in bytes.

        Returns
        -------
        Dark
            With `rate` and `offset` images where two lengths exist; with one length and a bias the
            offset cannot be told from the rate and is set to zero, which `statistics` says.

        Raises
        ------
        NotEnoughFrames
            Without any frame, or for a single frame without `read_noise`.
        FrameError
            If a frame has no dark time.
        """
        from fullwell.effects.dark_measure import measure_dark

        fields = measure_dark(
            frames,
            known=known,
            clip=clip,
            gain=gain,
            read_noise=read_noise,
            hot=(hot_sigma, hot_rate),
            memory=memory,
        )
        return cls(**fields)

    def weights(self, time: float) -> DarkWeights:
        """Return the weights of the levels for an exposure of `time` seconds.

        Raises
        ------
        ChainError
            If the only level has another length and holds the bias, so that it cannot be scaled.

        Notes
        -----
        A level of the same length serves alone. One level scales with
        ``(t - t_bias) / (t_dark - t_bias)``. Several make a line: ``sum w = 1``, ``sum w t = time``.
        """
        levels = self.levels
        for i, level in enumerate(levels):
            alone = level.count >= MIN_FRAMES or len(levels) == 1
            if alone and abs(level.time - time) <= SAME_LENGTH * max(time, 1e-3):
                return DarkWeights(tuple(float(i == k) for k in range(len(levels))), "same length")
        if len(levels) == 1:
            if self.bias_included:
                raise ChainError(
                    f"a dark of {levels[0].time:g} s that holds the bias cannot serve an exposure of "
                    f"{time:g} s; take biases, or darks of a second length"
                )
            scale = (time - self.bias_time) / (levels[0].time - self.bias_time)
            return DarkWeights((scale,), "scaled down" if scale <= 1 else "scaled up")
        variances = [level.typical_variance for level in levels]
        rule = "line" if time <= max(self.times) * (1 + SAME_LENGTH) else "line extended"
        return DarkWeights(tuple(float(w) for w in line_weights(self.times, variances, time)), rule)

    def level_at(self, time: float, *, temperature: float | None = None) -> Any:
        """Return the expected dark signal, in `unit`.

        Parameters
        ----------
        time : float
            Seconds.
        temperature : float, optional
            Kelvin; that of the dark if not given.

        Raises
        ------
        ChainError
            If the temperature is another one and no law is known.
        """
        scaled = self._scaling(temperature)
        if not self.levels:
            offset = self.offset if time > 0 else 0.0
            rate = self.rate if scaled is None else scaled.of(self.rate)
            return rate * np.float32(time + self.dead_time) + offset
        weights = self.weights(time).weights
        level = sum(np.float32(w) * level.level for w, level in zip(weights, self.levels, strict=True) if w)
        if scaled is None:
            return level
        return level + (scaled.of(self.rate) - self.rate) * np.float32(self._collecting(time))

    @property
    def _own_temperature(self) -> float | None:
        return self.temperature if self.law is None else self.law.temperature

    def _scaling(self, temperature: float | None) -> Scaling | None:
        return scaling(self.name, self.law, self._own_temperature, temperature, np.shape(self.rate))

    def _collecting(self, time: float) -> float:
        """Seconds of dark current that the levels hold in an exposure of `time` seconds."""
        return time if self.bias_included else time - self.bias_time

    def _weights_at(self, time: float, scaled: Scaling | None) -> tuple[float, ...]:
        """Weights of the levels in what is subtracted at another temperature."""
        weights = np.asarray(self.weights(time).weights)
        if scaled is None:
            return tuple(float(w) for w in weights)
        per_second = per_second_weights(self.levels, self.bias_time)
        return tuple(float(w) for w in weights + (scaled.slope - 1) * self._collecting(time) * per_second)

    def noise_at(self, time: float) -> npt.NDArray[np.float64] | None:
        """Noise of one frame without light, per amplifier, in `unit`; None where it was not measured.

        The level of the same length tells; else the line through the variances of the lengths, which grow
        with time as the dark current does.
        """
        known = [level for level in self.levels if level.noise]
        if not known:
            return None
        nearest = min(known, key=lambda level: abs(level.time - time))
        if len(known) == 1 or abs(nearest.time - time) <= SAME_LENGTH * max(time, 1e-3):
            return np.asarray(nearest.noise)
        variances = np.asarray([level.noise for level in known]) ** 2
        weights = line_weights([level.time for level in known], [1 / level.count for level in known], time)
        return np.asarray(np.sqrt(np.maximum(weights @ variances, variances.min(axis=0) / 10)))

    def depends_on(self, frame: Frame) -> float | None:
        """Temperature, where the dark follows it."""
        return scaling_key(self.law, self._own_temperature, frame.temperature)

    def affine(self, frame: Frame, *, unit: u.UnitBase, chain: Chain | None = None) -> Affine:
        """Subtract the dark signal of the frame's dark time and temperature.

        Raises
        ------
        ChainError
            If the frame has no dark time, shapes differ, units do not fit, or the temperature differs by more
            than 1 K and no law is known.
        """
        if frame.dark_time is None or not frame.dark_time >= 0:
            raise ChainError(
                f"frame {frame.source or ''} has no exposure time, its dark current is not known"
            )
        detector = frame.detector or Detector.single(frame.shape)
        factor = to_unit("dark", self.unit, unit, chain, detector)
        level = self.level_at(frame.dark_time, temperature=frame.temperature)
        scaled = self._scaling(frame.temperature)
        if np.ndim(level) and level.shape != frame.shape:
            raise ChainError(
                f"the dark has shape {level.shape}, the frame {frame.shape}; crop the one or the other"
            )
        masters: dict[str, MasterTerm] = {}
        if self.levels:
            weights = self._weights_at(frame.dark_time, scaled)
            for weight, part in zip(weights, self.levels, strict=True):
                if weight:
                    masters[part.id] = MasterTerm(-weight * factor, 0.0, part.variance)
            total = sum(weights)
            for key, share in self.shared.items():
                masters[key] = MasterTerm(-total * share.coefficient * factor, 0.0, share.variance)
        variance: Any = None
        if self.bias_included and (chain is None or chain.get("read_noise") is None):
            # With no bias the darks alone know the noise of a frame, that of its dark current included.
            # The variance grows with the dark current: at another temperature it is that of another time.
            noise = self.noise_at(frame.dark_time * (1.0 if scaled is None else scaled.growth))
            variance = None if noise is None else (detector.spread(noise) * factor) ** 2
        return Affine(offset=-(level * factor), variance=variance, masters=masters, flags=self.flags)
