"""Less light toward the corners."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Feature, Map
from fullwell.quantities import quantities, quantity

__all__ = ["Vignetting"]


@attrs.frozen
class Vignetting(Feature):
    """Less light toward the corners, growing with the square of the distance from the optical axis.

    Parameters
    ----------
    corner : float
        Part of the light that is missing in the farthest corner if the axis is in the middle.
    center : tuple of float
        Of the optical axis, as part of width and height; (0.5, 0.5) is the middle.
    """

    name: ClassVar[str] = "vignetting"
    acts_on: ClassVar[ActsOn] = ActsOn.PHOTONS
    corner: float = attrs.field(default=0.06, **quantity(least=0, most=1))
    center: tuple[float, float] = attrs.field(default=(0.5, 0.5), **quantities(size=2))

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        rows, columns = detector.shape
        y = (np.arange(rows) + 0.5 - self.center[1] * rows)[:, None]
        x = np.arange(columns) + 0.5 - self.center[0] * columns
        whole = (rows**2 + columns**2) / 4
        return np.asarray(np.maximum(1 - self.corner * (x * x + y * y) / whole, 0.0))
