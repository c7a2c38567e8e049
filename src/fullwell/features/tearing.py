"""Columns that come and go at the borders of amplifiers."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.effects import Boundaries
from fullwell.features.base import ActsOn, AreaFeature, fixed
from fullwell.quantities import quantity, seeds

__all__ = ["Tearing"]


@attrs.frozen
class Tearing(AreaFeature):
    """Columns at the borders of amplifiers, which come and go with the state of the channel stops.

    Parameters
    ----------
    amplitude : float
        Largest change of the area of a column; 0.002 to 0.006 are seen.
    exposure : int
        Another exposure, another tearing. In a chain it is that of the frame.
    seed : int
    """

    name: ClassVar[str] = "tearing"
    acts_on: ClassVar[ActsOn] = ActsOn.AREA | ActsOn.TIME
    amplitude: float = attrs.field(default=0.005, **quantity(least=0, most=0.5))
    exposure: int = attrs.field(default=0, **quantity(least=0, most=2**32 - 1, whole=True))
    seed: int = attrs.field(default=0, **seeds())

    def boundaries(self, detector: Detector) -> Boundaries:
        """Return how far the boundaries of pixels are moved: three around each border of amplifiers."""
        rows, columns = detector.shape
        east = np.zeros((rows, columns + 1))
        borders = sorted({a.box.x0 for a in detector.amplifiers} - {0})
        stream = fixed(self.seed, f"{self.name}_{self.exposure}")
        strength, where = (stream.uniform(max(len(borders), 1), draw=draw) for draw in range(2))
        for border, size, height in zip(borders, strength, where, strict=False):
            # The tear ends at a height that wanders; charge goes from one side of the border to the other.
            reach = 1 / (1 + np.exp((np.arange(rows) - height * rows) / 8.0))
            for offset, part in ((-1, 0.3), (0, 1.3), (1, 0.3)):
                if 0 < border + offset < columns:
                    east[:, border + offset] += self.amplitude * size * part * reach
        return Boundaries(east, np.zeros((rows + 1, columns)))

    def boundaries_in(self, detector: Detector, *, exposure: int) -> Boundaries:
        """Return the same in the exposure of that number."""
        return attrs.evolve(self, exposure=exposure).boundaries(detector)
