"""A straight line through dark frames of different length, cosmic rays left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.combining import NoiseModel
from fullwell.frame import Frame

__all__ = ["LineFit", "fit_line", "line_weights"]


@attrs.frozen(eq=False)
class LineFit:
    """Level against time of every pixel.

    Parameters
    ----------
    intercept, rate : ndarray of float32, shape (rows, columns)
        Level at zero seconds, and its growth per second.
    kept : ndarray of bool, shape (N, rows, columns)
        Which values the line goes through.
    valid : ndarray of bool, shape (N, rows, columns)
        Which values were not masked.
    """

    intercept: npt.NDArray[np.float32]
    rate: npt.NDArray[np.float32]
    kept: npt.NDArray[np.bool_]
    valid: npt.NDArray[np.bool_]


def fit_line(
    frames: Sequence[Frame], times: Sequence[float], *, noise: NoiseModel, clip: float, memory: int
) -> LineFit:
    """Fit ``level = intercept + rate * time`` to each pixel by weighted least squares.

    Parameters
    ----------
    frames : sequence of Frame
        Of one shape, at least two different times among them.
    times : sequence of float
        Seconds.
    noise : NoiseModel
        Noise of a single frame.
    clip : float
        The value with the largest standardized residual ``e / (sigma sqrt(1 - h))`` (h: leverage) is taken
        out while that is above `clip`, one at a time; at least two different times stay.
    memory : int
        Bytes to work in, besides the result.

    Returns
    -------
    LineFit

    Notes
    -----
    With known noise the largest standardized residual names a single outlier even where its leverage is high
    (Cook & Weisberg, *Residuals and Influence in Regression* (1982), section 2.2.2). The noise follows the
    fitted level, not the value itself.
    """
    rows, columns = frames[0].shape
    shape = (len(frames), rows, columns)
    intercept, rate = np.empty((rows, columns), np.float32), np.empty((rows, columns), np.float32)
    kept, valid = np.empty(shape, bool), np.empty(shape, bool)
    t = np.asarray(times, np.float64)[:, None]
    # About 15 float64 planes of N x block are alive at once.
    step = max(1, int(memory // (columns * len(frames) * 8 * 15)))
    for top in range(0, rows, step):
        part = slice(top, min(top + step, rows))
        values = np.stack([frame.data[part].ravel() for frame in frames]).astype(np.float64)
        good = np.stack(
            [
                ~frame.with_(data=frame.data[part], flags=frame.flags[part], detector=None).mask.ravel()
                for frame in frames
            ]
        )
        good &= np.isfinite(values)
        a, b, stay = _fit_block(np.where(good, values, 0.0), good, t, noise.rows(part), clip)
        size = (part.stop - part.start, columns)
        intercept[part], rate[part] = a.reshape(size), b.reshape(size)
        kept[:, part], valid[:, part] = stay.reshape(-1, *size), good.reshape(-1, *size)
    return LineFit(intercept, rate, kept, valid)


def _fit_block(y: Any, good: Any, t: Any, noise: NoiseModel, clip: float) -> tuple[Any, Any, Any]:
    kept = good.copy()
    variance = np.broadcast_to(np.asarray(noise.read_noise, np.float64) ** 2, y.shape[1:])
    sigma2 = np.repeat(np.maximum(variance, 1e-12)[None], len(t), axis=0)
    a, b, _ = _solve(y, kept, t, sigma2)
    sigma2 = _variance(a, b, t, noise, sigma2)
    open_columns = np.arange(y.shape[1])
    while open_columns.size:
        yc, kc, s2 = y[:, open_columns], kept[:, open_columns], sigma2[:, open_columns]
        ac, bc, leverage = _solve(yc, kc, t, s2)
        a[open_columns], b[open_columns] = ac, bc
        room = np.sqrt(s2 * np.maximum(1.0 - leverage, 1e-9))
        residual = yc - ac - bc * t
        score = np.where(kc & (leverage < 0.999), np.abs(residual) / room, 0.0)
        # Two frames of a length miss the line by the same amount; cosmic rays add charge: the higher goes.
        score = np.where(residual > 0, score * (1 + 1e-6), score)
        worst = score.argmax(axis=0)
        columns = np.arange(open_columns.size)
        out = score[worst, columns] > clip
        out &= _enough(kc, t, worst)
        kept[worst[out], open_columns[out]] = False
        open_columns = open_columns[out]
    return a, b, kept


def _variance(a: Any, b: Any, t: Any, noise: NoiseModel, quiet: Any) -> Any:
    if noise.gain is None:
        return quiet
    signal = np.nan_to_num(a + b * t) - noise.pedestal
    return quiet + np.maximum(signal, 0.0) / noise.gain


def _solve(y: Any, kept: Any, t: Any, sigma2: Any) -> tuple[Any, Any, Any]:
    w = np.where(kept, 1.0 / sigma2, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = w.sum(axis=0)
        middle = (w * t).sum(axis=0) / total
        lever = t - middle
        spread = (w * lever**2).sum(axis=0)
        rate = (w * lever * y).sum(axis=0) / spread
        mean = (w * y).sum(axis=0) / total
        leverage = w * (1.0 / total + lever**2 / spread)
    # With one time left the line is level; nothing is known of the rate.
    flat = ~(spread > 0)
    rate = np.where(flat, 0.0, rate)
    leverage = np.where(flat, 1.0, leverage)
    return mean - rate * middle, rate, leverage


def _enough(kept: Any, t: Any, worst: Any) -> Any:
    """Whether two different times are left after the worst value has gone."""
    rest = kept.copy()
    rest[worst, np.arange(kept.shape[1])] = False
    high = np.where(rest, t, -np.inf).max(axis=0)
    low = np.where(rest, t, np.inf).min(axis=0)
    return high > low


def line_weights(times: Sequence[float], variances: Sequence[float], time: float) -> npt.NDArray[np.float64]:
    """Weights w with ``sum w = 1`` and ``sum w t = time`` that make the variance ``sum w^2 v`` least.

    They are those of the weighted least-squares line, read off at `time`.
    """
    t, v = np.asarray(times, np.float64), np.asarray(variances, np.float64)
    inverse = 1.0 / v
    middle = (inverse * t).sum() / inverse.sum()
    spread = (inverse * (t - middle) ** 2).sum()
    return np.asarray(inverse * (1.0 / inverse.sum() + (t - middle) * (time - middle) / spread))
