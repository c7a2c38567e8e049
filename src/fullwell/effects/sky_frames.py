"""Frames of the empty sky put together, the stars thrown out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fullwell.combining import Combined, combine
from fullwell.errors import FrameError, NotEnoughFrames
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame

__all__ = ["combined_sky", "sky_level"]

#: Sigma above the sky from which on a pixel belongs to a star, and pixels around it that do too.
STAR, GROW = 3.0, 3
LEAST = 3
#: A side of the frame over that of the regions whose scatter is pooled.
REGIONS = 8


def sky_level(frame: Frame) -> float:
    """Return the level between the stars: median of the unmasked pixels after clipping to 3 sigma.

    Raises
    ------
    FrameError
        If there is no light.
    """
    data = frame.data[~frame.mask].astype(np.float64)
    for _ in range(5):
        if not data.size:
            break
        middle = np.median(data)
        spread = 1.4826 * np.median(np.abs(data - middle))
        kept = data[np.abs(data - middle) <= STAR * spread]
        if kept.size in (0, data.size):
            break
        data = kept
    level = float(np.median(data)) if data.size else float("nan")
    if not level > 0:
        raise FrameError(f"sky frame {frame.source or ''} has no light: its level is {level:.4g}")
    return level


def combined_sky(frames: list[Frame]) -> Frame:
    """Mean of dithered sky frames, each divided by its level, with stars masked and outliers clipped.

    The variance is that of the scatter between the frames, pooled over a region: the few values of a single
    pixel do not know their own.

    Raises
    ------
    NotEnoughFrames
        With fewer than three frames.
    """
    if len(frames) < LEAST:
        raise NotEnoughFrames(
            f"stars can be told from the sky in {LEAST} frames or more, not in {len(frames)}"
        )
    scaled = []
    for frame in frames:
        level = sky_level(frame)
        data = (frame.data / np.float32(level)).astype(np.float32)
        flags = frame.flags | np.where(
            _stars(data, frame.mask), FLAG_DTYPE.type(Flags.MASKED), FLAG_DTYPE.type(0)
        )
        scaled.append(Frame(data, flags=flags))
    result = combine(scaled, clip=3.0, spread="std")
    return result.frame.with_(variance=_pooled_variance(result))


def _pooled_variance(result: Combined) -> npt.NDArray[np.float32]:
    """Variance of one value, the mean of those around, over the number of values of each pixel."""
    from scipy.ndimage import uniform_filter

    used = result.used.astype(np.float32)
    degrees = np.where(np.isfinite(result.empirical) & ~result.frame.mask, np.maximum(used - 1, 0), 0)
    squares = np.where(degrees > 0, degrees * used * result.empirical, 0)
    size = [max(length // REGIONS, 1) for length in used.shape]
    around, count = (uniform_filter(plane, size, mode="nearest") for plane in (squares, degrees))
    # Where nothing is around, the whole frame has to do.
    typical = squares.sum(dtype=np.float64) / max(degrees.sum(dtype=np.float64), 1.0)
    single = np.where(count > 1e-3, around / np.maximum(count, 1e-3), typical)
    return np.asarray(single / np.maximum(used, 1), np.float32)


def _stars(data: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Pixels well above what is around them, and their neighbors."""
    from scipy.ndimage import binary_dilation, median_filter

    filled = np.where(mask | ~np.isfinite(data), np.float32(1), data)
    # Coarse blocks: the slow pattern of the sky itself must not count as a star.
    size = max(min(data.shape) // 16, 8)
    coarse = median_filter(filled[:: size // 4, :: size // 4], size=9, mode="nearest")
    rows = np.minimum(np.arange(data.shape[0]) // (size // 4), coarse.shape[0] - 1)
    columns = np.minimum(np.arange(data.shape[1]) // (size // 4), coarse.shape[1] - 1)
    rest = filled - coarse[np.ix_(rows, columns)]
    spread = 1.4826 * np.median(np.abs(rest - np.median(rest)))
    return np.asarray(binary_dilation(rest > STAR * max(float(spread), 1e-12) * 2, iterations=GROW))
