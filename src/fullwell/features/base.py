"""What shows in a flat: what it acts on, and how it looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum, Flag, auto
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from fullwell.detector import Detector
from fullwell.effects import Boundaries
from fullwell.noise import FIXED_PATTERN, Noise, Stream

__all__ = [
    "VISUAL",
    "ActsOn",
    "AreaFeature",
    "Color",
    "Feature",
    "Map",
    "fixed",
    "shallow",
    "toward_the_ends",
]

Map = npt.NDArray[np.float64]
#: Nanometers where nothing else is said.
VISUAL = 600.0


class ActsOn(Flag):
    """What a feature changes, which decides whether a science frame may be divided by it.

    A feature that is another one in each exposure acts on ``TIME`` besides.
    """

    PHOTONS = auto()  # fewer of them become electrons: divide
    AREA = auto()  # charge goes to a neighbor: dividing makes the photometry of stars wrong
    ELECTRONICS = auto()  # electrons are counted differently: it belongs into the gain
    TIME = auto()  # another one in each exposure: mask, never divide

    def __str__(self) -> str:
        return ", ".join("pixel area" if part is ActsOn.AREA else str(part.name).lower() for part in self)


class Color(Enum):
    """In which light a feature shows."""

    NONE = "in all light alike"
    BLUE = "most in light that stops at the surface"
    ENDS = "most in the violet and the infrared"


class Feature(ABC):
    """One feature of a flat.

    Subclasses are ``attrs.frozen`` classes of physical parameters.
    """

    name: ClassVar[str]
    acts_on: ClassVar[ActsOn]
    color: ClassVar[Color] = Color.NONE

    @property
    def may_divide(self) -> bool:
        """Whether dividing by the flat is right for a point source: a flat of light of the same color."""
        return self.acts_on is ActsOn.PHOTONS

    @property
    def changes(self) -> bool:
        """Whether it is another one in each exposure."""
        return ActsOn.TIME in self.acts_on

    @abstractmethod
    def render(self, detector: Detector, *, wavelength: float = VISUAL) -> Map:
        """Return the factor by which a flat of even light changes in each pixel.

        Parameters
        ----------
        detector : Detector
            Shape and amplifiers.
        wavelength : float
            Nanometers.

        Returns
        -------
        ndarray of float64, shape `detector.shape`
            1 where nothing is changed.
        """


class AreaFeature(Feature):
    """A feature that moves the boundaries of pixels, and with them charge."""

    acts_on: ClassVar[ActsOn] = ActsOn.AREA

    @abstractmethod
    def boundaries(self, detector: Detector) -> Boundaries:
        """Return how far the boundaries of the pixels of a detector are moved."""

    def boundaries_in(self, detector: Detector, *, exposure: int) -> Boundaries:  # noqa: ARG002
        """Return the same in one exposure, for features that change."""
        return self.boundaries(detector)

    def render(self, detector: Detector, *, wavelength: float = VISUAL) -> Map:  # noqa: ARG002
        """Return the areas of the pixels, which even light shows."""
        return self.boundaries(detector).area


def fixed(seed: int, name: str) -> Stream:
    """Return the random numbers of what is the same in all exposures."""
    return Noise(seed, FIXED_PATTERN).stream(f"feature_{name}")


def shallow(wavelength: float) -> float:
    """How much of the light stops at the surface: 1 at 350 nm and below, falling to 1/e for every 60 nm."""
    return float(np.exp(-max(wavelength - 350.0, 0.0) / 60.0))


def toward_the_ends(wavelength: float) -> float:
    """How near light is to the ends of what silicon sees: 0 at 675 nm, 1 at 350 and 1000 nm."""
    return min(abs(wavelength - 675.0) / 325.0, 1.0) ** 4
