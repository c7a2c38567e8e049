"""The plain NumPy form of `displacement_compiled`: what the compiled loops have to agree with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["displaced_plain"]

Lines = npt.NDArray[np.float64]


def displaced_plain(
    light: npt.NDArray[Any], east: npt.NDArray[Any], north: npt.NDArray[Any]
) -> npt.NDArray[np.float32]:
    """Return what `displacement.displaced` returns, from the light summed up to each boundary."""
    image = light.astype(np.float64)
    across = _swept(image, east.astype(np.float64))
    along = _swept(image.T, north.T.astype(np.float64)).T
    collected = image + np.diff(across, axis=1) + np.diff(along, axis=0)
    return np.maximum(collected, 0).astype(np.float32)


def _swept(light: Lines, shifts: Lines) -> Lines:
    """Light of each line between its boundaries and where they are moved to."""
    size = light.shape[1]
    slopes = np.zeros_like(light)
    slopes[:, 1:-1] = np.clip((light[:, 2:] - light[:, :-2]) / 2, -2 * light[:, 1:-1], 2 * light[:, 1:-1])
    before = np.pad(np.cumsum(light, axis=1), ((0, 0), (1, 0)))
    places = np.arange(size + 1)
    return _up_to(places + shifts, light, slopes, before) - before


def _up_to(places: Lines, light: Lines, slopes: Lines, before: Lines) -> Lines:
    """Light of each line up to `places`."""
    size = light.shape[1]
    pixels = np.clip(np.floor(places).astype(int), 0, size - 1)
    own, slope, start = (np.take_along_axis(array, pixels, axis=1) for array in (light, slopes, before))
    share = places - pixels
    inside = (share >= 0) & (share <= 1)
    return np.asarray(start + share * own - np.where(inside, 0.5 * slope * share * (1 - share), 0.0))
