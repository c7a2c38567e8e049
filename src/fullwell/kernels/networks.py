"""Sorting networks: which rows to compare in which order, whatever the values are.

A row holds one value of each of many pixels, so that a comparison of two rows sorts all those pixels at
once. Up to `MOST` rows are sorted in registers, in one trip to memory. More go through the processor in
blocks of `BLOCK`: every block is sorted by itself, then blocks are merged pairwise. A network whose
comparators are replaced by merges of sorted blocks sorts the blocks (Knuth, *The Art of Computer
Programming*, vol. 3, section 5.3.4, exercise 38).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "MOST", "STEP", "batcher", "merges", "padded"]

#: Rows that are sorted in registers without merges, a multiple of `STEP`.
MOST = 32
#: Rows of a block where there are more.
BLOCK = 16
#: There is a network in registers for every multiple of so many rows.
STEP = 4


def padded(n: int) -> int:
    """Smallest number of rows that holds `n` and can be sorted."""
    step = STEP if n <= MOST else BLOCK
    return -(-n // step) * step


def merges(n: int) -> npt.NDArray[np.int32]:
    """Return which blocks of ``padded(n)`` rows to merge, shape (merges, 2); none for few rows."""
    return batcher(padded(n) // BLOCK if n > MOST else 1)


@lru_cache(maxsize=256)
def batcher(n: int) -> npt.NDArray[np.int32]:
    """Return the comparators of Batcher's odd-even merge sort for `n` elements of any number.

    Parameters
    ----------
    n : int
        1 or more.

    Returns
    -------
    ndarray of int32, shape (comparators, 2), read-only
        Each puts the smaller of two elements first; in this order they sort.

    Notes
    -----
    K. E. Batcher, "Sorting networks and their applications", AFIPS SJCC 1968; in the iterative form of Knuth,
    section 5.2.2, algorithm M.
    """
    pairs: list[tuple[int, int]] = []
    p = 1
    while p < n:
        k = p
        while k >= 1:
            for j in range(k % p, n - k, 2 * k):
                pairs += [
                    (i + j, i + j + k)
                    for i in range(min(k, n - j - k))
                    if (i + j) // (2 * p) == (i + j + k) // (2 * p)
                ]
            k //= 2
        p *= 2
    table = np.array(pairs, np.int32).reshape(-1, 2)
    table.setflags(write=False)
    return table
