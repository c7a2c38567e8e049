"""Pixels that drain their neighbors."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects import Boundaries
from fullwell.errors import ParameterError
from fullwell.features.base import AreaFeature, Map, fixed
from fullwell.features.drawing import around
from fullwell.quantities import quantity, seeds

__all__ = ["Vampires"]

#: Standard deviation of the core, pixels.
_CORE = 0.8
#: Part of its area that a pixel of the ring may lose.
_LARGEST_LOSS = 0.98


@attrs.frozen
class Vampires(AreaFeature):
    """Bright cores that drain the pixels around them: charge moves, none is made.

    A core at the edge of the detector drains what lies beyond it as well.

    Parameters
    ----------
    number : int
    excess : float
        Of the area of the core pixel over 1; from 0.2 to 15 are seen.
    radius : float
        Of the drained ring, pixels. A strong core wants a large ring: what it collects is missing there.
    seed : int
    """

    name: ClassVar[str] = "vampires"
    number: int = attrs.field(default=2, **quantity(least=0, most=10_000, whole=True))
    excess: float = attrs.field(default=0.9, **quantity(least=0, most=20))
    radius: float = attrs.field(default=6.0, **quantity(u.pix, least=2, most=200))
    seed: int = attrs.field(default=0, **seeds())

    def __attrs_post_init__(self) -> None:
        # Where the ring is deepest something has to be left.
        most = _LARGEST_LOSS / _deepest(self.radius)
        if self.excess > most:
            raise ParameterError(
                "excess", self.excess, f"at most {most:.3g} with a radius of {self.radius:g} pixels"
            )

    def boundaries(self, detector: Detector) -> Boundaries:
        """Return how far the boundaries of pixels are moved: away from the cores, which grow."""
        rows, columns = detector.shape
        east, north = np.zeros((rows, columns + 1)), np.zeros((rows + 1, columns))
        stream = fixed(self.seed, self.name)
        for row, column in np.floor(stream.uniform((int(self.number), 2)) * detector.shape):
            for image, x, y in ((east, column + 0.5, row), (north, column, row + 0.5)):
                part, dy, dx = around(image, y, x, 4 * self.radius)
                r = np.hypot(dy, dx)
                part += self.excess * _moved(r, self.radius) * (dx if image is east else dy) / r
        return Boundaries(east, north)


def _moved(r: float | Map, radius: float) -> Map:
    """How far boundaries at distance r are moved for each unit by which the core pixel is to grow.

    (1/r) times the integral of r f(r) for f = exp(-r^2 / 2 s^2) - 2 (s / R)^2 (r / R)^2 exp(-(r / R)^2), the
    core and the ring that lacks as much, over what the four boundaries of the core pixel would then gain.
    """
    return np.asarray(_gained(r, radius) / r / (8 * _gained(0.5, radius)))


def _gained(r: float | Map, radius: float) -> Map:
    ring = np.square(r / radius)
    return np.asarray(-np.expm1(-0.5 * np.square(r / _CORE)) + np.expm1(-ring) + ring * np.exp(-ring))


def _deepest(radius: float) -> float:
    """Area that a pixel of the ring loses for each unit by which the core pixel grows."""
    reach = int(2 * radius) + 1
    whole, half = np.arange(-reach, reach + 1), np.arange(-reach - 0.5, reach + 1)
    r = np.hypot(half, whole[:, None])
    across = np.diff(_moved(r, radius) * half / r, axis=1)
    return -float((across + across.T).min())
