"""Pixels that drain their neighbors."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Feature, Map, checked, fixed
from fullwell.features.drawing import around

__all__ = ["Vampires"]


@attrs.frozen
class Vampires(Feature):
    """Bright cores that drain the pixels around them: charge moves, none is made.

    Parameters
    ----------
    number : int
    excess : float
        Of the core above its neighbors; from 0.2 to 15 are seen.
    radius : float
        Of the drained ring, pixels.
    seed : int
    """

    name: ClassVar[str] = "vampires"
    acts_on: ClassVar[ActsOn] = ActsOn.AREA
    number: int = attrs.field(default=2, **checked(least=0, most=10_000))
    excess: float = attrs.field(default=0.9, **checked(least=0, most=20))
    radius: float = attrs.field(default=6.0, **checked(least=2, most=200))
    seed: int = 0

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        area = np.zeros(detector.shape)
        stream = fixed(self.seed, self.name)
        for row, column in np.floor(stream.uniform((int(self.number), 2)) * detector.shape):
            part, dy, dx = around(area, row, column, 4 * self.radius)
            r = np.hypot(dy, dx)
            core = np.exp(-0.5 * (r / 0.8) ** 2)
            ring = (r / self.radius) ** 2 * np.exp(-((r / self.radius) ** 2)) * (core < 0.5)
            # What the core has too much is missing in the ring, whole or cut by the edge.
            part += self.excess * (core - ring * core.sum() / max(ring.sum(), 1e-9))
        return np.asarray(np.maximum(1 + area, 0.02))
