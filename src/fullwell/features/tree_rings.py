"""Rings of the doping of the wafer."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects import Boundaries
from fullwell.features.base import AreaFeature, Map, fixed
from fullwell.quantities import pairs, quantities, quantity, seeds

__all__ = ["TreeRings"]


@attrs.frozen
class TreeRings(AreaFeature):
    """Rings of the doping of the wafer, which bend the field and move charge sideways.

    Parameters
    ----------
    amplitude : float
        Root mean square of the areas near the center; it grows with the fourth power of the distance.
    growth : float
        Distance from the center, pixels, at which it has doubled.
    center : tuple of float
        Column and row of the center of the wafer, mostly off the chip.
    periods : tuple of float
        Shortest and longest, pixels.
    seed : int

    Notes
    -----
    A sum of 20 waves of random phase with f(r) = A + B r^4, as in the LSST simulations (imSim); the same in
    all colors. Charge is moved along the radius, by (1/r) times the integral of r (1 - area): a wave of
    amplitude a and period P moves stars by up to a P / 2 pi pixels.
    """

    name: ClassVar[str] = "tree_rings"
    amplitude: float = attrs.field(default=1e-4, **quantity(least=0, most=0.1))
    growth: float = attrs.field(default=3000.0, **quantity(u.pix, least=1, most=1e7))
    center: tuple[float, float] = attrs.field(default=(-200.0, -200.0), **quantities(u.pix, size=2))
    periods: tuple[float, float] = attrs.field(default=(36.0, 67.0), **pairs(u.pix, above=0, most=1e6))
    seed: int = attrs.field(default=0, **seeds())
    waves: ClassVar[int] = 20

    def boundaries(self, detector: Detector) -> Boundaries:
        """Return how far the boundaries of pixels are moved, along the radius."""
        rows, columns = detector.shape
        x, y = np.arange(columns) - self.center[0], (np.arange(rows) - self.center[1])[:, None]
        left = np.arange(columns + 1) - 0.5 - self.center[0]
        below = (np.arange(rows + 1) - 0.5 - self.center[1])[:, None]
        farthest = np.hypot(np.abs(left).max(), np.abs(below).max())
        # Along the radius only, then looked up: as exact, and a hundred times faster.
        radius = np.arange(0, farthest + 1, 0.25)
        moved = self._moved(radius)
        return Boundaries(_component(left, y, radius, moved), _component(below, x, radius, moved))

    def areas(self, radius: Map) -> Map:
        """Return the area of pixels less 1 at distances from the center, pixels."""
        stream = fixed(self.seed, self.name)
        periods = np.interp(stream.uniform(self.waves), (0, 1), self.periods)
        phases = 2 * np.pi * stream.uniform(self.waves, draw=1)
        waves = sum(
            np.cos(2 * np.pi * radius / period + phase) for period, phase in zip(periods, phases, strict=True)
        )
        strength = self.amplitude * np.sqrt(2 / self.waves) * (1 + (radius / self.growth) ** 4)
        return np.asarray(np.clip(strength * waves, -0.5, 0.5))

    def _moved(self, radius: Map) -> Map:
        """How far boundaries are moved away from the center, at distances in even steps from 0."""
        rings = radius * self.areas(radius)
        steps = (rings[1:] + rings[:-1]) / 2 * (radius[1] - radius[0])
        return np.concatenate(([0.0], np.cumsum(steps) / radius[1:]))


def _component(
    along: npt.NDArray[Any], across: npt.NDArray[Any], radius: Map, moved: Map
) -> npt.NDArray[np.float32]:
    """Return the part along one axis of what is moved outward."""
    r = np.hypot(along, across)
    outward = np.interp(r, radius, moved) / np.maximum(r, 1e-9)
    return np.asarray(outward * along, np.float32)
