"""Images of what is fixed in a detector: dark current, response to light."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.effects import DarkCurrent
from fullwell.errors import ConfigError
from fullwell.features import ActsOn
from fullwell.noise import FIXED_PATTERN, Noise, Stream
from fullwell.simulation.detector_tables import DarkTable, FlatTable
from fullwell.simulation.feature_names import make_feature

__all__ = ["dark_by_law", "dark_rate", "flat_response"]

Map = npt.NDArray[np.float32]
#: Kelvin at 0 degrees Celsius.
ICE = 273.15


def dark_rate(table: DarkTable, shape: tuple[int, int], *, seed: int) -> Map:
    """Return the dark current of every pixel, e-/s.

    Raises
    ------
    ConfigError
        If a hot pixel lies outside of the frame.
    """
    image = np.full(shape, table.rate, np.float32)
    if table.spread:
        image *= np.exp(table.spread * _fixed(seed, "dark_spread").normal(shape))
    if table.hot_fraction and table.hot_rate is not None:
        stream = _fixed(seed, "dark_hot_pixels")
        hot = _choose(stream, round(table.hot_fraction * image.size), image.size)
        low, high = (math.log(rate) for rate in table.hot_rate)
        image.reshape(-1)[hot] += np.exp(low + (high - low) * stream.uniform(hot.size, draw=1)).astype(
            np.float32
        )
    for pixel in table.pixels:
        if pixel.y >= shape[0] or pixel.x >= shape[1]:
            raise ConfigError(
                f"dark.pixels: x = {pixel.x}, y = {pixel.y} is outside of {shape[1]} x {shape[0]} pixels"
            )
        image[pixel.y, pixel.x] = pixel.rate
    return image


def dark_by_law(table: DarkTable, shape: tuple[int, int], *, celsius: float, seed: int) -> Map | None:
    """Return the dark current that follows the temperature, e-/s; None where no law is given.

    Raises
    ------
    ParameterError
        If the temperature is none that the law holds for, or a parameter is impossible.
    """
    if table.law is None:
        return None
    return DarkCurrent(**table.law.model_dump()).rates(shape, celsius + ICE, seed=seed)


def flat_response(table: FlatTable, detector: Detector, *, name: str, seed: int) -> Map:
    """Return the response to light of every pixel, its median 1.

    Only features that act on photons, and are the same in all exposures, are in it.

    Vignetting grows with the square of the distance from the center and reaches its full value in
    the corners. Dust throws rings, the shadow of a grain far from focus in a telescope with a
    central obstruction. Pixel response is the same in all filters, dust and vignetting are not.
    """
    shape = rows, columns = detector.shape
    y = ((np.arange(rows) + 0.5) / rows - 0.5)[:, None]
    x = (np.arange(columns) + 0.5) / columns - 0.5
    image = 1 - table.vignetting * 2 * (x * x + y * y)
    stream = _fixed(seed, f"flat_dust_{name}")
    places = stream.uniform((table.dust, 2), draw=0) * (rows, columns)
    sizes = (0.015 + 0.025 * stream.uniform(table.dust, draw=1)) * min(shape)
    depths = table.dust_depth * (0.4 + 0.6 * stream.uniform(table.dust, draw=2))
    for (row, column), size, depth in zip(places, sizes, depths, strict=True):
        _shade(image, row, column, size, depth)
    if table.pixel_response:
        image = image * (1 + table.pixel_response * _fixed(seed, "flat_pixel_response").normal(shape))
    for entry in table.features:
        feature = make_feature(entry, seed=seed, detector=detector)
        if feature.acts_on is ActsOn.PHOTONS:
            image = image * feature.render(detector, wavelength=table.wavelength)
    return (image / np.median(image)).astype(np.float32)


def _shade(image: npt.NDArray[np.float64], row: float, column: float, size: float, depth: float) -> None:
    """Multiply a ring of outer radius `size` into the image."""
    reach = math.ceil(1.3 * size)
    top, left = max(0, int(row) - reach), max(0, int(column) - reach)
    part = image[top : int(row) + reach + 1, left : int(column) + reach + 1]
    dy = (np.arange(part.shape[0]) + top - row)[:, None]
    dx = np.arange(part.shape[1]) + left - column
    r = np.sqrt(dx * dx + dy * dy) / size
    soft = 0.06  # width of the edges of the ring in its radius
    ring = 1 / (1 + np.exp((r - 1) / soft)) - 1 / (1 + np.exp((r - 0.45) / soft))
    part *= 1 - depth * ring


def _fixed(seed: int, name: str) -> Stream:
    return Noise(seed, FIXED_PATTERN).stream(name)


def _choose(stream: Stream, count: int, size: int) -> npt.NDArray[np.int64]:
    """`count` different numbers below `size`, in rising order: those of the smallest random words."""
    order = np.argsort(stream.uniform(size), kind="stable")
    return np.sort(order[:count])
