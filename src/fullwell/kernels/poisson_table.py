"""Tables with which Poisson numbers of small means are found without adding up all terms; exact all the same.

The number k that belongs to a word is the smallest one whose cumulative probability F(k; mean) is not below
the word. For 352 means a table holds F and its derivative, dF/dmean = -p(k; mean), so that F is known near
each of them to within a margin; another one says at which k to begin for the first 8 bits of the word. Only
words within the margin of a step (1 in 1000) need the sum that `random_reference` takes, term by term; for
all others its result is certain.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.kernels.random_reference import LARGE_MEAN, RECIPROCALS, exp_minus

__all__ = ["tables", "thresholds"]

#: Cells an electron^(1/2): the noise of the mean, and with it the width of F, grows as its root.
CELLS_PER_ROOT = 64
COLUMNS = 96  # F(k) is 1 to 1e-12 at k = 84 for the largest mean
BUCKETS = 256
#: float32 rounds F, the word and their difference by less than 1e-7 each.
ROUNDING = 5e-7


@cache
def tables() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Return the tables for means above 0 and below 30.

    Returns
    -------
    cells : ndarray of float32, shape (cells, 3)
        The middle of each cell, the margin of F, and `CELLS_PER_ROOT`.
    guide : ndarray of uint8, shape (cells, 256)
        A number that no word with these first 8 bits falls below.
    curves : ndarray of float32, shape (cells, 96, 2)
        F(k) and p(k) at the middle of the cell.
    """
    count = int(np.sqrt(float(LARGE_MEAN)) * CELLS_PER_ROOT) + 2
    edges = (np.arange(count + 1) / CELLS_PER_ROOT) ** 2
    low, high = edges[:-1] * (1 - 1e-6), edges[1:] * (1 + 1e-6)  # a root may be rounded into the next cell
    middle = ((low + high) / 2).astype(np.float32)
    f, p = _distribution(middle.astype(np.float64))
    # Second derivative of F: p(k) - p(k - 1); its largest value in the cell is looked for at three places.
    bend = np.max([_bend(mean) for mean in (low, middle.astype(np.float64), high)], axis=0)
    margin = 1.5 * bend * (high - low) ** 2 / 8 + ROUNDING
    words = np.arange(BUCKETS) / BUCKETS - 1e-6
    lowest, _ = _distribution(low)
    guide = np.array([np.searchsorted(row, words) for row in lowest])
    cells = np.stack([middle, margin, np.full(count, CELLS_PER_ROOT)], axis=1)
    curves = np.stack([f, p], axis=2)
    return cells.astype(np.float32), guide.astype(np.uint8), curves.astype(np.float32)


def thresholds(mean: float) -> npt.NDArray[np.int64]:
    """Return for one mean below 30 the words up to which the number is 0, 1, 2, ...

    The number of a word is how many thresholds lie below it. A threshold of -1 lies below all words.
    """
    x = np.float64(np.float32(mean))
    if not x > 0:
        return np.empty(0, np.int64)
    total = p = float(exp_minus(np.array([x]))[0])
    found: list[int] = []
    for reciprocal in RECIPROCALS[1:]:
        limit = int(np.floor(total * 2.0**32 - 0.5))
        if limit >= 2**32 - 1:
            break
        found.append(max(limit, -1))
        p = p * (x * reciprocal)
        total += p
    return np.array(found, np.int64)


def _distribution(mean: npt.NDArray[np.float64]) -> tuple[Any, Any]:
    p = np.empty((mean.size, COLUMNS))
    p[:, 0] = np.exp(-mean)
    for k in range(1, COLUMNS):
        p[:, k] = p[:, k - 1] * mean / k
    return np.cumsum(p, axis=1), p


def _bend(mean: npt.NDArray[np.float64]) -> Any:
    _, p = _distribution(mean)
    return np.abs(np.diff(p, axis=1, prepend=0)).max(axis=1)
