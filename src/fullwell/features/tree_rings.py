"""Rings of the doping of the wafer."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Feature, Map, checked, fixed

__all__ = ["TreeRings"]


@attrs.frozen
class TreeRings(Feature):
    """Rings of the doping of the wafer, which bend the field and move charge sideways.

    Parameters
    ----------
    amplitude : float
        Root mean square of the rings near their center; it grows with the fourth power of the distance.
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
    all colors.
    """

    name: ClassVar[str] = "tree_rings"
    acts_on: ClassVar[ActsOn] = ActsOn.AREA
    amplitude: float = attrs.field(default=1e-4, **checked(least=0, most=0.1))
    growth: float = attrs.field(default=3000.0, **checked(least=1, most=1e7))
    center: tuple[float, float] = (-200.0, -200.0)
    periods: tuple[float, float] = (36.0, 67.0)
    seed: int = 0
    waves: ClassVar[int] = 20

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        rows, columns = detector.shape
        x, y = np.arange(columns) - self.center[0], (np.arange(rows) - self.center[1])[:, None]
        r = np.hypot(x, y)
        # Along the radius only, then looked up: as exact, and a hundred times faster.
        radius = np.arange(0, r.max() + 1, 0.25)
        stream = fixed(self.seed, self.name)
        periods = np.interp(stream.uniform(self.waves), (0, 1), self.periods)
        phases = 2 * np.pi * stream.uniform(self.waves, draw=1)
        waves = np.cos(2 * np.pi * radius / periods[:, None] + phases[:, None]).sum(0)
        strength = self.amplitude * np.sqrt(2 / self.waves) * (1 + (radius / self.growth) ** 4)
        return np.asarray(1 + np.interp(r, radius, np.clip(strength * waves, -0.5, 0.5)))
