"""Cosmic-ray tracks: straight lines through the sensitive layer, with the charge a fast muon leaves.

Like the random numbers, all of this is made of operations that every processor rounds alike, so
that the whole electrons that come out are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fullwell.kernels import random, random_reference

__all__ = ["SIGMA", "make_tracks", "render_points"]

#: Most probable charge and the Landau width of a minimum-ionizing particle in silicon, e-/um
#: (Particle Data Group, "Passage of particles through matter": xi = 17.8 eV/um at 3.65 eV a pair).
CHARGE_PER_UM, SPREAD_PER_UM = 76.0, 4.9
#: Spread of charge that drifts the whole thickness where nobody states one, pixels: 0.2 rms over a track.
SIGMA = 0.286
#: Longest piece of a track that is deposited at one point, pixels.
STEP = 0.25
#: 1 / (1 + a1 x + ... + a6 x^6)^16 is 1 - erf(x) to 3e-7 (Abramowitz & Stegun 1964, 7.1.28).
_ERFC = (0.0705230784, 0.0422820123, 0.0092705272, 0.0001520143, 0.0002765672, 0.0000430638)
_REACH = 5.0  # sigma
_SHARPEST = 1e-3  # pixels: from here on clouds are points
_AT_ONCE = 1 << 21  # pixels of clouds

Image = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.int64]


def make_tracks(
    shape: tuple[int, int],
    *,
    uniform: Callable[[int, int], Points],
    rate: float,
    exposure_time: float,
    pixel_size_um: float,
    depth_um: float,
    sigma: float = SIGMA,
) -> tuple[Image, npt.NDArray[np.bool_], int]:
    """Draw the cosmic rays of one exposure.

    Arrival directions follow the cos^2 law of muons at sea level, so that the number through a
    horizontal detector goes as cos^3 of the zenith angle per solid angle. The charge of each piece
    of a track is a Moyal variate (Moyal 1955, Phil. Mag. 46, 263), the simple form of Landau's. A
    piece at the height z above the gates spreads by ``sigma sqrt(z / depth)`` on its way down:
    tracks are sharp at one end.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    uniform : callable
        ``uniform(n, draw)`` returns n numbers between 0 and 1 in steps of 2**-32; draws 0 to 4 are used.
    rate : float
        Hits per cm^2 and minute; 1 to 2.5 is usual at sea level.
    exposure_time : float
        Seconds.
    pixel_size_um, depth_um : float
        Side of a pixel and thickness of the sensitive layer, micrometers.
    sigma : float
        Standard deviation of charge that drifts the whole thickness, pixels.

    Returns
    -------
    image : ndarray of float32
        Whole electrons.
    mask : ndarray of bool
        Pixels that received any.
    count : int
        Number of hits.
    """
    area_cm2 = shape[0] * shape[1] * (pixel_size_um * 1e-4) ** 2
    mean = np.array([rate * area_cm2 * exposure_time / 60], np.float32)
    count = int(random.poisson(mean, _words(uniform(1, 0)))[0])
    if count == 0:
        return np.zeros(shape, np.float32), np.zeros(shape, np.bool_), 0
    row, column, _, zenith = uniform(4 * count, 1).reshape(count, 4).T
    cosine = np.sqrt(np.sqrt(zenith))
    length_um = depth_um / cosine
    across = depth_um * np.sqrt(1 - cosine * cosine) / cosine / pixel_size_um
    direction = _directions(uniform(2 * count, 2))
    pieces = np.ceil(across / STEP).astype(int) + 1
    owner = np.repeat(np.arange(count), pieces)
    order = np.arange(owner.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    height = (order + 0.5) / pieces[owner]
    offset = (height - 0.5) * across[owner]  # the middle of the layer is the hit
    y = row[owner] * shape[0] - 0.5 + offset * direction[0][owner]
    x = column[owner] * shape[1] - 0.5 + offset * direction[1][owner]
    piece_um = (length_um / pieces)[owner]
    charge = piece_um * np.maximum(CHARGE_PER_UM + SPREAD_PER_UM * _moyal(uniform(owner.size, 3)), 0)
    clouds = render_points(shape, y=y, x=x, charge=charge, sigma=sigma * np.sqrt(height))
    image = np.floor(clouds + np.float32(0.5))
    return image, image > 0, count


def render_points(shape: tuple[int, int], *, y: Points, x: Points, charge: Points, sigma: Points) -> Image:
    """Spread the charge of points over the pixels, each by a Gaussian of its own width.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    y, x : ndarray
        Positions; whole numbers are centers of pixels. Charge that falls outside is lost.
    charge : ndarray
        Electrons of each point.
    sigma : ndarray
        Standard deviation of each cloud, pixels.

    Returns
    -------
    ndarray of float32
        Electrons.
    """
    image = np.zeros(shape, np.float64)
    reach = int(np.ceil(_REACH * sigma.max(initial=0.0))) + 1
    step = np.arange(-reach, reach + 1)
    many = max(_AT_ONCE // step.size**2, 1)
    for part in (slice(first, first + many) for first in range(0, y.size, many)):
        rows, on_rows = _share(y[part], sigma[part], step)
        columns, on_columns = _share(x[part], sigma[part], step)
        on_image = (rows >= 0) & (rows < shape[0]), (columns >= 0) & (columns < shape[1])
        inside = on_image[0][:, :, None] & on_image[1][:, None]
        share = charge[part, None, None] * on_rows[:, :, None] * on_columns[:, None]
        place = (rows * shape[1])[:, :, None] + columns[:, None]
        np.add.at(image.reshape(-1), place[inside], share[inside])
    return image.astype(np.float32)


def _share(position: Points, sigma: Points, step: Pixels) -> tuple[Pixels, Points]:
    """Pixels about each position, and the parts of its cloud that fall on them; shape (points, steps)."""
    pixel = np.floor(position + 0.5).astype(np.int64)[:, None] + step
    edges = np.concatenate([pixel - 0.5, pixel[:, -1:] + 0.5], axis=1)
    below = _normal_below((edges - position[:, None]) / np.maximum(sigma, _SHARPEST)[:, None])
    return pixel, np.diff(below, axis=1)


def _normal_below(t: Points) -> Points:
    """Chance that a normal number is below `t`, to 2e-7, of sums and products alone."""
    x = np.minimum(np.abs(t) * np.sqrt(0.5), 6.0)
    power = np.zeros_like(x)
    for coefficient in reversed(_ERFC):
        power = (power + coefficient) * x
    power += 1
    for _ in range(4):
        power = power * power
    above = 0.5 / power
    return np.asarray(np.where(t < 0, above, 1 - above))


def _directions(u: Points) -> tuple[Points, Points]:
    # Two normal numbers point anywhere with the same chance, and need neither sine nor cosine.
    a, b = random.normal(_words(u)).astype(np.float64).reshape(2, -1)
    norm = np.sqrt(a * a + b * b)
    return a / norm, b / norm


def _moyal(u: Points) -> Points:
    """Moyal variates of location 0 and scale 1: minus the logarithm of a squared normal number."""
    z = random.normal(_words(u))
    return -random_reference.log(np.maximum(z * z, np.float32(1e-30))).astype(np.float64)


def _words(u: Points) -> npt.NDArray[np.uint32]:
    return (u * 2.0**32).astype(np.uint32)
