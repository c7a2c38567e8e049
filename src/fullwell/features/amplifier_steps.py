"""Steps at the borders of amplifiers: of light, or of counting."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.errors import ParameterError
from fullwell.features.base import ActsOn, Color, Feature, Map, toward_the_ends
from fullwell.quantities import numbers, quantity

__all__ = ["AmplifierGainSteps", "QuantumEfficiencySteps"]


def _steps(value: object) -> tuple[float, ...]:
    return tuple(numbers(value, "steps", above=-1).tolist())


@attrs.frozen
class QuantumEfficiencySteps(Feature):
    """Parts of the detector turn different parts of the light into charge.

    Parameters
    ----------
    steps : sequence of float
        Relative response of each amplifier's area at 675 nm, less 1; or one number for every second one.
    at_ends : float
        By what factor the steps are larger at 350 and at 1000 nm, where coatings and thickness matter most.
    """

    name: ClassVar[str] = "quantum_efficiency_steps"
    acts_on: ClassVar[ActsOn] = ActsOn.PHOTONS
    color: ClassVar[Color] = Color.ENDS
    steps: tuple[float, ...] = attrs.field(default=0.005, converter=_steps)
    at_ends: float = attrs.field(default=5.0, **quantity(least=0, most=1e3))

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:
        """Return the factor by which the response of each pixel changes."""
        color = 1 + (self.at_ends - 1) * toward_the_ends(wavelength)
        return _image(_factors(self.steps, detector, color), detector)


@attrs.frozen
class AmplifierGainSteps(Feature):
    """Amplifiers count differently than their gains say; it looks like light, and is none.

    Parameters
    ----------
    steps : sequence of float
        ADU for each electron relative to what the gain says, less 1; or one number for every second one.
    """

    name: ClassVar[str] = "amplifier_gain_steps"
    acts_on: ClassVar[ActsOn] = ActsOn.ELECTRONICS
    steps: tuple[float, ...] = attrs.field(default=0.005, converter=_steps)

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the ADU of each pixel change."""
        return _image(self.factors(detector), detector)

    def factors(self, detector: Detector) -> Map:
        """Return for each amplifier by what factor it gives more ADU; its gain in e-/ADU falls by as much."""
        return _factors(self.steps, detector)


def _factors(steps: tuple[float, ...], detector: Detector, color: float = 1.0) -> Map:
    number = len(detector.amplifiers)
    if len(steps) == 1:
        steps = tuple(steps[0] * (i % 2) for i in range(number))
    if len(steps) != number or not all(color * step > -1 for step in steps):
        raise ParameterError("steps", steps, f"1 number or {number}, above -1 in all light")
    return 1 + color * np.asarray(steps)


def _image(factors: Map, detector: Detector) -> Map:
    image = np.ones(detector.shape)
    for amplifier, factor in zip(detector.amplifiers, factors, strict=True):
        image[amplifier.box.slices] = factor
    return image
