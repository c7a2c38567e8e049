"""How many levels of signal the pairs have: points at one level say nothing of a slope."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fullwell.errors import NotEnoughFrames
from fullwell.photon_transfer.curves import Curve

__all__ = ["LEAST_LEVELS", "check_levels", "distinct_levels"]

#: Gain, a_00 and read noise of the variance alone.
LEAST_LEVELS = 3
#: Means that differ by less are one level: lamps drift, and so does a bias.
_APART, _APART_OF_TOP = 0.02, 2e-4
_MOST_SHOWN = 5


def distinct_levels(mean: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the lowest mean of each level.

    Parameters
    ----------
    mean : ndarray
        ADU above bias, one a pair; a pair of biases is at 0, a level like the others.

    Returns
    -------
    ndarray
        Each more than 2 % of itself, and 0.02 % of the brightest, above the one before.
    """
    levels: list[float] = []
    means = np.asarray(mean, np.float64)
    means = np.sort(means[np.isfinite(means)])
    for one in means:
        if not levels or one - levels[-1] > _APART * abs(one) + _APART_OF_TOP * abs(means[-1]):
            levels.append(float(one))
    return np.array(levels)


def check_levels(curve: Curve, needed: int) -> None:
    """Check that the points that are used determine a model.

    Parameters
    ----------
    curve : Curve
    needed : int
        Levels that the model needs.

    Raises
    ------
    NotEnoughFrames
        If there are fewer.
    """
    levels = distinct_levels(curve.mean[curve.used])
    if len(levels) < needed:
        shown = ", ".join(f"{level:.4g}" for level in levels[:_MOST_SHOWN])
        found = f"{len(levels)} level{'s' if len(levels) != 1 else ''} of signal"
        raise NotEnoughFrames(
            f"{int(curve.used.sum())} pairs at {found}{f' ({shown} ADU)' if shown else ''}; {needed} or more "
            "levels are needed: add pairs of other exposure times, or a pair of biases, which is the level "
            "without light"
        )
