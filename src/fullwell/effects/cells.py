"""Amplifiers cut into cells, over which the pixels of a flat are averaged."""

from __future__ import annotations

from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.errors import ParameterError

__all__ = ["Cells", "chebyshev_rows"]

Table = npt.NDArray[np.float64]
_CLIP = 5.0
_RESPONSE = 0.5  # of the mean: what lies farther off is a cosmic ray and not the response of a pixel


@attrs.frozen(eq=False)
class Cells:
    """Which cell each pixel belongs to.

    Parameters
    ----------
    labels : ndarray of int32, shape (rows, columns)
        Number of the cell.
    amplifier : ndarray of int, shape (cells,)
        Number of the amplifier of each cell.
    """

    labels: npt.NDArray[np.int32]
    amplifier: npt.NDArray[np.intp]

    @classmethod
    def of(cls, detector: Detector, grid: tuple[int, int]) -> Self:
        """Cut each amplifier into a grid of rows and columns of cells.

        Raises
        ------
        ParameterError
            If the grid is not positive, or finer than the pixels of an amplifier.
        """
        rows, columns = grid
        least = min(min(amplifier.box.shape) for amplifier in detector.amplifiers)
        if not (1 <= rows <= least and 1 <= columns <= least):
            raise ParameterError("cells", grid, f"two numbers from 1 to {least}, the pixels of an amplifier")
        labels = np.zeros(detector.shape, np.int32)
        for i, amplifier in enumerate(detector.amplifiers):
            height, width = amplifier.box.shape
            y = np.arange(height) * rows // height
            x = np.arange(width) * columns // width
            labels[amplifier.box.slices] = i * rows * columns + y[:, None] * columns + x
        return cls(labels, np.repeat(np.arange(len(detector.amplifiers)), rows * columns))

    @property
    def count(self) -> int:
        """How many cells there are."""
        return int(self.amplifier.size)

    def sums(self, image: npt.NDArray[Any] | None, good: npt.NDArray[np.bool_]) -> Table:
        """Sum the good pixels of each cell; without an image count them."""
        labels = self.labels[good]
        weights = None if image is None else image[good]
        return np.bincount(labels, weights, minlength=self.count).astype(np.float64)

    def means(self, image: npt.NDArray[Any], good: npt.NDArray[np.bool_]) -> tuple[Table, Table]:
        """Mean of each cell without pixels that lie far off, and the number of pixels in it.

        Cells without a pixel have the mean 0.
        """
        count = np.maximum(self.sums(None, good), 1.0)
        center = self.sums(image, good) / count
        off = image - center[self.labels]
        spread = np.sqrt(self.sums(off**2, good) / count)
        limit = np.maximum(_CLIP * spread, _RESPONSE * np.abs(center))
        kept = good & (np.abs(off) <= limit[self.labels])
        pixels = self.sums(None, kept)
        return self.sums(image, kept) / np.maximum(pixels, 1.0), pixels

    def surfaces(self, order: int, good: npt.NDArray[np.bool_]) -> Table:
        """Means of the products of Chebyshev polynomials over each cell, shape (cells, (order + 1)^2)."""
        py, px = chebyshev_rows(self.labels.shape, order)
        count = np.maximum(self.sums(None, good), 1.0)
        columns = [
            self.sums(np.outer(py[:, i], px[:, j]), good) / count
            for i in range(order + 1)
            for j in range(order + 1)
        ]
        return np.stack(columns, axis=1)


def chebyshev_rows(shape: tuple[int, ...], order: int) -> tuple[Table, Table]:
    """Chebyshev polynomials up to a degree along the rows and the columns of an image, from -1 to 1."""
    from numpy.polynomial import chebyshev

    rows, columns = (
        np.asarray(chebyshev.chebvander(np.linspace(-1, 1, n), order), np.float64) for n in shape
    )
    return rows, columns
