"""The artificial image of the CCD Data Reduction Guide, part by part, under the guide's names.

Noise is another one in each call, as in the guide, unless `rng` names it. What a detector keeps
(bad columns, hot pixels, stars, dust) is the same in each call, as in the guide, and `seed` names it.

What differs from the guide's own module, where that is not what a CCD does: all that is counted is
counted in electrons; hot pixels and stars have the noise of their charge; `fwhm` is a full width at
half maximum; each grain of dust takes its own part of the light; images need not be square.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.compat.dust import add_donuts, make_one_donut, sensitivity_variations
from fullwell.compat.gaussian_sources import make_gaussian_sources_image, make_random_gaussians_table
from fullwell.compat.shapes import shape_of
from fullwell.errors import ParameterError

__all__ = [
    "add_donuts",
    "bias",
    "dark_current",
    "make_cosmic_rays",
    "make_gaussian_sources_image",
    "make_one_donut",
    "make_random_gaussians_table",
    "read_noise",
    "sensitivity_variations",
    "sky_background",
    "stars",
]

Image = npt.NDArray[np.float64]
_FWHM_OF_SIGMA = 2 * np.sqrt(2 * np.log(2))
_HOT_FRACTION, _HOT_TIMES = 1e-4, 10_000
#: Half of length and width of a cosmic ray, pixels.
_RAY = (5.0, 2.0)


def read_noise(image: npt.ArrayLike, amount: float, gain: float = 1, *, rng: Any = None) -> Image:
    """Make the noise of reading: normal numbers around 0.

    Parameters
    ----------
    image : ndarray
        Gives the shape; its values are not used.
    amount : float
        Read noise, e-.
    gain : float
        e-/ADU.
    rng : int or Generator, optional
        The same number gives the same noise; without one it is another each time.

    Returns
    -------
    ndarray of float64, ADU
    """
    _check(amount=amount)
    return np.random.default_rng(rng).normal(scale=amount / _gain(gain), size=np.shape(image))


def bias(image: npt.ArrayLike, value: float, realistic: bool = False, *, seed: int = 8392) -> Image:
    """Make a bias: the same value everywhere, and columns that are off.

    Parameters
    ----------
    image : ndarray
        Gives the shape.
    value : float
        Level, ADU.
    realistic : bool
        Five columns are up to a tenth higher, row by row by another amount, but in every bias the same.
    seed : int
        Which columns; that of the guide finds the guide's columns.

    Returns
    -------
    ndarray of float64, ADU
    """
    _check(value=value)
    rows, columns = shape_of(image)
    level = np.full((rows, columns), float(value))
    if realistic:
        # The guide's generator, so that the bad columns are where its pictures have them.
        generator = np.random.RandomState(seed)
        which = generator.randint(0, columns, size=5)
        level[:, which] += generator.randint(0, max(int(0.1 * value), 1), size=rows)[:, None]
    return level


def dark_current(
    image: npt.ArrayLike,
    current: float,
    exposure_time: float,
    gain: float = 1.0,
    hot_pixels: bool = False,
    *,
    rng: Any = None,
    seed: int = 16201649,
) -> Image:
    """Make dark current: a Poisson number of electrons in each pixel.

    Parameters
    ----------
    image : ndarray
        Gives the shape.
    current : float
        e-/s and pixel.
    exposure_time : float
        Seconds.
    gain : float
        e-/ADU.
    hot_pixels : bool
        One pixel in 10000 has 10000 times the current.
    rng : int or Generator, optional
        The same number gives the same noise; without one it is another each time.
    seed : int
        Which pixels are hot; that of the guide finds the guide's pixels.

    Returns
    -------
    ndarray of float64, ADU
        Of variance ``current * exposure_time / gain**2``.
    """
    _check(current=current, exposure_time=exposure_time)
    rows, columns = shape_of(image)
    electrons = np.full((rows, columns), float(current) * exposure_time)
    if hot_pixels:
        number = int(_HOT_FRACTION * rows * columns)
        generator = np.random.RandomState(seed)
        x = generator.randint(0, columns, size=number)
        y = generator.randint(0, rows, size=number)
        electrons[y, x] = _HOT_TIMES * current * exposure_time
    return np.random.default_rng(rng).poisson(electrons) / _gain(gain)


def sky_background(image: npt.ArrayLike, sky_counts: float, gain: float = 1, *, rng: Any = None) -> Image:
    """Make an even sky: a Poisson number of electrons in each pixel.

    Parameters
    ----------
    image : ndarray
        Gives the shape.
    sky_counts : float
        Mean, ADU.
    gain : float
        e-/ADU.
    rng : int or Generator, optional
        The same number gives the same noise; without one it is another each time.

    Returns
    -------
    ndarray of float64, ADU
        Of variance ``sky_counts / gain``.
    """
    _check(sky_counts=sky_counts)
    return np.random.default_rng(rng).poisson(sky_counts * _gain(gain), size=shape_of(image)) / float(gain)


def stars(
    image: npt.ArrayLike,
    number: int,
    max_counts: float = 10000,
    gain: float = 1,
    fwhm: float = 4,
    *,
    rng: Any = None,
    seed: int = 12345,
    shot_noise: bool = True,
) -> Image:
    """Make round Gaussian stars, not nearer to an edge than a tenth of the image.

    Parameters
    ----------
    image : ndarray
        Gives the shape.
    number : int
    max_counts : float
        Of the middle of the brightest possible star, ADU; the faintest has a tenth of it.
    gain : float
        e-/ADU.
    fwhm : float
        Full width at half maximum, pixels.
    rng : int or Generator, optional
        The same number gives the same noise; without one it is another each time.
    seed : int
        Where the stars stand and how bright they are.
    shot_noise : bool
        Whether their electrons are counted, or the expected values returned.

    Returns
    -------
    ndarray of float64, ADU
    """
    _check(max_counts=max_counts, fwhm=fwhm)
    rows, columns = shape_of(image)
    sigma = fwhm / _FWHM_OF_SIGMA
    ranges = {
        "amplitude": (0.1 * max_counts, max_counts),
        "x_mean": (0.1 * columns, 0.9 * columns),
        "y_mean": (0.1 * rows, 0.9 * rows),
        "x_stddev": (sigma, sigma),
        "y_stddev": (sigma, sigma),
    }
    table = make_random_gaussians_table(number, ranges, seed=seed)
    expected = make_gaussian_sources_image((rows, columns), table)
    if not shot_noise:
        return expected
    return np.random.default_rng(rng).poisson(expected * _gain(gain)) / float(gain)


def make_cosmic_rays(image: npt.ArrayLike, number: int, strength: float = 10000, *, rng: Any = None) -> Image:
    """Make cosmic rays: short streaks, each with a direction of its own.

    Parameters
    ----------
    image : ndarray
        Gives the shape.
    number : int
    strength : float
        Value of each pixel of a streak; where streaks cross they add up.
    rng : int or Generator, optional
        The same number gives the same rays; without one they are others each time.

    Returns
    -------
    ndarray of float64
        Streaks 10 pixels long and 4 wide, centered within 10 to 90 % of rows and columns.

    Notes
    -----
    A picture of hits, not a model: `fullwell.CosmicRays` draws tracks through the silicon with the
    charge that muons leave.
    """
    _check(number=number, strength=strength)
    rows, columns = shape_of(image)
    generator = np.random.default_rng(rng)
    hits = np.zeros((rows, columns))
    y, x = np.indices((rows, columns), sparse=True)
    for row, column, turn in generator.uniform((0.1, 0.1, 0), (0.9, 0.9, np.pi), size=(int(number), 3)):
        dy, dx = y - row * rows, x - column * columns
        along = (dx * np.cos(turn) + dy * np.sin(turn)) / _RAY[0]
        across = (dy * np.cos(turn) - dx * np.sin(turn)) / _RAY[1]
        hits[along**2 + across**2 <= 1] += strength
    return hits


def _gain(gain: float) -> float:
    if not (np.isfinite(gain) and gain > 0):
        raise ParameterError("gain", gain, "finite and above 0 e-/ADU")
    return float(gain)


def _check(**values: float) -> None:
    for name, value in values.items():
        if not (np.isfinite(value) and value >= 0):
            raise ParameterError(name, value, "finite and 0 or more")
