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
from fullwell.effects.converters import matrix_of
from fullwell.errors import ChainError, NotEnoughFrames, ParameterError
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.noise import Noise
from fullwell.quantities import dimensions, numbers, quantity

__all__ = ["CorrelatedNoise"]


Level = float | tuple[float, ...]
#: Rows, slow noise and wave of one amplifier.
_Drawn = tuple[Any, Any, Any]
PARTS = ("rows", "slow", "banding")


def _level(value: Any, name: str) -> Level:
    found = numbers(value, name, u.electron, least=0)
    return float(found[0]) if dimensions(value) == 0 else tuple(found.tolist())


def _correlation(value: Any) -> npt.NDArray[np.float64] | None:
    if value is None:
        return None
    matrix = matrix_of("correlation", value)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ParameterError("correlation", matrix.shape, "a square matrix, a row and a column an amplifier")
    right = np.isfinite(matrix).all() and np.allclose(matrix, matrix.T, atol=1e-9)
    if not right or not np.allclose(np.diag(matrix), 1, atol=1e-9):
        raise ParameterError("correlation", matrix.tolist(), "symmetric, finite, 1 on the diagonal")
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    if lowest < -1e-9:
        raise ParameterError(
            "correlation", lowest, "without an eigenvalue below 0: no noise has such correlations"
        )
    return matrix


def _rows(value: Any) -> Any:
    return _level(value, "rows")


def _slow_level(value: Any) -> Any:
    return _level(value, "slow")


def _banding(value: Any) -> Any:
    return _level(value, "banding")


