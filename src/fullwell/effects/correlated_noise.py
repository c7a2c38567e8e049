"""Noise of the read-out that neighboring pixels or amplifiers share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.detector.read_order import in_read_order
from fullwell.effects.base import Chain, Effect, Kind, Signal, Stage
from fullwell.effects.converters import electrons
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.noise import Noise

__all__ = ["CorrelatedNoise"]


@attrs.frozen(eq=False)
class CorrelatedNoise(Effect):
    """What `ReadNoise`, which is white, leaves out; all in electrons, amplifier by amplifier.

    Parameters
    ----------
    rows : Quantity or float
        Standard deviation of a level that is another one in each row.
    slow : Quantity or float
        Standard deviation of noise with a spectrum of 1/f along the pixels in the order they are read.
    banding : Quantity or float
        Amplitude of a sine along the pixels in read order, as from mains or a power supply, of random phase.
    period : float
        Pixels of one wave of it.
    common : float
        Part of the variance of all three that all amplifiers have in common, 0 to 1.

    Raises
    ------
    ParameterError
        If a value is negative or out of range.

    Notes
    -----
    Kandlagunta et al. 2014 and Rauscher 2015 (PASP 127, 1144) for 1/f noise as filtered white noise.
    """

    name: ClassVar[str] = "correlated_noise"
    stage: ClassVar[Stage] = Stage.CORRELATED_NOISE
    kind: ClassVar[Kind] = Kind.NOISE_ONLY
    rows: float = attrs.field(default=0.0, converter=electrons)
    slow: float = attrs.field(default=0.0, converter=electrons)
    banding: float = attrs.field(default=0.0, converter=electrons)
    period: float = 100.0
    common: float = 0.0

    def __attrs_post_init__(self) -> None:
        for name in ("rows", "slow", "banding"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ParameterError(name, getattr(self, name), "finite and 0 e- or more")
        if not (np.isfinite(self.period) and self.period >= 2):
            raise ParameterError("period", self.period, "2 pixels or more")
        if not 0 <= self.common <= 1:
            raise ParameterError("common", self.common, "0 to 1")

    @property
    def variance(self) -> float:
        """What a single pixel has of it, e-^2."""
        return self.rows**2 + self.slow**2 + self.banding**2 / 2

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add it to every pixel that is read, prescan and overscan included."""
        if not self.variance:
            return
        signal.to_raw()
        image = signal.image.astype(np.float32, copy=True)
        views = in_read_order(image, signal.detector, layout="raw")
        largest = (max(v.shape[0] for v in views), max(v.shape[1] for v in views))
        shared = self._drawn(largest, noise, 0) if self.common else None
        for k, view in enumerate(views, start=1):
            rows, columns = view.shape
            own = np.sqrt(1 - self.common) * self._drawn(view.shape, noise, k) if self.common < 1 else 0.0
            both = own if shared is None else own + np.sqrt(self.common) * shared[:rows, :columns]
            view += np.asarray(both, np.float32)
        signal.image = image

    def _drawn(self, shape: tuple[int, int], noise: Noise, amplifier: int) -> npt.NDArray[np.float64]:
        """Noise of one amplifier; 0 is what they share."""
        stream = noise.stream(self.name)
        total = np.zeros(shape)
        if self.rows:
            total += self.rows * stream.normal((shape[0], 1), draw=4 * amplifier)
        if self.slow:
            white = stream.normal(shape[0] * shape[1], draw=4 * amplifier + 1)
            total += self.slow * _slow(white).reshape(shape)
        if self.banding:
            phase = 2 * np.pi * float(stream.uniform(1, draw=4 * amplifier + 2)[0])
            ticks = np.arange(shape[0] * shape[1], dtype=np.float64).reshape(shape)
            total += self.banding * np.sin(2 * np.pi * ticks / self.period + phase)
        return total

    @classmethod
    def measure(
        cls, frames: FrameSet | Iterable[Any], *, known: Chain | None = None, gain: float | None = None
    ) -> Self:
        """Separate the noise of bias frames into white, row by row, and a wave.

        Parameters
        ----------
        frames : FrameSet or iterable of Frame
            Two raw biases or more; they are taken in pairs, whose difference has no fixed pattern.
        known : SignalChain, optional
            Must hold the gain if `gain` is not given.
        gain : float, optional
            e-/ADU.

        Returns
        -------
        CorrelatedNoise
            `rows` from the scatter of the means of rows less what white noise gives them; `banding` and
            `period` from the highest peak of the power spectrum if it stands out of its neighbors; `slow`
            from what the spectrum has below a hundredth of the sampling frequency beside the rows; `common`
            from the covariance of the rows of different amplifiers.

        Raises
        ------
        NotEnoughFrames
            With fewer than two biases.
        ChainError
            If there is no gain.
        """
        held = [as_frame(frame) for frame in frames]
        if len(held) < 2:
            raise NotEnoughFrames(
                f"correlated noise is measured on pairs of biases, there are {len(held)} frames"
            )
        of_chain: Any = None if known is None else known.get("gain")
        if gain is None and of_chain is None:
            raise ChainError("correlated noise is stated in electrons; give a gain")
        detector = held[0].detector or Detector.single(held[0].shape)
        gains = np.broadcast_to(
            np.atleast_1d(np.asarray(of_chain.values if gain is None else gain, np.float64)),
            len(detector.amplifiers),
        )
        found = [
            _separated(first, second, detector, gains)
            for first, second in zip(held[::2], held[1::2], strict=False)
        ]
        rows, common, slow, banding, _ = np.mean(found, axis=0)
        waves = [(wave, length) for *_, wave, length in found if wave > 0]
        period = float(np.average([p for _, p in waves], weights=[w for w, _ in waves])) if waves else 100.0
        return cls(
            rows=np.sqrt(max(rows, 0)),
            slow=np.sqrt(max(slow, 0)),
            banding=np.sqrt(2 * max(banding, 0)),
            period=period,
            # Rows, slow noise and waves are shared alike; the rows show it best.
            common=float(np.clip(common / rows, 0, 1)) if rows > 0 else 0.0,
        )

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:  # noqa: ARG002
        """Add its variance; what an overscan takes out row by row is not to be stated here.

        Raises
        ------
        ChainError
            If the frame is not in electrons.
        """
        if frame.unit != u.electron:
            raise ChainError(
                f"correlated noise is in electrons, the frame in {frame.unit}; is the gain missing?"
            )
        extra = np.float32(self.variance)
        variance = np.full(frame.shape, extra) if frame.variance is None else frame.variance + extra
        return frame.with_(variance=variance)


