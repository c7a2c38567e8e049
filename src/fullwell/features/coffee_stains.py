"""Blots of the coating on the back side."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Color, Feature, Map, fixed, shallow
from fullwell.features.drawing import around
from fullwell.quantities import quantity, seeds

__all__ = ["CoffeeStains"]


@attrs.frozen
class CoffeeStains(Feature):
    """Irregular dark blots of the coating on the back side, darker in the blue.

    Parameters
    ----------
    number : int
    depth : float
        Of the deepest part, at 350 nm.
    size : float
        Typical radius, pixels.
    seed : int
    """

    name: ClassVar[str] = "coffee_stains"
    acts_on: ClassVar[ActsOn] = ActsOn.PHOTONS
    color: ClassVar[Color] = Color.BLUE
    number: int = attrs.field(default=3, **quantity(least=0, most=10_000, whole=True))
    depth: float = attrs.field(default=0.05, **quantity(least=0, most=1))
    size: float = attrs.field(default=60.0, **quantity(u.pix, least=2, most=1e4))
    seed: int = attrs.field(default=0, **seeds())

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:
        """Return the factor by which the response of each pixel changes."""
        image = np.ones(detector.shape)
        stream = fixed(self.seed, self.name)
        strength = self.depth * (0.15 + 0.85 * shallow(wavelength))
        for k in range(int(self.number)):
            row, column, scale, *phases = stream.uniform(9, draw=k)
            radius = self.size * (0.6 + 0.8 * scale)
            y, x = row * detector.shape[0], column * detector.shape[1]
            part, dy, dx = around(image, y, x, 2 * radius)
            angle = np.arctan2(dy, dx)
            wobble = sum(np.cos(m * angle + 6.28 * p) / m for m, p in enumerate(phases, start=2))
            edge = np.hypot(dy, dx) / (radius * (1 + 0.35 * wobble))
            # Coffee dries darkest at its rim.
            stain = (
                1 / (1 + np.exp((edge - 1) / 0.04)) * (0.45 + 0.55 * np.exp(-(((edge - 0.93) / 0.12) ** 2)))
            )
            part *= 1 - strength * stain
        return image
