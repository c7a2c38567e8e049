"""Shadows of dust far from focus."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Feature, Map, fixed
from fullwell.features.drawing import around, step_between
from fullwell.quantities import quantity, seeds

__all__ = ["Donuts"]


@attrs.frozen
class Donuts(Feature):
    """Shadows of dust on a window or filter: the pupil with its central obstruction, out of focus.

    Parameters
    ----------
    number : int
        How many grains.
    depth : float
        Part of the light that a typical grain takes.
    distance : float or Quantity
        Of the dust from the detector, millimeters. A grain at distance d throws a ring of diameter d / F.
    f_ratio : float
        Focal ratio F of the beam.
    obstruction : float
        Diameter of the central obstruction over that of the pupil.
    pixel_size : float or Quantity
        Micrometers.
    seed : int
        Where the grains lie.
    """

    name: ClassVar[str] = "donuts"
    acts_on: ClassVar[ActsOn] = ActsOn.PHOTONS
    number: int = attrs.field(default=20, **quantity(least=0, most=100_000, whole=True))
    depth: float = attrs.field(default=0.03, **quantity(least=0, most=1))
    distance: float = attrs.field(default=6.0, **quantity(u.mm, least=0, most=1e4))
    f_ratio: float = attrs.field(default=8.0, **quantity(least=0.5, most=1000))
    obstruction: float = attrs.field(default=0.35, **quantity(least=0, most=0.95))
    pixel_size: float = attrs.field(default=9.0, **quantity(u.um, least=0.1, most=1000))
    seed: int = attrs.field(default=0, **seeds())

    @property
    def diameter(self) -> float:
        """Outer diameter of the rings, pixels."""
        return self.distance * 1000 / self.f_ratio / self.pixel_size

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        image = np.ones(detector.shape)
        stream = fixed(self.seed, self.name)
        number = int(self.number)
        places = stream.uniform((number, 2), draw=0) * detector.shape - 0.5
        depths = self.depth * (0.5 + stream.uniform(number, draw=1))
        radius = self.diameter / 2
        edge = max(0.04 * radius, 0.5)  # grains are no points
        for (row, column), depth in zip(places, np.minimum(depths, 1.0), strict=True):
            part, dy, dx = around(image, row, column, radius + 6 * edge)
            r = np.hypot(dy, dx)
            ring = step_between((radius - r) / edge) - step_between((self.obstruction * radius - r) / edge)
            part *= 1 - depth * ring
        return image
