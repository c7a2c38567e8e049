"""Stripes of the laser that annealed the back side."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Color, Feature, Map, shallow
from fullwell.quantities import quantity

__all__ = ["Annealing"]


@attrs.frozen
class Annealing(Feature):
    """Stripes of the laser that annealed the back side: in blue light only, which stops at the surface.

    Parameters
    ----------
    amplitude : float
        At 350 nm.
    pitch : float
        Distance of the stripes, pixels.
    angle : float
        Degrees from the direction of columns.
    """

    name: ClassVar[str] = "annealing"
    acts_on: ClassVar[ActsOn] = ActsOn.PHOTONS
    color: ClassVar[Color] = Color.BLUE
    amplitude: float = attrs.field(default=0.01, **quantity(least=0, most=0.5))
    pitch: float = attrs.field(default=55.0, **quantity(u.pix, least=2, most=1e4))
    angle: float = attrs.field(default=20.0, **quantity(u.deg))

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:
        """Return the factor by which the response of each pixel changes."""
        rows, columns = detector.shape
        angle = np.radians(self.angle)
        x, y = np.arange(columns), np.arange(rows)[:, None]
        along, across = (x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle))
        bricks = np.cos(2 * np.pi * across / self.pitch) + 0.4 * np.cos(2 * np.pi * along / (3 * self.pitch))
        return np.asarray(1 + self.amplitude * shallow(wavelength) * bricks / 1.4)
