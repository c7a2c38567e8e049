"""Pixels are not alike."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.features.base import ActsOn, Feature, Map, fixed
from fullwell.quantities import quantity, seeds

__all__ = ["PixelResponse"]


@attrs.frozen
class PixelResponse(Feature):
    """Pixels differ a little in how much light they turn into charge.

    Parameters
    ----------
    scatter : float
        Standard deviation; 0.4 % of LSST prototypes (Baumer et al. 2017, arXiv 1706.07400), 1 % of
        older CCDs.
    seed : int
    """

    name: ClassVar[str] = "pixel_response"
    acts_on: ClassVar[ActsOn] = ActsOn.PHOTONS
    scatter: float = attrs.field(default=0.004, **quantity(least=0, most=0.3))
    seed: int = attrs.field(default=0, **seeds())

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        scatter = self.scatter * fixed(self.seed, self.name).normal(detector.shape)
        return np.asarray(np.maximum(1 + scatter, 0), np.float64)
