"""Charge put back to where its light fell."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.effects.brighter_fatter_boundaries import Boundaries
from fullwell.kernels.brighter_fatter import moved_charge

__all__ = ["PutBack", "put_back", "without_bad"]

Image = npt.NDArray[np.float32]

#: Rings of a bad region that are filled from their neighbors; what lies deeper gets the value of the nearest
#: good pixel, which is as good a guess there.
_RINGS = 8


@attrs.frozen(eq=False)
class PutBack:
    """What an iteration came to.

    Parameters
    ----------
    gained : ndarray of float32, shape (rows, columns)
        Electrons that each pixel got from its neighbors; to be taken away.
    iterations : int
    last_change : float
        Largest change of a pixel in the last one, electrons.
    """

    gained: Image
    iterations: int
    last_change: float


def put_back(charge: Image, boundaries: Boundaries, *, threshold: float, most: int) -> PutBack:
    """Find the light that became `charge`.

    Parameters
    ----------
    charge : ndarray of float32, shape (rows, columns)
        Electrons, all of them finite.
    boundaries : Boundaries
    threshold : float
        Electrons; the iteration ends when no pixel changes by more.
    most : int
        Iterations at most.

    Notes
    -----
    Coulton et al. 2018, AJ 155, 258, in the form that conserves charge: what crosses a boundary is its
    displacement times the mean light of the pixels on both sides, and is taken from one and given to the
    other. The displacement is that by the mean charge during the exposure. With the charge growing as
    ``I t + D t^2`` (light I, and D the little that is moved) its integral is ``F/2 - D/6``, F = I + D being
    what was measured: ``F/3 + I/6``, correct to second order where half of F is so to first.
    """
    light = charge
    gained, change, done = np.zeros_like(charge), np.inf, 0
    while done < most and change > threshold:
        acting = charge / np.float32(3) + light / np.float32(6)
        gained = moved_charge(light, acting, boundaries.east, boundaries.north)
        better = charge - gained
        change = float(np.abs(better - light).max())
        light = better
        done += 1
    return PutBack(gained, done, change)


def without_bad(image: npt.NDArray[np.floating], bad: npt.NDArray[np.bool_]) -> Image:
    """Return a copy as float32 in which bad pixels have values like those around them.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    bad : ndarray of bool, same shape
        If all pixels are, the copy holds zeros.
    """
    filled = np.asarray(image, np.float32).copy()
    if not bad.any():
        return filled
    if bad.all():
        return np.zeros_like(filled)
    filled[bad] = 0
    known = np.pad(~bad, 1)
    values = np.pad(filled, 1)
    todo = np.argwhere(bad) + 1
    around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
    for _ in range(_RINGS):
        y, x = todo.T
        count = np.sum([known[y + dy, x + dx] for dy, dx in around], axis=0)
        total = np.sum([values[y + dy, x + dx] for dy, dx in around], axis=0)
        ring = count > 0
        values[y[ring], x[ring]] = total[ring] / count[ring]
        known[y[ring], x[ring]] = True
        todo = todo[~ring]
        if not todo.size:
            return values[1:-1, 1:-1].copy()
    return _nearest(values[1:-1, 1:-1], known[1:-1, 1:-1])


def _nearest(values: Image, known: npt.NDArray[np.bool_]) -> Image:
    from scipy.ndimage import distance_transform_edt

    y, x = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(values[y, x], np.float32)
