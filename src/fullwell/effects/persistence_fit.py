"""Time constants of traps from the darks behind a flat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.effects.base import Chain
from fullwell.errors import ChainError, NotEnoughFrames
from fullwell.frame import Frame, FrameSet, as_frame

__all__ = ["Decay", "fit_decay"]

#: Chi-square by which two more unknowns must improve a fit: chance does so once in a thousand times.
WORTH = 13.8
SIGNIFICANT = 3.0
GRID = 12

Numbers = npt.NDArray[np.float64]


@attrs.frozen
class Decay:
    """Charge that a flat left in traps, and how it comes out.

    Parameters
    ----------
    source : float
        Mean of the flat above the threshold, electrons.
    amplitudes, times : tuple of float
        Electrons a pixel that each kind of trap held at the end of the flat, and seconds.
    amplitude_errors, time_errors : tuple of float
    """

    source: float
    amplitudes: tuple[float, ...]
    times: tuple[float, ...]
    amplitude_errors: tuple[float, ...]
    time_errors: tuple[float, ...]


def fit_decay(
    frames: FrameSet | Iterable[Any], *, known: Chain | None, threshold: float, idle: float, most: int
) -> Decay:
    """Fit as many exponentials as the darks tell apart; see `Persistence.measure`."""
    held = [as_frame(frame) if known is None else known.correct(as_frame(frame)) for frame in frames]
    if len(held) < 3:
        raise NotEnoughFrames(
            f"persistence needs a flat and two darks behind it, there are {len(held)} frames"
        )
    if any(frame.unit != u.electron or frame.dark_time is None for frame in held):
        raise ChainError("persistence is measured in electrons and seconds; is a gain or a time missing?")
    good = ~np.any([frame.mask for frame in held], axis=0)
    if not good.any():
        raise ChainError("no pixel is good in the flat and all darks behind it")
    source = float(np.maximum(held[0].data[good] - threshold, 0).mean())
    values, errors = np.array([_mean(frame, good) for frame in held[1:]]).T
    if not values[0] > SIGNIFICANT * errors[0] or not source > 0:
        raise ChainError(f"no persistence is seen: {values[0]:.3g} +- {errors[0]:.2g} e- in the first dark")
    starts, lengths = _clock(held, idle)
    best: tuple[Numbers, Numbers, float] | None = None
    for kinds in range(1, most + 1):
        if kinds > 1 and 2 * kinds >= values.size:
            break
        fit = _fit(values, errors, starts, lengths, kinds)
        if best is not None and (fit is None or best[2] - fit[2] < WORTH or not _told_apart(fit)):
            break
        best = fit
    if best is None:
        raise ChainError("the darks behind the flat do not fade as traps do")
    logs, spread, _ = best
    order = np.argsort(logs[1::2])
    amplitudes, times = np.exp(logs[::2])[order], np.exp(logs[1::2])[order]
    return Decay(
        source,
        tuple(amplitudes.tolist()),
        tuple(times.tolist()),
        tuple((amplitudes * spread[::2][order]).tolist()),
        tuple((times * spread[1::2][order]).tolist()),
    )


def _told_apart(fit: tuple[Numbers, Numbers, float]) -> bool:
    """Whether amplitudes and times are surely above 0: errors of their logarithms below a third."""
    return bool((fit[1] < 1 / SIGNIFICANT).all())


def _mean(frame: Frame, good: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Mean of the good pixels without outliers, and its error."""
    data = frame.data[good].astype(np.float64)
    middle, spread = np.median(data), 1.4826 * np.median(np.abs(data - np.median(data)))
    kept = data[np.abs(data - middle) <= 5 * max(spread, 1e-12)]
    return float(kept.mean()), float(kept.std(ddof=1) / np.sqrt(kept.size))


def _clock(held: Sequence[Frame], idle: float) -> tuple[Numbers, Numbers]:
    """Seconds from the end of the flat to the start of each dark, and how long the darks are."""
    lengths = np.array([float(frame.dark_time or 0.0) for frame in held[1:]])
    starts = idle * np.arange(1, lengths.size + 1) + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    return starts, lengths


def _fading(times: Any, starts: Numbers, lengths: Numbers) -> Numbers:
    """Part of what a trap held at first that comes out in each dark, shape (darks, kinds)."""
    t = np.asarray(times, np.float64)
    return np.asarray(np.exp(-starts[:, None] / t) * -np.expm1(-lengths[:, None] / t))


def _fit(
    values: Numbers, errors: Numbers, starts: Numbers, lengths: Numbers, kinds: int
) -> tuple[Numbers, Numbers, float] | None:
    """Logarithms of amplitude and time of each kind in turn, their errors, and chi-square; or None.

    It starts from the best times of a grid, whose amplitudes are linear.
    """
    from scipy.optimize import curve_fit, nnls

    grid = np.geomspace(0.3 * lengths.min(), 3 * (starts[-1] + lengths[-1]), GRID)
    tried = []
    for times in combinations(grid, kinds):
        amplitudes, miss = nnls(_fading(times, starts, lengths) / errors[:, None], values / errors)
        if (amplitudes > 0).all():
            tried.append((miss, tuple(amplitudes), times))
    if not tried:
        return None
    _, amplitudes, times = min(tried)
    start = np.log(np.column_stack([amplitudes, times])).ravel()

    def model(_: Any, *logs: float) -> Any:
        return _fading(np.exp(logs[1::2]), starts, lengths) @ np.exp(logs[::2])

    try:
        best, covariance = curve_fit(model, starts, values, p0=start, sigma=errors, absolute_sigma=True)
    except RuntimeError:
        return None
    spread = np.sqrt(np.diag(covariance))
    if not np.isfinite(spread).all():
        return None
    return best, spread, float((((values - model(None, *best)) / errors) ** 2).sum())
