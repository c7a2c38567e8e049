"""The border between the halves of a sensor."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Feature, Map, checked

__all__ = ["MidlineBreak"]


@attrs.frozen
class MidlineBreak(Feature):
    """The implant that stops blooming between the two halves moves charge: one row up, its neighbor down.

    Parameters
    ----------
    amplitude : float
    """

    name: ClassVar[str] = "midline_break"
    acts_on: ClassVar[ActsOn] = ActsOn.AREA
    amplitude: float = attrs.field(default=0.02, **checked(least=-1, most=1))

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        image = np.ones(detector.shape)
        middle = detector.shape[0] // 2
        if middle:
            image[middle - 1] += self.amplitude
            image[middle] -= self.amplitude
        return image
