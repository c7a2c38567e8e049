"""Trails of satellites."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Feature, Map
from fullwell.quantities import quantities, quantity

__all__ = ["Satellite"]


@attrs.frozen
class Satellite(Feature):
    """The trail of a satellite through a twilight flat: in this one exposure only.

    Parameters
    ----------
    start, angle : (float, float), float
        A point of the trail (column, row), and its direction in degrees from that of columns to that of rows.
    brightness : float
        Above the flat, as part of it.
    width : float
        Standard deviation, pixels.
    """

    name: ClassVar[str] = "satellite"
    acts_on: ClassVar[ActsOn] = ActsOn.PHOTONS | ActsOn.TIME
    start: tuple[float, float] = attrs.field(default=(0.0, 0.0), **quantities(u.pix, size=2))
    angle: float = attrs.field(default=30.0, **quantity(u.deg))
    brightness: float = attrs.field(default=0.05, **quantity(least=0, most=1e6))
    width: float = attrs.field(default=1.5, **quantity(u.pix, least=0.1, most=1e3))

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        rows, columns = detector.shape
        angle = np.radians(self.angle)
        x, y = np.arange(columns) - self.start[0], (np.arange(rows) - self.start[1])[:, None]
        across = -x * np.sin(angle) + y * np.cos(angle)
        return np.asarray(1 + self.brightness * np.exp(-0.5 * (across / self.width) ** 2))
