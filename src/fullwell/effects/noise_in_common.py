"""Noise that pixels have in common makes fitted coefficients less certain than white noise says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["excess_scatter"]

Array = npt.NDArray[np.float64]


def excess_scatter(
    design: Array, residual: Array, together: Sequence[npt.NDArray[np.intp]]
) -> npt.NDArray[np.float64]:
    """Return what common noise adds to the matrix in the middle of the covariance of a weighted fit.

    Parameters
    ----------
    design : ndarray, shape (parameters, pixels)
        Columns of the fit over the noise of each pixel; 0 where a pixel is left out.
    residual : ndarray, shape (pixels,)
        Over the noise as well, and 0 where a pixel is left out.
    together : sequence of ndarray of int, shape (pixels,)
        Ways in which pixels belong together: for each the number of the set that a pixel is in.

    Returns
    -------
    ndarray, shape (parameters, parameters)

    Notes
    -----
    With the part t of the variance common to a set, the sum of its n residuals has the variance n + t n^2.
    All sets together give t, with a small error where there are many; below 0 it is taken to be 0. The
    covariance of the parameters is then ``B + B E B``, B that of white noise, and E the sum over the sets of
    ``t x x^T``, x being the sum of the design in the set: the sandwich of Liang and Zeger 1986 (Biometrika
    73, 13), with one variance for all sets.
    """
    total = np.zeros((len(design), len(design)))
    kept = residual != 0
    single = float((residual**2).sum())
    for sets in together:
        number = int(sets.max()) + 1
        counts = np.bincount(sets, kept, number)
        sums = np.bincount(sets, residual, number)
        pairs = float((counts * (counts - 1)).sum())
        common = (float((sums**2).sum()) - single) / pairs if pairs > 0 else 0.0
        if common > 0:
            along = np.stack([np.bincount(sets, column, number) for column in design])
            total += common * (along @ along.T)
    return total
