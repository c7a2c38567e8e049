"""Moonlight scattered into the frame: brighter toward the moon."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.quantities import Limits, number, quantity
from fullwell.scene.source import light_level

__all__ = ["Moonlight"]


def _arcseconds(value: Any) -> float:
    limits = Limits(u.arcsec, above=0, below=3600)
    if isinstance(value, u.Quantity) and value.unit.is_equivalent(u.arcsec / u.pix):
        value = value.to_value(u.arcsec / u.pix)
    return float(number(value, "pixel_scale", limits))


def _level(value: Any) -> Any:
    return light_level(value, "level")


@attrs.frozen
class Moonlight:
    """Sky lit by the moon.

    Parameters
    ----------
    level : float or Quantity
        e-/s/pixel in the middle of the frame.
    distance : Quantity or float
        Degrees from the middle of the frame to the moon, 1 to 180.
    direction : Quantity or float
        Degrees from the direction of columns toward that of rows; where the moon stands.
    pixel_scale : Quantity or float
        Arc seconds a pixel.

    Raises
    ------
    ParameterError
        If a value is impossible.

    Notes
    -----
    The scattering function of Krisciunas & Schaefer 1991 (PASP 103, 1033, equations 17 to 21): Rayleigh
    scattering 10^5.36 (1.06 + cos^2 rho) and Mie scattering 10^(6.15 - rho/40), beyond 10 degrees, and
    6.2e7 / rho^2 nearer. Extinction is the same all over the frame.
    """

    night_sky: ClassVar[bool] = False
    level: float = attrs.field(converter=_level)
    distance: float = attrs.field(default=60.0, **quantity(u.deg, least=1, most=180))
    direction: float = attrs.field(default=0.0, **quantity(u.deg))
    pixel_scale: float = attrs.field(default=1.0, converter=_arcseconds)

    def render(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the expected photo-electrons per second and pixel."""
        rows, columns = (np.arange(n) - (n - 1) / 2 for n in shape)
        scale, angle = self.pixel_scale / 3600, math.radians(self.direction)
        toward = scale * (columns * math.cos(angle) + (rows * math.sin(angle))[:, None])
        across = scale * (-columns * math.sin(angle) + (rows * math.cos(angle))[:, None])
        # Flat sky around the middle; exact along the great circle to the moon.
        rho = np.clip(np.hypot(self.distance - toward, across), 0.3, 180.0)
        image = self.level * _scattered(rho) / _scattered(np.array(self.distance))
        return np.asarray(image, np.float32)


def _scattered(rho: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rayleigh = 10**5.36 * (1.06 + np.cos(np.radians(rho)) ** 2)
    far = 10 ** (6.15 - rho / 40)
    return np.asarray(rayleigh + np.where(rho > 10, far, 6.2e7 / rho**2))
