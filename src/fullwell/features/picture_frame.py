"""A rim around the sensor."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects import Boundaries
from fullwell.features.base import AreaFeature, Map
from fullwell.features.drawing import boundaries_along
from fullwell.quantities import quantity

__all__ = ["PictureFrame"]


@attrs.frozen
class PictureFrame(AreaFeature):
    """A rim around the whole sensor, alike on all sides.

    Parameters
    ----------
    depth : float
        Part of their area that its pixels lack.
    width : int
        Pixels.
    """

    name: ClassVar[str] = "picture_frame"
    depth: float = attrs.field(default=0.015, **quantity(least=-1, most=1))
    width: float = attrs.field(default=9.0, **quantity(u.pix, least=0, most=1e4))

    def boundaries(self, detector: Detector) -> Boundaries:
        """Return how far the boundaries of pixels are moved: outward, the farther the nearer to the edge."""
        rows, columns = (self._rim(size) for size in detector.shape)
        # In the corners, which are as deep as the rest, each direction does one half.
        return Boundaries(
            boundaries_along(1 - self.depth * columns) * (1 - rows[:, None] / 2),
            boundaries_along(1 - self.depth * rows)[:, None] * (1 - columns / 2),
        )

    def _rim(self, size: int) -> Map:
        """1 for the pixels of a line that are in the rim, 0 for the others."""
        from_edge = np.minimum(np.arange(size), np.arange(size)[::-1])
        return np.asarray(from_edge < int(self.width), np.float64)
