"""Amplifiers in the order in which they are read, so that one index is one clock tick.

All amplifiers of a detector are clocked together: what is so many rows and columns away from the corner where
each is read out meets the others' pixels of the same place in the electronics.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.detector.geometry import Detector
from fullwell.errors import FrameError

__all__ = ["in_read_order", "tick_blocks"]

_ROWS = 64  # clocked rows that are worked on at a time


def in_read_order(image: npt.NDArray[Any], detector: Detector, *, layout: str) -> list[npt.NDArray[Any]]:
    """Return a view of each amplifier's pixels that begins with the pixel read out first.

    Parameters
    ----------
    image : ndarray
        Raw frame or assembled image.
    detector : Detector
    layout : {'raw', 'assembled'}
        In raw frames the views hold prescan and overscan too. Assembled images have lost them: amplifiers
        whose prescans differ in width meet at other ticks there.

    Returns
    -------
    list of ndarray
        Views into `image`, in the order of the amplifiers.

    Raises
    ------
    FrameError
        If `image` does not have that layout.
    """
    raw = layout == "raw"
    if image.shape != (detector.raw_shape if raw else detector.shape):
        raise FrameError(f"an array of {image.shape} is no {layout} image of detector {detector.name}")
    views = []
    for amplifier in detector.amplifiers:
        right, top = amplifier.raw_corner if raw else amplifier.read_out_corner
        view = image[(amplifier.raw if raw else amplifier.box).slices]
        views.append(view[:: -1 if top else 1, :: -1 if right else 1])
    return views


def tick_blocks(
    views: Sequence[npt.NDArray[Any]],
) -> Iterator[tuple[list[npt.NDArray[Any]], npt.NDArray[np.float32]]]:
    """Go through views in read order some clocked rows at a time.

    Yields
    ------
    parts : list of ndarray
        The rows of each view; fewer, or none, of an amplifier that is smaller than others.
    stacked : ndarray of float32, shape (amplifiers, rows, columns)
        Copies of them; 0 where an amplifier has no pixel or its value is not finite.
    """
    rows = max(view.shape[0] for view in views)
    columns = max(view.shape[1] for view in views)
    for start in range(0, rows, _ROWS):
        parts = [view[start : start + _ROWS] for view in views]
        stacked = np.zeros((len(views), min(_ROWS, rows - start), columns), np.float32)
        for plane, part in zip(stacked, parts, strict=True):
            plane[: part.shape[0], : part.shape[1]] = part
        stacked[~np.isfinite(stacked)] = 0
        yield parts, stacked
