"""A rim around the sensor."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Feature, Map, checked

__all__ = ["PictureFrame"]


@attrs.frozen
class PictureFrame(Feature):
    """A rim around the whole sensor, alike on all sides.

    Parameters
    ----------
    depth : float
        Part of the light that is missing in it.
    width : int
        Pixels.
    """

    name: ClassVar[str] = "picture_frame"
    acts_on: ClassVar[ActsOn] = ActsOn.AREA
    depth: float = attrs.field(default=0.015, **checked(least=-1, most=1))
    width: float = attrs.field(default=9.0, **checked(least=0, most=1e4))

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        image = np.full(detector.shape, 1.0 - self.depth)
        n = int(self.width)
        rows, columns = detector.shape
        image[n : max(rows - n, n), n : max(columns - n, n)] = 1.0
        return image
