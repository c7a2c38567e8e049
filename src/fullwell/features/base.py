"""What shows in a flat: what it acts on, and how it looks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from enum import Enum
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects import Flat
from fullwell.effects.base import in_unit
from fullwell.errors import ParameterError
from fullwell.noise import FIXED_PATTERN, Noise, Stream

__all__ = ["ActsOn", "Feature", "Map", "checked", "fixed", "response_of", "shallow"]

Map = npt.NDArray[np.float64]
#: Nanometers where nothing else is said.
VISUAL = 600.0


class ActsOn(Enum):
    """What a feature changes, which decides whether a science frame may be divided by it."""

    PHOTONS = "photons"  # fewer of them become electrons: divide
    AREA = "pixel area"  # charge goes to a neighbor: dividing makes the photometry of stars wrong
    ELECTRONICS = "electronics"  # electrons are counted differently: it belongs into the gain
    TIME = "time"  # another one in each exposure: mask, never divide


class Feature(ABC):
    """One feature of a flat.

    Subclasses are ``attrs.frozen`` classes of physical parameters.
    """

    name: ClassVar[str]
    acts_on: ClassVar[ActsOn]

    @property
    def may_divide(self) -> bool:
        """Whether dividing by the flat is right for a point source."""
        return self.acts_on is ActsOn.PHOTONS

    @abstractmethod
    def render(self, detector: Detector, *, wavelength: float = VISUAL) -> Map:
        """Return the factor by which the response of each pixel changes.

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


def response_of(
    features: Iterable[Feature],
    detector: Detector,
    *,
    wavelength: u.Quantity | float = VISUAL,
    acts_on: Iterable[ActsOn] | None = None,
    filter: str = "",
) -> Flat:
    """Multiply features to the flat that they make together.

    Parameters
    ----------
    features : iterable of Feature
    detector : Detector
    wavelength : Quantity or float
        Nanometers.
    acts_on : iterable of ActsOn, optional
        Take only those; ``[ActsOn.PHOTONS]`` gives the flat that may be divided by.
    filter : str
        Name of the filter, for the `Flat`.

    Returns
    -------
    Flat
        With median 1.

    Raises
    ------
    ParameterError
        If the wavelength is none that silicon sees, or the features leave no light.
    """
    nanometers = float(in_unit(wavelength, u.nm))
    if not 200 <= nanometers <= 1200:
        raise ParameterError("wavelength", wavelength, "200 to 1200 nm, where silicon sees")
    wanted = set(ActsOn) if acts_on is None else set(acts_on)
    image = np.ones(detector.shape)
    for feature in features:
        if feature.acts_on in wanted:
            image *= feature.render(detector, wavelength=nanometers)
    middle = float(np.median(image))
    if not middle > 0:
        raise ParameterError("features", middle, "a response with a median above 0")
    return Flat((image / middle).astype(np.float32), filter=filter)


def fixed(seed: int, name: str) -> Stream:
    """Return the random numbers of what is the same in all exposures."""
    return Noise(seed, FIXED_PATTERN).stream(f"feature_{name}")


def checked(
    unit: u.UnitBase = u.dimensionless_unscaled, *, least: float = -np.inf, most: float = np.inf
) -> dict[str, Any]:
    """Return converter and validator of an attrs field: a finite number or Quantity within limits."""

    def convert(value: Any) -> float:
        return float(in_unit(value, unit))

    def validate(_: Any, attribute: Any, value: float) -> None:
        if not (np.isfinite(value) and least <= value <= most):
            allowed = f"finite, {least:g} to {most:g}{f' {unit}' if str(unit) else ''}"
            raise ParameterError(attribute.name, value, allowed)

    return {"converter": convert, "validator": validate}


def shallow(wavelength: float) -> float:
    """How much of the light stops at the surface: 1 at 350 nm and below, falling to 1/e for every 60 nm."""
    return float(np.exp(-max(wavelength - 350.0, 0.0) / 60.0))
