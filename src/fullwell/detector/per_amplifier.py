"""One value for each amplifier as an image that takes no memory: few of its rows differ."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fullwell.detector.geometry import Detector
from fullwell.errors import ParameterError
from fullwell.kernels.simulate import Rows

__all__ = ["spread_rows"]


def spread_rows(
    detector: Detector, values: float | npt.ArrayLike, *, layout: str = "assembled", fill: float = 0.0
) -> float | Rows:
    """Spread one value an amplifier over the pixels it reads, as `Detector.spread` does.

    Parameters
    ----------
    detector : Detector
    values : float or sequence of float
        One for all, or one for each amplifier in order.
    layout : {'assembled', 'raw'}
        Where to.
    fill : float
        Value of pixels that belong to no amplifier.

    Returns
    -------
    float if all are the same, else Rows

    Raises
    ------
    ParameterError
        If the number of values is neither 1 nor the number of amplifiers.
    """
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    amplifiers = detector.amplifiers
    if array.size not in (1, len(amplifiers)):
        raise ParameterError("values per amplifier", array.size, f"1 or {len(amplifiers)}")
    if np.all(array == array[0]):
        return float(np.float32(array[0]))
    height, width = detector.shape if layout == "assembled" else detector.raw_shape
    boxes = [amplifier.box if layout == "assembled" else amplifier.raw for amplifier in amplifiers]
    # Between neighboring edges all rows are the same.
    edges = sorted({0, height, *(edge for box in boxes for edge in (box.y0, box.y1))})
    bands = np.full((len(edges) - 1, width), fill, np.float32)
    for box, value in zip(boxes, array, strict=True):
        for band, y0 in enumerate(edges[:-1]):
            if box.y0 <= y0 < box.y1:
                bands[band, box.x0 : box.x1] = value
    return Rows(bands, np.repeat(np.arange(len(edges) - 1), np.diff(edges)))
