"""Temporal noise from a stack of equal frames."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.errors import NotEnoughFrames
from fullwell.photon_transfer.pairs import difference_variance

__all__ = ["pooled_noise"]


def pooled_noise(
    frames: Iterable[tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]],
    detector: Detector,
    *,
    clip: float = 5.0,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Temporal noise of each amplifier from the differences of neighboring frames.

    Parameters
    ----------
    frames : iterable of (data, mask)
        Equal exposures in the order taken, assembled, at least two; True is masked.
    detector : Detector
        Says which pixel belongs to which amplifier.
    clip : float
        Differences beyond this many standard deviations are left out (iterated, loss corrected).

    Returns
    -------
    noise, error : tuple of float
        Standard deviation of one frame in the unit of the data, and its standard error, for each amplifier.

    Raises
    ------
    NotEnoughFrames
        If there are fewer than two frames.

    Notes
    -----
    ``sigma^2 = <var(x_i - x_{i+1})> / 2`` about the mean of each difference, so that neither fixed pattern
    nor drift of the level counts. The variance is used, not the MAD, which integer data quantize.
    """
    variances: list[list[float]] = [[] for _ in detector.amplifiers]
    counts: list[list[float]] = [[] for _ in detector.amplifiers]
    for (first, mask1), (second, mask2) in pairwise(frames):
        for i, amplifier in enumerate(detector.amplifiers):
            box = amplifier.box.slices
            parts = [mask[box] for mask in (mask1, mask2) if any(mask.strides) or mask.any()]
            good = ~np.bitwise_or.reduce(parts) if parts else None
            variance, count = difference_variance(first[box], second[box], good=good, clip=clip)
            if not count > 1:  # of one pixel, or none
                continue
            variances[i].append(variance / 2)
            counts[i].append(count)
    if not any(variances):
        raise NotEnoughFrames("noise needs at least two frames with unmasked pixels in common")
    noise = tuple(float(np.sqrt(np.mean(v))) if v else float("nan") for v in variances)
    # Neighboring differences share a frame: their variances correlate by 1/4.
    error = tuple(
        s * float(np.sqrt((1.5 - 0.5 / len(c)) / (2 * np.sum(c)))) if c else float("nan")
        for s, c in zip(noise, counts, strict=True)
    )
    return noise, error
