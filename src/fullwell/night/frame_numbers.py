"""Numbers of a frame before and after: background, noise, gradients, hot outliers."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.kernels.neighbors import neighbor_ratios
from fullwell.night.looking import clipped

__all__ = ["FrameNumbers", "frame_numbers", "noise_over_predicted"]

EDGE = 0.1  # of the width or height, for gradients
HOT = 10.0  # sigma of one pixel
QUARTILE = 0.6744897501960817  # of the unit Gaussian


@attrs.frozen
class FrameNumbers:
    """What an observer compares before and after, in the unit of the frame.

    Parameters
    ----------
    background : float
        Median.
    sigma : float
        Standard deviation of all good pixels, clipped at 5 sigma; holds gradients and faint stars.
    gradient_x, gradient_y : float
        Median of the last tenth of columns (rows) minus that of the first.
    noise : float
        Of one pixel, from differences of neighbors two columns apart: neither gradients nor stars count.
    hot_outliers : int
        Single pixels more than 10 sigma above their surroundings.
    """

    background: float
    sigma: float
    gradient_x: float
    gradient_y: float
    noise: float
    hot_outliers: int


def frame_numbers(data: npt.NDArray[Any], good: npt.NDArray[np.bool_]) -> FrameNumbers:
    """Measure a frame.

    Parameters
    ----------
    data : ndarray, shape (rows, columns)
    good : ndarray of bool
        Pixels that count.

    Returns
    -------
    FrameNumbers
        NaN, and no outliers, where no pixel counts.
    """
    values = data[good].astype(np.float64)
    if values.size == 0:
        return FrameNumbers(*(float("nan"),) * 5, hot_outliers=0)
    middle = float(np.median(values))
    flat = np.where(good, data, middle).astype(np.float32)
    edge_x, edge_y = (max(1, int(EDGE * n)) for n in (data.shape[1], data.shape[0]))
    noise = _noise(data, good)
    return FrameNumbers(
        background=middle,
        sigma=float(clipped(values).std()),
        gradient_x=float(np.median(flat[:, -edge_x:]) - np.median(flat[:, :edge_x])),
        gradient_y=float(np.median(flat[-edge_y:]) - np.median(flat[:edge_y])),
        noise=noise,
        hot_outliers=_lone_outliers(flat, noise),
    )


def noise_over_predicted(
    data: npt.NDArray[Any], variance: npt.NDArray[Any], good: npt.NDArray[np.bool_]
) -> float | None:
    """Compare the noise that is there with the one that was predicted, pixel by pixel.

    Parameters
    ----------
    data, variance : ndarray, shape (rows, columns)
    good : ndarray of bool
        Pixels that count.

    Returns
    -------
    float or None
        Spread of the differences of neighbors two columns apart, each in units of its predicted error: 1
        where the variance plane is right. From the median absolute value, so that stars do not count. None
        if no two pixels can be compared.
    """
    ratios = neighbor_ratios(data, variance, good)
    return float(np.median(ratios) / QUARTILE) if ratios.size else None


def _noise(data: npt.NDArray[Any], good: npt.NDArray[np.bool_]) -> float:
    both = good[:, 2:] & good[:, :-2]
    values = clipped((data[:, 2:].astype(np.float64) - data[:, :-2])[both])
    return float(values.std() / np.sqrt(2)) if values.size > 1 else float("nan")


def _lone_outliers(data: npt.NDArray[np.float32], noise: float) -> int:
    """Count pixels far above their surroundings whose neighbors are not.

    Surroundings are the median of the ring three pixels away. The eight neighbors of a hot pixel have less
    than a fifth of its excess, those of the sharpest star (sigma of 0.8 pixels) a third.
    """
    from scipy.ndimage import median_filter

    if min(data.shape) < 7 or not noise > 0:
        return 0
    excess = data - median_filter(data, size=3)
    excess[:3], excess[-3:], excess[:, :3], excess[:, -3:] = 0, 0, 0, 0
    y, x = np.nonzero(excess > HOT / 2 * noise)
    steps = np.arange(-3, 4)
    windows = data[y[:, None, None] + steps[:, None], x[:, None, None] + steps].astype(np.float64)
    around = np.median(windows[:, np.hypot(steps[:, None], steps) >= 3], axis=1)
    peak = windows[:, 3, 3] - around
    beside = (windows[:, 2:5, 2:5].sum(axis=(1, 2)) - windows[:, 3, 3]) / 8 - around
    return int(((peak > HOT * noise) & (beside < 0.2 * peak)).sum())
