"""Cosmic rays in a single frame: L.A.Cosmic (van Dokkum 2001, PASP 113, 1420).

The rule. A pixel is cut in four, of each quarter the Laplacian is taken, and what is negative is set to 0.
Since quarters of one pixel are equal, the mean of the four, ``L``, is that of ``max(0, drop to the neighbor
beside + drop to the neighbor above or below)`` over the four corners. The noise is the square root of the
median of the variance around a pixel, so that the photon noise of a hit does not hide it. With ``s = L / (2
noise)``, a pixel is a hit when

- ``s' = s - median(s)`` exceeds the threshold: it is too sharp for noise;
- ``s' / f`` exceeds the contrast, where f is a small median of the image less a large one, in units of the
  noise: it is too sharp for a star;
- it has no halo, which is ours and not in the paper: the mean of its neighbors without the three brightest,
  above the large median, is at most ``s' / halo``. When noise lowers a single neighbor of a faint star, the
  small median takes the star for a hit; the mean of five does not. And where three neighbors are hit, too, the
  small median is the brightest of the others, so that a bright sky hides faint hits from any high contrast:
  with a halo to ask for, that can be less than half of what was published;

or when it touches such a pixel and s' exceeds the threshold, or one of those and s' exceeds the lower
threshold of neighbors. Hits get the median of the sound pixels around them, and all is done again until
nothing is new.

Pixels that are masked, not finite or without a variance above 0 are never a hit. They are in no median but
the small one, where the core of a saturated star belongs, and next to a pixel they can lower its Laplacian
but never raise it: a saturated or dead pixel triggers nothing around it. What lies outside of the image
counts as not finite, so hits are found up to the border. The median of an even number of values is the
lower of the two in the middle.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Literal

import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError, ParameterError

__all__ = ["find_cosmic_rays"]

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def find_cosmic_rays(
    data: Image,
    variance: Image,
    mask: Mask | None = None,
    *,
    threshold: float = 5.0,
    neighbors: float = 0.3,
    contrast: float = 2.0,
    halo: float = 17.0,
    iterations: int = 4,
    grow: int = 0,
    medians: Literal["full", "separable"] = "full",
) -> Mask:
    """Find the pixels hit by cosmic rays; the arrays given stay as they are.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns)
        Image with its sky, in any unit.
    variance : ndarray of float32, shape (rows, columns)
        Its variance, that unit squared.
    mask : ndarray of bool, shape (rows, columns), optional
        True for pixels to leave out, saturated ones above all.
    threshold : float
        Least Laplacian of a hit in sigma, above 0.
    neighbors : float
        Fraction of the threshold that is enough beside a hit, 0 or more.
    contrast : float
        Least Laplacian of a hit in units of the fine structure, 0 or more. Lower values find more hits, and
        the cores of stars when these are narrow.
    halo : float
        Least Laplacian of a hit in units of its halo, 0 or more; 0 asks for none of it, as was published.
    iterations : int
        Most rounds, 1 or more.
    grow : int
        Also flag what is up to this many rows and columns away from a hit, and not masked.
    medians : {'full', 'separable'}
        'full' as published, with windows of 5 (noise, Laplacian), 3 and 7 pixels (fine structure).
        'separable' takes medians of medians of rows, in windows of 7, 5 and 9 pixels, as fast programs do;
        it flags the cores of narrow stars, and is there to compare with them.

    Returns
    -------
    ndarray of bool, shape (rows, columns)

    Raises
    ------
    FrameError
        If the shapes differ or are not of two dimensions.
    ParameterError
        If a parameter is outside of its range.
    """
    _check_shapes(data, variance, mask)
    _check_parameters(threshold, neighbors, contrast, halo, iterations, grow, medians)
    least = np.float32(threshold)
    limits = (least, least * np.float32(neighbors), np.float32(contrast), np.float32(halo))
    if mask is None:
        mask = np.zeros(data.shape, np.bool_)
    return _found(
        np.ascontiguousarray(data, np.float32),
        np.ascontiguousarray(variance, np.float32),
        np.ascontiguousarray(mask, np.bool_),
        limits=limits,
        separable=medians == "separable",
        iterations=iterations,
        grow=grow,
    )


def _found(
    data: Image,
    variance: Image,
    mask: Mask,
    *,
    limits: tuple[np.float32, ...],
    separable: bool,
    iterations: int,
    grow: int,
) -> Mask:
    loops = _compiled()
    rows, columns = data.shape
    shape = (rows + 2 * loops.MARGIN, columns + 2 * loops.MARGIN)
    image, power, laplacian = (np.full(shape, v, np.float32) for v in (-np.inf, 0, 0))
    bad, hits = np.full(shape, loops.UNKNOWN, np.uint8), np.zeros(shape, np.bool_)
    loops.prepare(data, variance, mask, image, power, bad)
    floor = np.empty((-(-rows // loops.TILE) + 2, -(-columns // loops.TILE) + 2), np.float32)
    loops.floors(power, bad, floor)
    candidates = np.empty(data.size, np.int64)
    count = loops.first_candidates(image, bad, floor, limits[0], laplacian, candidates)
    loops.iterate(image, power, bad, laplacian, floor, limits, separable, iterations, candidates, count, hits)
    found = np.zeros(data.shape, np.bool_)
    loops.widen(hits, mask, grow, found)
    return found


def _check_shapes(data: Image, variance: Image, mask: Mask | None) -> None:
    shapes = [data.shape, variance.shape, *([] if mask is None else [mask.shape])]
    if len(data.shape) != 2 or len(set(shapes)) > 1:
        raise FrameError(f"data, variance and mask must be images of one shape, got {shapes}")


def _check_parameters(
    threshold: float,
    neighbors: float,
    contrast: float,
    halo: float,
    iterations: int,
    grow: int,
    medians: str,
) -> None:
    if not (np.isfinite(threshold) and threshold > 0):
        raise ParameterError("threshold", threshold, "finite and above 0")
    for name, value in (("neighbors", neighbors), ("contrast", contrast), ("halo", halo)):
        if not (np.isfinite(value) and value >= 0):
            raise ParameterError(name, value, "finite and 0 or more")
    for name, number, least in (("iterations", iterations, 1), ("grow", grow, 0)):
        if not number >= least:
            raise ParameterError(name, number, f"{least} or more")
    if medians not in ("full", "separable"):
        raise ParameterError("medians", medians, "'full' or 'separable'")


@cache
def _compiled() -> ModuleType:
    from fullwell.kernels import lacosmic_compiled

    return lacosmic_compiled
