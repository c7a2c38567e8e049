"""Where the variance of flats falls though the mean still rises: charge is shared, the well is full."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["between_steps", "find_turnoff", "variance_turnoff"]

FALLING = 2  # points, one after the other
SURE = 5.0  # sigma
BACK = 2  # points
NEAR, WIDEST = 80, 12  # parts of the largest mean that points count as one in
KNOWN = 0.01  # relative error of a variance
SMALL = 0.1  # of an error, for derivatives


def variance_turnoff(variance: npt.ArrayLike, error: npt.ArrayLike = 0.0) -> int | None:
    """Find the last point before the variance falls for good.

    The last mean before two or more consecutive points of falling variance, if they fall by more than 5 sigma
    together and no two later points come back as high. Without errors: the same rule on a noiseless curve.

    Parameters
    ----------
    variance : array_like, shape (points,)
        In the order of the mean.
    error : array_like or float
        Standard errors of the variances.

    Returns
    -------
    int or None
        Number of the point; None if the variance does not turn.
    """
    values = np.asarray(variance, np.float64)
    sigma = np.broadcast_to(np.asarray(error, np.float64), values.shape)

    def above(one: int, other: int) -> bool:
        return bool(values[one] - values[other] > SURE * np.hypot(sigma[one], sigma[other]))

    for k in range(len(values) - FALLING):
        end = k
        while end + 1 < len(values) and values[end + 1] < values[end]:
            end += 1
        if end - k < FALLING or not above(k, end):
            continue
        # Noise may break a fall just after its begin: then the top is a step or two before.
        earlier = [p for p in range(max(k - BACK, 0), k) if above(p, k)]
        top = max(earlier, key=lambda p: values[p]) if earlier else k
        if (values[end + 1 :] > values[top] - SURE * sigma[top]).sum() < FALLING:
            return top
    return None


def find_turnoff(
    mean: npt.ArrayLike, variance: npt.ArrayLike, error: npt.ArrayLike = 0.0
) -> tuple[float, float] | None:
    """Find the mean at which the variance of flats turns: the one rule for it in this package.

    Points nearer to each other than 1/80 of the largest mean count as one, and up to 1/12 of it as many as
    make the error of their variance 1 %: else noise would break every fall of a fine ramp. Of these the
    highest one by `variance_turnoff`, and from there by `between_steps`.

    Parameters
    ----------
    mean, variance : array_like, shape (points,)
        In any order.
    error : array_like or float
        Standard errors of the variances.

    Returns
    -------
    mean, error : float
        Or None, if the variance does not turn.
    """
    x, y, sigma = _merged(mean, variance, error)
    top = variance_turnoff(y, sigma)
    return None if top is None else between_steps(x, y, top, sigma)


def _merged(
    mean: npt.ArrayLike, variance: npt.ArrayLike, error: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], ...]:
    """Put points in the order of the mean, and those that lie together into one."""
    x, y = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    order = np.argsort(x, kind="stable")
    x, y, sigma = x[order], y[order], np.broadcast_to(np.asarray(error, np.float64), x.shape)[order]
    if not x.size:
        return x, y, sigma
    groups = np.zeros(x.size, np.intp)
    begin = 0
    for k in range(1, x.size):
        wide = x[k] - x[begin]
        known = np.sqrt(np.sum(sigma[begin:k] ** 2)) <= KNOWN * np.sum(y[begin:k])
        apart = wide > x[-1] / WIDEST or (wide > x[-1] / NEAR and known)
        groups[k] = groups[k - 1] + apart
        begin = k if apart else begin
    count = np.bincount(groups)
    together = np.sqrt(np.bincount(groups, sigma**2)) / count
    return np.bincount(groups, x) / count, np.bincount(groups, y) / count, together


def between_steps(
    mean: npt.ArrayLike, variance: npt.ArrayLike, top: int, error: npt.ArrayLike = 0.0
) -> tuple[float, float]:
    """Find where between the points of a ramp the variance turns.

    Two straight lines, one through the two points before a step and one through the two behind it, meet in
    the step that holds the turnoff: the one behind the highest point, or the one before it.

    Parameters
    ----------
    mean, variance : array_like, shape (points,)
        In the order of the mean.
    top : int
        Number of the highest point, of `variance_turnoff`.
    error : array_like or float
        Standard errors of the variances.

    Returns
    -------
    mean, error : float
        The mean of the highest point itself where the lines meet in neither step. The error is that of a
        value anywhere in the step, its width over the square root of 12, and what the errors of the points
        about it move the turnoff.
    """
    x, y = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    sigma = np.broadcast_to(np.asarray(error, np.float64), y.shape)
    found, step = _meeting(x, y, top)
    noise = 0.0
    for k in range(max(top - 3, 0), min(top + 4, y.size)):
        if sigma[k] > 0:
            moved = SMALL * sigma[k] * (np.arange(y.size) == k)
            change = _meeting(x, y + moved, top)[0] - _meeting(x, y - moved, top)[0]
            noise += (change / (2 * SMALL)) ** 2
    # Lines that are nearly parallel would meet anywhere, but count only within a step or two.
    most = 2 * np.sqrt(12.0) * step
    return found, float(np.hypot(step, min(np.sqrt(noise), most)))


def _meeting(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], top: int) -> tuple[float, float]:
    """Where the lines meet, and the width of the step over the square root of 12."""
    found = []
    for low in (top, top - 1):
        if low < 1 or low + 2 >= x.size:
            continue
        rise, fall = ((y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in (low - 1, low + 1))
        if not rise > fall:
            continue
        meet = (y[low + 1] - y[low] + rise * x[low] - fall * x[low + 1]) / (rise - fall)
        if x[low] <= meet <= x[low + 1]:
            found.append((abs(meet - x[top]), float(meet), float(x[low + 1] - x[low]) / np.sqrt(12.0)))
    if found:
        # In the wrong step both lines go through the highest point, and meet there.
        return max(found)[1:]
    around = x[max(top - 1, 0) : top + 2]
    return float(x[top]), float(around.max() - around.min()) / np.sqrt(12.0)
