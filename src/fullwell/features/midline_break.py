"""The border between the halves of a sensor."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.effects import Boundaries
from fullwell.features.base import AreaFeature
from fullwell.quantities import quantity

__all__ = ["MidlineBreak"]


@attrs.frozen
class MidlineBreak(AreaFeature):
    """The implant that stops blooming between the two halves moves charge: one row up, its neighbor down.

    Parameters
    ----------
    amplitude : float
        How far the boundary between the halves is moved, pixels: by so much one row is larger.
    """

    name: ClassVar[str] = "midline_break"
    amplitude: float = attrs.field(default=0.02, **quantity(least=-1, most=1))

    def boundaries(self, detector: Detector) -> Boundaries:
        """Return how far the boundaries of pixels are moved: one between two rows."""
        rows, columns = detector.shape
        north = np.zeros((rows + 1, columns))
        if rows > 1:
            north[rows // 2] = self.amplitude
        return Boundaries(np.zeros((rows, columns + 1)), north)