@attrs.frozen(eq=False)
class CorrelatedNoise(Effect):
    """What `ReadNoise`, which is white, leaves out; all in electrons, amplifier by amplifier.

    Parameters
    ----------
    rows : Quantity, float or sequence
        Standard deviation of a level that is another one in each row; one number for all amplifiers, or one
        for each, as the next two are.
    slow : Quantity, float or sequence
        Standard deviation of noise with a spectrum of 1/f along the pixels in the order they are read.
    banding : Quantity, float or sequence
        Amplitude of a sine along the pixels in read order, as from mains or a power supply, of random phase.
    period : Quantity or float
        Pixels of one wave of it.
    common : float
        Part of the variance of all three that all amplifiers have in common, 0 to 1.
    correlation : array_like, shape (amplifiers, amplifiers), or None
        Instead of `common`: correlation of each amplifier with each other, in all three.
    errors : tuple of float
        Standard errors of rows, slow and banding in electrons, then of `period` in pixels and of `common`,
        where they were measured.

    Raises
    ------
    ParameterError
        If a value is negative or out of range, numbers of amplifiers differ, or the matrix is none of
        correlations.

    Notes
    -----
    Kandlagunta et al. 2014 and Rauscher 2015 (PASP 127, 1144) for 1/f noise as filtered white noise.
    """

    name: ClassVar[str] = "correlated_noise"
    stage: ClassVar[Stage] = Stage.CORRELATED_NOISE
    kind: ClassVar[Kind] = Kind.NOISE_ONLY
    rows: Level = attrs.field(default=0.0, converter=_rows)
    slow: Level = attrs.field(default=0.0, converter=_slow_level)
    banding: Level = attrs.field(default=0.0, converter=_banding)
    period: float = attrs.field(default=100.0, **quantity(u.pix, least=2))
    common: float = attrs.field(default=0.0, **quantity(least=0, most=1))
    correlation: npt.NDArray[np.float64] | None = attrs.field(default=None, converter=_correlation)
    errors: tuple[float, ...] = ()

    def __attrs_post_init__(self) -> None:
        self._check_amplifiers()

    def _check_amplifiers(self) -> None:
        sizes = {name: np.size(getattr(self, name)) for name in PARTS}
        if self.correlation is not None:
            if self.common:
                raise ParameterError("common", self.common, "0 beside a matrix of correlations")
            sizes["correlation"] = len(self.correlation)
        several = {name: size for name, size in sizes.items() if size > 1}
        if len(set(several.values())) > 1:
            raise ParameterError(", ".join(several), tuple(several.values()), "one number of amplifiers")

    @property
    def variance(self) -> float | npt.NDArray[np.float64]:
        """What a single pixel has of it, e-^2; an array where amplifiers differ."""
        return self._variance()

    def _variance(self, *, rows: bool = True) -> float | npt.NDArray[np.float64]:
        parts = [np.asarray(getattr(self, name)) ** 2 for name in PARTS]
        total = (parts[0] if rows else 0.0) + parts[1] + parts[2] / 2
        return float(total) if np.ndim(total) == 0 else np.asarray(total)

    def simulate(self, signal: Signal, *, noise: Noise) -> None:
        """Add it to every pixel that is read, prescan and overscan included."""
        if not np.any(self.variance):
            return
        signal.to_raw()
        image = signal.image.astype(np.float32, copy=True)
        views = in_read_order(image, signal.detector, layout="raw")
        levels = self._levels(len(views))
        largest = (max(v.shape[0] for v in views), max(v.shape[1] for v in views))
        if self.correlation is not None:
            drawn = [self._drawn(largest, noise, k + 1) for k in range(len(views))]
            _add_correlated(views, self.correlation, levels, drawn)
        else:
            shared = self._drawn(largest, noise, 0) if self.common else None
            for k, view in enumerate(views):
                rows, columns = view.shape
                both: Any = 0.0
                if self.common < 1:
                    own = _scaled(self._drawn(view.shape, noise, k + 1), levels[k], view.shape)
                    both = np.sqrt(1 - self.common) * own
                if shared is not None:
                    both = both + np.sqrt(self.common) * _scaled(shared, levels[k], largest)[:rows, :columns]
                view += np.asarray(both, np.float32)
        signal.image = image

    def _levels(self, amplifiers: int) -> npt.NDArray[np.float64]:
        """Return rows, slow and banding of each amplifier."""
        sizes = {np.size(getattr(self, name)) for name in PARTS} | (
            set() if self.correlation is None else {len(self.correlation)}
        )
        if not sizes <= {1, amplifiers}:
            raise ParameterError(
                "values of correlated noise", max(sizes), f"1 or {amplifiers}, one an amplifier"
            )
        parts = (np.asarray(getattr(self, name), np.float64) for name in PARTS)
        return np.stack([np.broadcast_to(part, amplifiers) for part in parts], axis=1)

    def _drawn(self, shape: tuple[int, int], noise: Noise, amplifier: int) -> _Drawn:
        """Noise of one amplifier with the standard deviation 1, a wave with the amplitude 1; 0 is shared."""
        stream = noise.stream(self.name)
        rows = stream.normal((shape[0], 1), draw=4 * amplifier) if np.any(self.rows) else None
        slow = wave = None
        if np.any(self.slow):
            slow = _slow(stream.normal(shape[0] * shape[1], draw=4 * amplifier + 1)).reshape(shape)
        if np.any(self.banding):
            phase = 2 * np.pi * float(stream.uniform(1, draw=4 * amplifier + 2)[0])
            ticks = np.arange(shape[0] * shape[1], dtype=np.float64).reshape(shape)
            wave = np.sin(2 * np.pi * ticks / self.period + phase)
        return rows, slow, wave

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
            from the covariance of the rows of different amplifiers. Means over the amplifiers, with errors
            from the scatter between the pairs, which is none with one pair: they are NaN then.

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
        spread = np.std(found, axis=0, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.full(5, np.nan)
        waves = np.array([(wave, length) for *_, wave, length in found if wave > 0]).reshape(-1, 2)
        period = float(np.average(waves[:, 1], weights=waves[:, 0])) if len(waves) else 100.0
        return cls(
            rows=np.sqrt(max(rows, 0)),
            slow=np.sqrt(max(slow, 0)),
            banding=np.sqrt(2 * max(banding, 0)),
            period=period,
            # Rows, slow noise and waves are shared alike; the rows show it best.
            common=float(np.clip(common / rows, 0, 1)) if rows > 0 else 0.0,
            errors=(
                _error_of_root(rows, spread[0]),
                _error_of_root(slow, spread[2]),
                _error_of_root(2 * banding, 2 * spread[3]),
                _error_of_mean(waves[:, 1]),
                _error_of_ratio(np.array(found)[:, 1], np.array(found)[:, 0]),
            ),
        )

    def correct(self, frame: Frame, *, chain: Chain | None = None) -> Frame:
        """Add its variance; behind an overscan that is taken row by row without that of the rows.

        Raises
        ------
        ChainError
            If the frame is not in electrons.
        ParameterError
            If it has another number of amplifiers.
        """
        if frame.unit != u.electron:
            raise ChainError(
                f"correlated noise is in electrons, the frame in {frame.unit}; is the gain missing?"
            )
        overscan: Any = None if chain is None else chain.get("overscan")
        by_rows = overscan is not None and overscan.method == "row"
        detector = frame.detector or Detector.single(frame.shape)
        self._levels(len(detector.amplifiers))
        layout = detector.layout_of(frame.shape)
        extra = detector.spread(self._variance(rows=not by_rows), layout=layout)
        variance = np.broadcast_to(extra, frame.shape) + (0.0 if frame.variance is None else frame.variance)
        return frame.with_(variance=variance.astype(np.float32))


def _add_correlated(
    views: Any, correlation: npt.NDArray[np.float64], levels: npt.NDArray[np.float64], drawn: list[_Drawn]
) -> None:
    """Add to each view its mixture of independent noise."""
    # A root of the matrix that is there for singular ones too.
    size, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(size, 0))
    largest = (max(v.shape[0] for v in views), max(v.shape[1] for v in views))
    for view, weights, level in zip(views, root, levels, strict=True):
        total = np.zeros(largest)
        for weight, part in zip(weights.tolist(), drawn, strict=True):
            total += weight * _scaled(part, level, largest)
        view += np.asarray(total, np.float32)[: view.shape[0], : view.shape[1]]


