"""Where the variance of flats falls though the mean still rises: charge is shared, the well is full."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError

__all__ = ["between_steps", "find_turnoff", "variance_turnoff"]

FALLING = 2  # points, one after the other
SURE = 5.0  # sigma
BACK = 2  # points
Series = npt.NDArray[np.float64]
SAME, NEAR, WIDEST = 1e-3, 1 / 80, 1 / 12  # parts of the largest mean that points count as one in
KNOWN = 0.007  # relative error of a variance
NEARBY = (0.15, 0.1, 0.07, 0.05)  # of the turnoff: farther away neither side is straight
PLACES = 401
STRAIGHT = 0.002  # of the turnoff: what lines that fit may be off from curves
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

    Without errors the highest point by `variance_turnoff`, and from there by `between_steps`. With them noise
    would break every fall of a fine ramp: first points nearer to each other than 1/80 of the largest mean
    count as one, and up to 1/12 of it as many as make the error of their variance 0.7 %. Then the bend of two
    straight lines that meet is fitted to all points within 15 % of what was found so, or 10, 7 or 5 %, the
    most that the lines fit by chi^2; six points, two on either side, are the least. Its error holds 0.2 % for
    what lines leave of curves.

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

    Raises
    ------
    ParameterError
        If a value is not finite, an error below 0, or there are not as many of one as of the other.
    """
    x = _finite("mean", mean)
    y, sigma = _finite("variance", variance, like=x), _finite("error", error, like=x)
    if (sigma < 0).any():
        raise ParameterError("error", float(sigma.min()), "0 or more")
    order = np.argsort(x, kind="stable")
    x, y, sigma = x[order], y[order], sigma[order]
    known = bool((sigma > 0).all())
    merged, high, noise = _merged(x, y, sigma, near=NEAR if known else SAME)
    top = variance_turnoff(high, noise)
    if top is None:
        return None
    rough = between_steps(merged, high, top, noise)
    for part in NEARBY if known else ():
        near = np.abs(x - rough[0]) <= part * rough[0]
        bend = _bend(x[near], y[near], sigma[near], np.linspace(1 - part, 1 + part, PLACES) * rough[0])
        if bend is not None:
            return bend[0], float(np.hypot(bend[1], STRAIGHT * bend[0]))
    return rough


def _finite(name: str, values: npt.ArrayLike, *, like: Series | None = None) -> Series:
    allowed = "finite numbers, a sequence" if like is None else f"finite numbers, one or {like.size} of them"
    try:
        found = np.asarray(values, np.float64)
        found = found if like is None else np.broadcast_to(found, like.shape)
    except (TypeError, ValueError) as error:
        raise ParameterError(name, values, allowed) from error
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ParameterError(name, values, allowed)
    return found


def _bend(x: Series, y: Series, sigma: Series, places: Series) -> tuple[float, float] | None:
    """Where two straight lines meet, and the error of that place; None if they do not fit."""
    places = places[[min((x < place).sum(), (x > place).sum()) >= 2 for place in places]]
    if x.size < 6 or places.size < 3:
        return None
    chi2 = _misfits(x, y, 1.0 / sigma, places)
    free = x.size - 4
    if chi2.min() > free + 2.0 * np.sqrt(2.0 * free):
        return None
    value, spread = _likely(chi2, places)
    # Once more on a finer grid, which a sharp bend needs.
    finer = np.linspace(max(value - 6 * spread, places[0]), min(value + 6 * spread, places[-1]), PLACES)
    return _likely(_misfits(x, y, 1.0 / sigma, finer), finer)


def _likely(chi2: Series, places: Series) -> tuple[float, float]:
    """Mean of the places, each as probable as it fits, and their scatter, the step of the grid at least.

    Chi^2 about its least is no parabola, and often has a second dip: the place where it is least scatters
    more than a step of chi^2 by 1 lets one think.
    """
    chance = np.exp(-0.5 * (chi2 - chi2.min()))
    chance /= chance.sum()
    value = float(chance @ places)
    return value, max(float(np.sqrt(chance @ (places - value) ** 2)), float(places[1] - places[0]))


def _misfits(x: Series, y: Series, weight: Series, places: Series) -> Series:
    """Chi^2 of the best two lines that meet at each of the places."""
    distance = x - places[:, None]
    lines = np.stack([np.ones_like(distance), np.minimum(distance, 0), np.maximum(distance, 0)], axis=2)
    basis = np.linalg.qr(lines * weight[:, None]).Q
    target = y * weight
    fitted = basis @ (basis.transpose(0, 2, 1) @ target)[..., None]
    return np.asarray(((target - fitted[..., 0]) ** 2).sum(axis=1))


def _merged(x: Series, y: Series, sigma: Series, *, near: float) -> tuple[Series, Series, Series]:
    """Put points that lie together, in the order of the mean, into one."""
    if not x.size:
        return x, y, sigma
    groups = np.zeros(x.size, np.intp)
    begin = 0
    for k in range(1, x.size):
        wide = x[k] - x[begin]
        enough = np.sqrt(np.sum(sigma[begin:k] ** 2)) <= KNOWN * np.sum(y[begin:k])
        apart = wide > WIDEST * x[-1] or (wide > near * x[-1] and enough)
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
