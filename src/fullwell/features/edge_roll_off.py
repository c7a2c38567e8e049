"""The last pixels before the edges."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.errors import ParameterError
from fullwell.features.base import ActsOn, Feature, Map, checked

__all__ = ["EdgeRollOff"]


@attrs.frozen
class EdgeRollOff(Feature):
    """The last pixels before the edges lose charge to the guard ring, or gain some.

    Parameters
    ----------
    depth : float
        In the outermost pixel; negative for a rise.
    width : float
        Pixels in which it falls to 1/e.
    sides : str
        Some of ``'left right bottom top'``.
    """

    name: ClassVar[str] = "edge_roll_off"
    acts_on: ClassVar[ActsOn] = ActsOn.AREA
    depth: float = attrs.field(default=0.1, **checked(least=-1, most=1))
    width: float = attrs.field(default=3.0, **checked(least=0.1, most=1e4))
    sides: str = "left right bottom top"

    def __attrs_post_init__(self) -> None:
        unknown = sorted(set(self.sides.split()) - {"left", "right", "bottom", "top"})
        if unknown:
            raise ParameterError("sides", unknown, "some of left, right, bottom, top")

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        image = np.ones(detector.shape)
        for side in self.sides.split():
            axis = 1 if side in ("left", "right") else 0
            profile = 1 - self.depth * np.exp(-np.arange(detector.shape[axis]) / self.width)
            profile = profile if side in ("left", "bottom") else profile[::-1]
            image *= profile if axis else profile[:, None]
        return image