def _scaled(drawn: _Drawn, level: npt.NDArray[np.float64], shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Add up rows, slow noise and wave, each with its own size."""
    total = np.zeros(shape)
    for part, size in zip(drawn, level.tolist(), strict=True):
        if part is not None and size:
            total += size * part
    return total


def _error_of_root(variance: float, error: float) -> float:
    """Error of the root of a variance; where that is within its error of 0, the root of the error."""
    return float(error / (2 * np.sqrt(variance)) if variance > error else np.sqrt(max(error, 0.0)))


def _error_of_mean(values: npt.NDArray[np.float64]) -> float:
    """Return the standard error of a mean, from the scatter; NaN with fewer than two values."""
    return float(np.std(values, ddof=1) / np.sqrt(values.size)) if values.size > 1 else float("nan")


def _error_of_ratio(above: npt.NDArray[np.float64], below: npt.NDArray[np.float64]) -> float:
    """Return the standard error of the ratio of two means that scatter together, from pairs of values."""
    middle = float(np.mean(below))
    if not middle > 0:
        return float("nan")
    return _error_of_mean(above - np.mean(above) / middle * below) / middle


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


def _frequency_of(part: npt.NDArray[np.float64], peak: int) -> float:
    """Waves a frame of the sine that fits best, within a step of the highest peak of the spectrum.

    Rows have levels of their own, which are fitted along: sine and cosine are levelled as the rows are.
    """
    from scipy.optimize import minimize_scalar

    levelled = part - part.mean(axis=1, keepdims=True)
    ticks = np.arange(part.size).reshape(part.shape) * (2 * np.pi / part.size)

    def missed(frequency: float) -> float:
        waves = np.stack([np.cos(frequency * ticks), np.sin(frequency * ticks)])
        waves -= waves.mean(axis=2, keepdims=True)
        design = waves.reshape(2, -1)
        right = design @ levelled.ravel()
        return -float(right @ np.linalg.solve(design @ design.T, right))

    # Steps of a third first: the spectrum of a finite row of numbers has side lobes.
    start = min(peak + np.linspace(-1, 1, 7), key=missed)
    found = minimize_scalar(missed, bounds=(start - 0.4, start + 0.4), method="bounded")
    return float(found.x)


def _wave_and_slow(part: npt.NDArray[np.float64], white: float) -> tuple[float, float, float]:
    """Variance and period of the highest peak, and variance of 1/f noise, from pixels in read order."""
    levelled = part - part.mean(axis=1, keepdims=True)
    series = levelled.ravel()
    n = series.size
    power = np.abs(np.fft.rfft(series)) ** 2 / n**2 * 2
    # Rows were levelled: look above the frequency of a row only.
    lowest = 2 * part.shape[0]
    peak = lowest + int(power[lowest:].argmax())
    near = slice(max(peak - 2, lowest), min(peak + 3, power.size))
    floor = 2 * white / n
    variance = float(power[near].sum() - floor * (near.stop - near.start))
    # Of n/2 exponential numbers the highest is below 25 times their mean with a probability of n/2 e^-25.
    wave = variance if power[peak] > 25 * floor and variance > 0 else 0.0
    center = _frequency_of(part, peak) if wave else float(peak)
    low = np.arange(lowest, max(lowest + 2, n // 100))
    kept = low[np.abs(low - peak) > 3] if wave else low
    excess = float(np.mean(power[kept] - floor)) if kept.size else 0.0
    # power(f) = C / f with f counted in waves a frame; the whole variance is C times the sum of 1/f.
    constant = excess / float(np.mean(1.0 / kept)) if kept.size else 0.0
    slow = constant * float((1.0 / np.arange(1, n // 2 + 1)).sum())
    return wave, n / center, slow
