"""Grains on the detector itself."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.errors import ParameterError
from fullwell.features.base import ActsOn, Feature, Map, checked, fixed
from fullwell.features.drawing import around

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
    number: int = attrs.field(default=10, **checked(least=0, most=1_000_000))
    depth: tuple[float, float] = (0.2, 0.8)
    radius: tuple[float, float] = (0.7, 2.5)
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.depth[0] <= self.depth[1] <= 1:
            raise ParameterError("depth", self.depth, "two parts from 0 to 1, the smaller first")
        if not 0 < self.radius[0] <= self.radius[1] < 1000:
            raise ParameterError("radius", self.radius, "two radii above 0 pixels, the smaller first")

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
