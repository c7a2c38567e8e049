"""The last pixels before the edges."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects import Boundaries
from fullwell.errors import ParameterError
from fullwell.features.base import AreaFeature, Map
from fullwell.features.drawing import boundaries_along
from fullwell.quantities import quantity

__all__ = ["EdgeRollOff"]

#: Along rows, and along columns.
_SIDES = (("bottom", "top"), ("left", "right"))


@attrs.frozen
class EdgeRollOff(AreaFeature):
    """The last pixels before the edges lose charge to the guard ring, or gain some.

    Parameters
    ----------
    depth : float
        Part of its area that the outermost pixel lacks; negative for a rise.
    width : float
        Pixels in which it falls to 1/e. Charge in the outermost pixel is moved by ``depth x width`` pixels.
    sides : str
        Some of ``'left right bottom top'``.
    """

    name: ClassVar[str] = "edge_roll_off"
    depth: float = attrs.field(default=0.1, **quantity(least=-1, most=1))
    width: float = attrs.field(default=3.0, **quantity(u.pix, least=0.1, most=1e4))
    sides: str = "left right bottom top"

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.sides, str):
            raise ParameterError("sides", self.sides, "some of left, right, bottom, top")
        unknown = sorted(set(self.sides.split()).difference(*_SIDES))
        if unknown:
            raise ParameterError("sides", unknown, "some of left, right, bottom, top")

    def boundaries(self, detector: Detector) -> Boundaries:
        """Return how far the boundaries of pixels are moved: outward, the farther the nearer to the edge."""
        rows, columns = (
            self._profile(size, *names) for size, names in zip(detector.shape, _SIDES, strict=True)
        )
        # In the corners the areas of both directions multiply: each direction takes half of what it adds.
        return Boundaries(
            boundaries_along(columns) * (1 + rows[:, None]) / 2,
            boundaries_along(rows)[:, None] * (1 + columns) / 2,
        )

    def _profile(self, size: int, first: str, last: str) -> Map:
        fall = self.depth * np.exp(-np.arange(size) / self.width)
        sides = self.sides.split()
        return np.asarray((1 - (first in sides) * fall) * (1 - (last in sides) * fall[::-1]))
