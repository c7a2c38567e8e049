"""Columns that come and go at the borders of amplifiers."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Feature, Map, checked, fixed

__all__ = ["Tearing"]


@attrs.frozen
class Tearing(Feature):
    """Columns at the borders of amplifiers, which come and go with the state of the channel stops.

    Parameters
    ----------
    amplitude : float
        Largest; 0.002 to 0.006 are seen.
    exposure : int
        Another exposure, another tearing.
    seed : int
    """

    name: ClassVar[str] = "tearing"
    acts_on: ClassVar[ActsOn] = ActsOn.TIME
    amplitude: float = attrs.field(default=0.005, **checked(least=0, most=0.5))
    exposure: int = 0
    seed: int = 0

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        rows, columns = detector.shape
        image = np.ones(detector.shape)
        borders = sorted({a.box.x0 for a in detector.amplifiers} - {0})
        stream = fixed(self.seed, f"{self.name}_{self.exposure}")
        strength, where = (stream.uniform(max(len(borders), 1), draw=draw) for draw in range(2))
        for border, size, height in zip(borders, strength, where, strict=False):
            # The tear ends at a height that wanders; charge goes from one side of the border to the other.
            reach = 1 / (1 + np.exp((np.arange(rows) - height * rows) / 8.0))
            for offset, part in ((-2, 0.3), (-1, 1.0), (0, -1.0), (1, -0.3)):
                if 0 <= border + offset < columns:
                    image[:, border + offset] += self.amplitude * size * part * reach
        return image
