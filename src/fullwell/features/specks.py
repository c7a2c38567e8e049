"""Grains on the detector itself."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Feature, Map, fixed
from fullwell.features.drawing import around
from fullwell.quantities import pairs, quantity, seeds

__all__ = ["Specks"]


@attrs.frozen
class Specks(Feature):
    """Grains on the detector itself: sharp and dark.

    Parameters
    ----------
    number : int
    depth : tuple of float
        Least and largest part of the light that a speck takes.
    radius : tuple of float
        Smallest and largest, pixels.
    seed : int
        Where they lie.
    """

    name: ClassVar[str] = "specks"
    acts_on: ClassVar[ActsOn] = ActsOn.PHOTONS
    number: int = attrs.field(default=10, **quantity(least=0, most=1_000_000, whole=True))
    depth: tuple[float, float] = attrs.field(default=(0.2, 0.8), **pairs(least=0, most=1))
    radius: tuple[float, float] = attrs.field(default=(0.7, 2.5), **pairs(u.pix, above=0, below=1000))
    seed: int = attrs.field(default=0, **seeds())

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        image = np.ones(detector.shape)
        stream = fixed(self.seed, self.name)
        number = int(self.number)
        places = stream.uniform((number, 2), draw=0) * detector.shape - 0.5
        depths = np.interp(stream.uniform(number, draw=1), (0, 1), self.depth)
        radii = np.interp(stream.uniform(number, draw=2), (0, 1), self.radius)
        for (row, column), depth, radius in zip(places, depths, radii, strict=True):
            part, dy, dx = around(image, row, column, radius + 2)
            r = np.hypot(dy, dx)
            part *= 1 - depth * np.clip(radius + 0.5 - r, 0, 1)
        return image
