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
  above the large median, is at most ``s' / halo``, and these three are not all brighter than itself. When
  noise lowers a single neighbor of a faint star, the small median takes the star for a hit; the mean of five
  does not. What is darker than three neighbors is the foot of a narrow star rather than a hit. And where
  three neighbors are hit, too, the small median is the brightest of the others, so that a high contrast loses
  faint hits over a bright sky: with the halo to tell stars by, less than half of what was published is
  enough;

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
from fullwell.kernels.pool import over_blocks

__all__ = ["find_cosmic_rays"]

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

#: Rows of tiles in a block, and candidates, that one thread does at a time.
_TILES_AT_ONCE = 8
_CANDIDATES_AT_ONCE = 1024
_ROWS_AT_ONCE = 64
#: Fraction of the pixels above which medians of all are cheaper than those of the candidates alone.
_CROWDED = 0.005


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
    planes = _Planes(loops, data.shape, separable=separable)
    candidates = planes.first_candidates(data, variance, mask, limits[0])
    found = np.empty(data.size, np.int64)
    for iteration in range(iterations):
        fresh = found[: planes.find(candidates, limits, found=found)]
        if not fresh.size or iteration == iterations - 1:
            break
        candidates = planes.renew(fresh, limits[0])
    flagged = np.zeros(data.shape, np.bool_)
    loops.widen(planes.hits, mask, grow, flagged)
    return flagged


class _Planes:
    """What the loops work on, with a margin around the image, and the loops in the order they are needed."""

    def __init__(self, loops: ModuleType, shape_inside: tuple[int, ...], *, separable: bool) -> None:
        self.loops, self.separable = loops, separable
        rows, columns = shape_inside
        shape = (rows + 2 * loops.MARGIN, columns + 2 * loops.MARGIN)
        self.image = np.full(shape, -np.inf, np.float32)
        self.bad = np.full(shape, loops.UNKNOWN, np.uint8)
        self.power, self.laplacian, self.noise, self.level = (np.zeros(shape, np.float32) for _ in range(4))
        self.hits, self.new = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        # A system gives zeros away that take no memory before they are written to.
        self.rows = tuple(np.zeros(shape if separable else (1, 1), np.float32) for _ in range(4))
        tiles = (-(-rows // loops.TILE) + 2, -(-columns // loops.TILE) + 2)
        self.floor = np.full(tiles, np.inf, np.float32)

    def first_candidates(self, data: Image, variance: Image, mask: Mask, threshold: np.float32) -> Places:
        loops, columns = self.loops, data.shape[1]
        size = _TILES_AT_ONCE * loops.TILE
        blocks = [(start, min(start + size, len(data))) for start in range(0, len(data), size)]
        places = np.empty(data.size, np.int64)

        def prepare(rows: tuple[int, int]) -> None:
            loops.prepare(data, variance, mask, self.image, self.power, self.bad, self.floor, *rows)

        def search(rows: tuple[int, int]) -> Places:
            mine = places[rows[0] * columns : rows[1] * columns]
            count = loops.first_candidates(
                self.image, self.bad, self.floor, threshold, self.laplacian, mine, *rows
            )
            return mine[:count]

        over_blocks(prepare, blocks)  # all of it first: a row looks at the next one
        return np.concatenate([np.empty(0, np.int64), *over_blocks(search, blocks)])

    def find(self, candidates: Places, limits: tuple[np.float32, ...], *, found: Places) -> int:
        verdicts = np.empty(candidates.size, np.bool_)
        if self.separable and candidates.size > _CROWDED * self.bad.size:
            self._fill()

        def judge(start: int) -> None:
            part = slice(start, start + _CANDIDATES_AT_ONCE)
            self.loops.judge(
                self.image, self.power, self.bad, self.laplacian, self.noise, self.level, self.rows,
                limits, self.separable, candidates[part], verdicts[part],
            )  # fmt: skip

        over_blocks(judge, range(0, candidates.size, _CANDIDATES_AT_ONCE))
        count: int = self.loops.settle(
            self.power, self.bad, self.laplacian, self.noise, self.rows,
            limits, self.separable, candidates, verdicts, self.new, found, self.hits,
        )  # fmt: skip
        return count

    def _fill(self) -> None:
        """Make the medians of all pixels at once, which is the cheaper way where many are needed."""
        loops, margin = self.loops, self.loops.MARGIN
        stop = len(self.bad) - margin
        blocks = [(y, min(y + _ROWS_AT_ONCE, stop)) for y in range(margin, stop, _ROWS_AT_ONCE)]

        def outer(part: tuple[int, int]) -> None:
            loops.fill_outer_rows(self.laplacian, self.noise, self.level, self.bad, self.rows, *part)

        over_blocks(lambda part: loops.fill_rows(self.image, self.power, self.bad, self.rows, *part), blocks)
        over_blocks(lambda part: loops.fill_columns(self.rows, self.level, self.noise, *part), blocks)
        over_blocks(outer, blocks)

    def renew(self, fresh: Places, threshold: np.float32) -> Places:
        """Clean hits; return the candidates around those that are fresh."""
        places = np.empty(self.bad.size, np.int64)
        self.loops.renew(self.image, self.power, self.bad, self.laplacian, self.hits, fresh)
        count = self.loops.look_around(
            self.bad,
            self.laplacian,
            self.noise,
            self.level,
            self.rows,
            self.separable,
            self.floor,
            threshold,
            fresh,
            self.new,
            places,
        )
        return places[:count]


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