def _slow(white: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """White noise to noise with power 1/f and variance 1 from one wave a frame to the sampling frequency."""
    n = white.size
    frequency = np.arange(n // 2 + 1, dtype=np.float64)
    frequency[0] = 1.0
    weight = frequency**-0.5
    weight[0] = 0.0
    # Variance of the sum over positive and negative frequencies.
    power = 2 * (weight[1:] ** 2).sum() - (weight[-1] ** 2 if n % 2 == 0 else 0.0)
    spectrum = np.fft.rfft(white.astype(np.float64)) * weight
    return np.asarray(np.fft.irfft(spectrum, n) * np.sqrt(n / power))


def _separated(
    first: Frame, second: Frame, detector: Detector, gains: npt.NDArray[np.float64]
) -> tuple[float, float, float, float, float]:
    """Variances in e-^2 of rows, of what amplifiers share, of slow noise, of a wave; its period."""
    difference = (first.data.astype(np.float64) - second.data) / np.sqrt(2)
    views = in_read_order(difference, detector, layout=detector.layout_of(difference.shape))
    parts = [(view - np.median(view)) * gain for view, gain in zip(views, gains, strict=True)]
    row_means = [part.mean(axis=1) for part in parts]
    white = [float(np.var(np.diff(part, axis=1)) / 2) for part in parts]
    spectra = [_wave_and_slow(part, noise) for part, noise in zip(parts, white, strict=True)]
    waves, periods, slows = (np.array(column) for column in zip(*spectra, strict=True))
    # A row's mean has the row's level, its share of white noise, and what is slow over many rows.
    jumps = [
        float(np.var(np.diff(mean)) / 2 - noise / part.shape[1])
        for mean, noise, part in zip(row_means, white, parts, strict=True)
    ]
    rows = float(np.mean(jumps))
    common = 0.0
    if len(parts) > 1:
        size = min(mean.size for mean in row_means)
        steps = np.diff(np.array([mean[:size] for mean in row_means]), axis=1) / np.sqrt(2)
        covariance = np.cov(steps)
        common = float(covariance[~np.eye(len(parts), dtype=bool)].mean())
    seen = waves > 0
    period = float(np.average(periods[seen], weights=waves[seen])) if seen.any() else 0.0
    return rows, common, float(slows.mean()), float(waves.mean()), period


def _wave_and_slow(part: npt.NDArray[np.float64], white: float) -> tuple[float, float, float]:
    """Variance and period of the highest peak, and variance of 1/f noise, from pixels in read order."""
    levelled = part - part.mean(axis=1, keepdims=True)
    series = levelled.ravel()
    n = series.size
    power = np.abs(np.fft.rfft(series)) ** 2 / n**2 * 2
    # Rows were levelled: look above the frequency of a row only.
    lowest = 2 * part.shape[0]
    peak = lowest + int(power[lowest:].argmax())
    near = slice(max(peak - 2, lowest), peak + 3)
    floor = 2 * white / n
    variance = float(power[near].sum() - floor * 5)
    # Of n/2 exponential numbers the highest is below 25 times their mean with a probability of n/2 e^-25.
    wave = variance if power[peak] > 25 * floor and variance > 0 else 0.0
    weight = np.arange(near.start, near.stop)
    center = float((power[near] * weight).sum() / power[near].sum())
    low = np.arange(lowest, max(lowest + 2, n // 100))
    kept = low[np.abs(low - peak) > 3] if wave else low
    excess = float(np.mean(power[kept] - floor)) if kept.size else 0.0
    # power(f) = C / f with f counted in waves a frame; the whole variance is C times the sum of 1/f.
    constant = excess / float(np.mean(1.0 / kept)) if kept.size else 0.0
    slow = constant * float((1.0 / np.arange(1, n // 2 + 1)).sum())
    return wave, n / center, slow
