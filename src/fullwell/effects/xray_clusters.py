"""Hits of X-rays in a frame, and the width that all of their clouds have in common."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError
from fullwell.frame import Frame
from fullwell.noise import Noise

__all__ = ["Clusters", "CommonSigma", "find_clusters", "fit_common_sigma"]

Array = npt.NDArray[np.float64]

_PEAK = 8.0  # times the noise: what a hit has at least in its brightest pixel
_SUM_RANGE = (0.8, 1.25)  # times the median charge: single hits, not two, nor hits that lost charge
_STEPS = 100
_WHOLE_STEPS = 10
_SETTLED = 0.02  # standard errors
_COPIES = 8
#: Information on a place that says only that it lies in a pixel: one over the variance of such places.
#: A small cloud in the middle of a pixel has hardly more, and the equations would be singular.
_IN_A_PIXEL = 12.0


@attrs.frozen(eq=False)
class Clusters:
    """Hits that lie alone.

    Parameters
    ----------
    stamps : ndarray, shape (hits, 2 radius + 1, 2 radius + 1)
        Electrons above the level of the frame, the brightest pixel in the middle.
    noise : float
        Of a pixel, electrons.
    """

    stamps: Array
    noise: float


@attrs.frozen
class CommonSigma:
    """Standard deviation of the clouds and its standard error, pixels, from so many clusters."""

    sigma: float
    error: float
    clusters: int


def find_clusters(frame: Frame, *, radius: int) -> Clusters:
    """Find the hits of one frame.

    Parameters
    ----------
    frame : Frame
        Electrons, bias and dark taken out.
    radius : int
        No bad pixel may be in the square of ``2 radius + 1`` pixels, and no other hit in one of
        ``4 radius + 1``.

    Notes
    -----
    A hit is a pixel eight times the noise above the median of the frame and the brightest of 3 x 3, with no
    other such pixel near, and its square holds 0.8 to 1.25 times the charge of the median hit: that takes
    K-alpha and K-beta of Fe55 and leaves out what two hits made together.
    """
    from scipy.ndimage import maximum_filter, uniform_filter

    bad = frame.mask | ~np.isfinite(frame.data)
    if bad.all():
        return Clusters(np.empty((0, 2 * radius + 1, 2 * radius + 1)), 1.0)
    good = frame.data[~bad].astype(np.float64)
    level = float(np.median(good))
    noise = max(float(1.4826 * np.median(np.abs(good - level))), 1e-3)
    image = np.where(bad, 0.0, frame.data - level)
    side = 2 * radius + 1
    peaks = (image > _PEAK * noise) & (image == maximum_filter(image, 3))
    alone = 4 * radius + 1  # the square of another hit may touch this one, its cloud must not
    crowd = np.rint(uniform_filter(peaks.astype(np.float64), alone, mode="constant") * alone**2)
    spoiled = uniform_filter(bad.astype(np.float64), side, mode="constant", cval=1.0) * side**2 > 0.5
    y, x = np.nonzero(peaks & (crowd == 1) & ~spoiled)
    step = np.arange(-radius, radius + 1)
    stamps = image[y[:, None, None] + step[:, None], x[:, None, None] + step]
    charge = stamps.sum(axis=(1, 2))
    if charge.size:
        low, high = (limit * float(np.median(charge)) for limit in _SUM_RANGE)
        stamps = stamps[(charge > low) & (charge < high)]
    return Clusters(stamps, noise)


@attrs.frozen(eq=False)
class _Fit:
    common: CommonSigma
    parameters: Array


def fit_common_sigma(stamps: Array, noise: Array, *, random: Noise) -> CommonSigma:
    """Fit Gaussians integrated over pixels, of one width, each with its own place, charge and level.

    Parameters
    ----------
    stamps : ndarray, shape (hits, side, side)
        Electrons.
    noise : ndarray, shape (hits,)
        Electrons, of a pixel.
    random : Noise
        For the hits that are simulated to see how far off the fit is.

    Returns
    -------
    CommonSigma
        Its error is that of the scatter from hit to hit, and of the simulated ones.

    Raises
    ------
    FrameError
        If the fit does not converge.

    Notes
    -----
    A single hit near the middle of a pixel says little of its width, and fitted alone gives a biased one;
    together they do not. The level has to be fitted: if the median of the frame is off by a tenth of an
    electron, the width is by half a percent.

    Each hit has four parameters that only its own pixels tell, and fits follow the noise with them, which
    makes the width too small however many hits there are (Neyman & Scott 1948, Econometrica 16, 1), by 0.1 to
    2 %. So hits like those found are simulated and fitted as well, and what these are off by is taken off.
    """
    found = _fit(stamps, noise)
    sigma, edges = found.common.sigma, _edges(stamps)
    model = np.tile(_clouds(found.parameters, sigma, edges)[0], (_COPIES, 1))
    level = np.tile(found.parameters[:, 3:], (_COPIES, 1))
    spread = np.tile(noise, _COPIES)
    stream = random.stream("xray_clusters")
    made = level + stream.poisson(model - level) + spread[:, None] * stream.normal(model.shape, draw=1)
    again = _fit(made.reshape(-1, *stamps.shape[1:]), spread).common
    error = float(np.hypot(found.common.error, again.error))
    return CommonSigma(2 * sigma - again.sigma, error, len(stamps))


def _edges(stamps: Array) -> Array:
    side = stamps.shape[1]
    return np.asarray(np.arange(side + 1) - side / 2)


def _fit(stamps: Array, noise: Array) -> _Fit:
    """Make Gauss-Newton steps on all parameters at once.

    Those of each hit are eliminated, which leaves one equation for the width. Weights: noise^2 and the charge
    that the model expects.
    """
    edges = _edges(stamps)
    parameters = _first_guess(stamps)
    sigma, settled = 0.4, 0
    for count in range(_STEPS):
        normal, right = _equations(stamps, noise, parameters, sigma, edges)
        # The last row is the width, those before belong to a hit alone.
        own = np.linalg.solve(normal[:, :-1, :-1], np.stack([right[:, :-1], normal[:, :-1, -1]], axis=-1))
        information = normal[:, -1, -1] - np.einsum("hi,hi->h", normal[:, -1, :-1], own[:, :, 1])
        score = right[:, -1] - np.einsum("hi,hi->h", normal[:, -1, :-1], own[:, :, 0])
        step = float(np.clip(score.sum() / information.sum(), -0.3 * sigma, 0.3 * sigma))
        change = own[:, :, 0] - own[:, :, 1] * step
        change[:, :2] = np.clip(change[:, :2], -0.3, 0.3)
        if count >= _WHOLE_STEPS:  # what still jumps to and fro is calmed
            change *= 0.5
        parameters = parameters + change
        sigma += step
        # A hit in the very middle of a pixel may wander about there; it tells nothing of the width then.
        settled = settled + 1 if abs(step) < _SETTLED / np.sqrt(information.sum()) else 0
        if settled == 3:
            error = float(np.sqrt((score**2).sum()) / information.sum())
            return _Fit(CommonSigma(sigma, error, len(stamps)), parameters)
    raise FrameError(f"the width of {len(stamps)} clusters does not converge; are they hits of X-rays?")


def _equations(
    stamps: Array, noise: Array, parameters: Array, sigma: float, edges: Array
) -> tuple[Array, Array]:
    """Return the normal matrices of all hits and their right-hand sides."""
    model, slopes = _clouds(parameters, sigma, edges)
    weight = 1 / (noise[:, None] ** 2 + np.maximum(model - parameters[:, 3:], 0))
    residual = stamps.reshape(len(stamps), -1) - model
    weighted = slopes * weight[:, None]
    normal = weighted @ slopes.transpose(0, 2, 1)
    normal[:, (0, 1), (0, 1)] += _IN_A_PIXEL
    return np.asarray(normal), np.einsum("hip,hp->hi", weighted, residual)


def _first_guess(stamps: Array) -> Array:
    """Return x, y, charge and level (0) of each hit from the 3 x 3 pixels in its middle."""
    middle = stamps.shape[1] // 2
    core = np.maximum(stamps[:, middle - 1 : middle + 2, middle - 1 : middle + 2], 0)
    charge = core.sum(axis=(1, 2))
    offset = np.array([-1.0, 0.0, 1.0])
    x, y = (core.sum(axis=axis) @ offset / charge for axis in (1, 2))
    return np.stack([x, y, stamps.sum(axis=(1, 2)), np.zeros_like(x)], axis=1)


def _clouds(parameters: Array, sigma: float, edges: Array) -> tuple[Array, Array]:
    """Return the models (hits, pixels) and their slopes by all parameters (hits, 5, pixels)."""
    from scipy.special import ndtr

    x, y, charge, level = (column[:, None] for column in parameters.T)
    shares, by_place, by_width = [], [], []
    for center in (x, y):
        u = (edges - center) / sigma
        density = np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi) / sigma
        shares.append(np.diff(ndtr(u), axis=1))
        by_place.append(-np.diff(density, axis=1))
        by_width.append(-np.diff(u * density, axis=1))

    def image(rows: Array, columns: Array) -> Array:
        return (rows[:, :, None] * columns[:, None, :]).reshape(len(rows), -1)

    shape = image(shares[1], shares[0])
    slopes = [
        charge * image(shares[1], by_place[0]),
        charge * image(by_place[1], shares[0]),
        shape,
        np.ones_like(shape),
        charge * (image(shares[1], by_width[0]) + image(by_width[1], shares[0])),
    ]
    return charge * shape + level, np.stack(slopes, axis=1)
