"""Features as effects of a signal chain, and as the flat that a lamp shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add, or_
from typing import Any

import attrs
import numpy as np
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects import Boundaries, Effect, Flat, Gain, PixelArea
from fullwell.errors import ParameterError
from fullwell.features.amplifier_steps import AmplifierGainSteps
from fullwell.features.base import VISUAL, ActsOn, AreaFeature, Feature
from fullwell.quantities import number

__all__ = ["as_effects", "gain_with", "pixel_area_of", "response_of"]

_ALL = reduce(or_, ActsOn)


def _checked(features: Iterable[Feature]) -> tuple[Feature, ...]:
    if isinstance(features, Feature):
        return (features,)
    found = tuple(features) if isinstance(features, Iterable) else (features,)
    for feature in found:
        if not isinstance(feature, Feature):
            raise ParameterError("features", feature, "features, such as fullwell.features.TreeRings()")
    return found


def response_of(
    features: Iterable[Feature],
    detector: Detector,
    *,
    wavelength: u.Quantity | float = VISUAL,
    acts_on: ActsOn = _ALL,
    filter: str = "",
) -> Flat:
    """Multiply features to the flat that they make together, as a lamp shows it.

    Parameters
    ----------
    features : iterable of Feature
    detector : Detector
    wavelength : Quantity or float
        Nanometers.
    acts_on : ActsOn
        Take only features that act on nothing else; ``ActsOn.PHOTONS`` gives the flat that may be divided by.
    filter : str
        Name of the filter, for the `Flat`.

    Returns
    -------
    Flat
        With median 1. To simulate, give `as_effects` to a chain: there only photons are a factor on light.

    Raises
    ------
    ParameterError
        If the wavelength is none that silicon sees, or the features leave no light.
    """
    nanometers = number(wavelength, "wavelength", u.nm, least=200, most=1200)  # where silicon sees
    image = np.ones(detector.shape)
    for feature in _checked(features):
        if feature.acts_on in acts_on:
            image *= feature.render(detector, wavelength=nanometers)
    middle = float(np.median(image))
    if not middle > 0:
        raise ParameterError("features", middle, "a response with a median above 0")
    return Flat((image / middle).astype(np.float32), filter=filter)


def pixel_area_of(features: Iterable[Feature], detector: Detector) -> PixelArea | None:
    """Return what those of the features that act on the area of pixels do together; None without any.

    Raises
    ------
    ParameterError
        If they are so strong that boundaries of pixels cross.
    """
    moving = [feature for feature in _checked(features) if isinstance(feature, AreaFeature)]
    if not moving:
        return None
    lasting = [feature.boundaries(detector) for feature in moving if not feature.changes]
    boundaries = reduce(add, lasting, Boundaries.unmoved(detector.shape))
    return PixelArea(boundaries, changing=tuple(feature for feature in moving if feature.changes))


def gain_with(features: Iterable[Feature], gain: Gain, detector: Detector) -> Gain:
    """Return the gain of the amplifiers with those of the features that act on the electronics.

    Parameters
    ----------
    features : iterable of Feature
    gain : Gain
        Without them.
    detector : Detector

    Returns
    -------
    Gain
        `gain` itself where there are none.
    """
    for feature in _checked(features):
        if isinstance(feature, AmplifierGainSteps):
            values = np.broadcast_to(gain.values, len(detector.amplifiers))
            gain = attrs.evolve(gain, values=tuple(values / feature.factors(detector)))
    return gain


def as_effects(
    features: Iterable[Feature],
    detector: Detector,
    *,
    wavelength: u.Quantity | float = VISUAL,
    gain: Gain | float | u.Quantity | Sequence[float] | None = None,
    filter: str = "",
) -> list[Effect]:
    """Return what features do to a signal chain, each at the place where it acts.

    Parameters
    ----------
    features : iterable of Feature
    detector : Detector
    wavelength : Quantity or float
        Nanometers.
    gain : Gain, Quantity, float or sequence, optional
        e-/ADU of the amplifiers without features; wanted where features act on the electronics.
    filter : str
        Name of the filter, for the `Flat`.

    Returns
    -------
    list of Effect
        A `Flat` of those that act on photons, a `PixelArea` of those that act on the area of pixels, and a
        `Gain` where `gain` is given.

    Raises
    ------
    ParameterError
        If a gain is wanted and missing, one of the features is light of a single exposure, such as a
        satellite, the wavelength is none that silicon sees, or values are impossible.
    """
    features = _checked(features)
    for feature in features:
        if feature.acts_on == ActsOn.PHOTONS | ActsOn.TIME:
            allowed = "what is in every exposure (multiply the light of the one that has it by its `render`)"
            raise ParameterError("features", feature, allowed)
    photons = ActsOn.PHOTONS
    effects: list[Effect] = []
    if any(feature.acts_on == photons for feature in features):
        effects.append(response_of(features, detector, wavelength=wavelength, acts_on=photons, filter=filter))
    area = pixel_area_of(features, detector)
    if area is not None:
        effects.append(area)
    if gain is not None:
        known: Any = gain
        effects.append(gain_with(features, known if isinstance(known, Gain) else Gain(known), detector))
    elif any(ActsOn.ELECTRONICS in feature.acts_on for feature in features):
        raise ParameterError("gain", None, "e-/ADU of the amplifiers, which these features change")
    return effects
