"""Cosmic-ray tracks: straight lines through the sensitive layer, with the charge a fast muon leaves.

Like the random numbers, all of this is made of operations that every processor rounds alike, so
that the whole electrons that come out are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fullwell.kernels import random, random_reference

__all__ = ["make_tracks", "render_points"]

#: Most probable charge and the Landau width of a minimum-ionizing particle in silicon, e-/um
#: (Particle Data Group, "Passage of particles through matter": xi = 17.8 eV/um at 3.65 eV a pair).
CHARGE_PER_UM, SPREAD_PER_UM = 76.0, 4.9
#: Side of the square over which the charge of one point spreads, pixels: diffusion of 0.2 pixels rms.
CLOUD = 0.7
#: Longest piece of a track that is deposited at one point, pixels.
STEP = 0.25

Image = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]


def make_tracks(
    shape: tuple[int, int],
    *,
    uniform: Callable[[int, int], Points],
    rate: float,
    exposure_time: float,
    pixel_size_um: float,
    depth_um: float,
) -> tuple[Image, npt.NDArray[np.bool_], int]:
    """Draw the cosmic rays of one exposure.

    Arrival directions follow the cos^2 law of muons at sea level, so that the number through a
    horizontal detector goes as cos^3 of the zenith angle per solid angle. The charge of each piece
    of a track is a Moyal variate (Moyal 1955, Phil. Mag. 46, 263), the simple form of Landau's.

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
    offset = ((order + 0.5) / pieces[owner] - 0.5) * across[owner]  # the middle of the layer is the hit
    y = row[owner] * shape[0] - 0.5 + offset * direction[0][owner]
    x = column[owner] * shape[1] - 0.5 + offset * direction[1][owner]
    piece_um = (length_um / pieces)[owner]
    charge = piece_um * np.maximum(CHARGE_PER_UM + SPREAD_PER_UM * _moyal(uniform(owner.size, 3)), 0)
    image = np.floor(render_points(shape, y=y, x=x, charge=charge) + np.float32(0.5))
    return image, image > 0, count


def render_points(
    shape: tuple[int, int], *, y: Points, x: Points, charge: Points, width: float = CLOUD
) -> Image:
    """Spread the charge of points over the pixels under a square around each.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    y, x : ndarray
        Positions; whole numbers are centers of pixels. Charge that falls outside is lost.
    charge : ndarray
        Electrons of each point.
    width : float
        Side of the square, above 0 and at most 1 pixel.

    Returns
    -------
    ndarray of float32
        Electrons.
    """
    image = np.zeros(shape, np.float64)
    y0, upper = _share(y, width)
    x0, right = _share(x, width)
    for dy, part_y in ((0, 1 - upper), (1, upper)):
        for dx, part_x in ((0, 1 - right), (1, right)):
            row, column = y0 + dy, x0 + dx
            inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
            np.add.at(image, (row[inside], column[inside]), (charge * part_y * part_x)[inside])
    return image.astype(np.float32)


def _share(position: Points, width: float) -> tuple[npt.NDArray[np.int64], Points]:
    """Lower pixel under a box around `position`, and the fraction of the box on the pixel above it."""
    lower = np.floor(position - width / 2 + 0.5)
    fraction = (position + width / 2 - (lower + 0.5)) / width
    return lower.astype(np.int64), np.clip(fraction, 0, 1)


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
