"""Simulated exposures of stars and cosmic rays, in electrons, with what is true about them."""

from __future__ import annotations

import attrs
import numpy as np

from fullwell.kernels.tracks import make_tracks

FULL_WELL = 60_000.0
READ_NOISE = 5.0


@attrs.frozen(eq=False)
class Exposure:
    """What a detector gave: data, variance, mask of saturation, and the charge of cosmic rays."""

    data: np.ndarray
    variance: np.ndarray
    saturated: np.ndarray
    charge: np.ndarray


def star(fwhm, profile, y, x, *, size=33, parts=9):
    """Image of a star whose brightest pixel is 1; `profile` is 'gauss' or the beta of a Moffat profile."""
    at = (np.arange(size * parts) + 0.5) / parts - 0.5 - size // 2
    square = (at[:, None] - y) ** 2 + (at[None, :] - x) ** 2
    if profile == "gauss":
        image = np.exp(-4 * np.log(2) * square / fwhm**2)
    else:
        image = (1 + 4 * (2 ** (1 / profile) - 1) * square / fwhm**2) ** -profile
    image = image.reshape(size, parts, size, parts).mean(axis=(1, 3))
    return image / image.max()


def star_field(shape, rng, *, fwhm, profile="gauss", step=None, count=0, peaks=(10, 55_000)):
    """Light of stars on a jittered grid (`step`) or anywhere (`count`), and their brightest pixels."""
    if step:
        grid = np.mgrid[step // 2 : shape[0] - step // 2 : step, step // 2 : shape[1] - step // 2 : step]
        rows, columns = grid.reshape(2, -1) + rng.integers(-2, 3, (2, grid[0].size))
    else:
        rows, columns = rng.integers(0, shape[0], count), rng.integers(0, shape[1], count)
    models = [star(fwhm, profile, *rng.uniform(-0.5, 0.5, 2)) for _ in range(100)]
    light = np.zeros((shape[0] + 32, shape[1] + 32))
    heights = np.exp(rng.uniform(*np.log(peaks), rows.size))
    for row, column, height in zip(rows, columns, heights, strict=True):
        light[row : row + 33, column : column + 33] += height * models[rng.integers(len(models))]
    return light[16:-16, 16:-16], rows, columns


def tracks(shape, rng, *, minutes):
    """Charge of the cosmic rays of an exposure."""
    words = lambda n, draw: (rng.integers(0, 2**32, n) + 0.5) * 2.0**-32  # noqa: E731
    image, _, _ = make_tracks(
        shape, uniform=words, rate=2.0, exposure_time=60 * minutes, pixel_size_um=15.0, depth_um=15.0
    )
    return image


def expose(light, rng, *, charge=0.0):
    """Add photon noise, charge and read noise; the variance is estimated from the data, hits and all."""
    data = rng.poisson(light) + charge + rng.normal(0, READ_NOISE, light.shape)
    data = np.minimum(data, FULL_WELL).astype(np.float32)
    variance = (READ_NOISE**2 + np.maximum(data, 0)).astype(np.float32)
    return Exposure(data, variance, data >= FULL_WELL, np.broadcast_to(charge, light.shape))
