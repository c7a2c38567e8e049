"""Steps at the borders of amplifiers: of light, or of counting."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from fullwell.detector import Detector
from fullwell.errors import ParameterError
from fullwell.features.base import ActsOn, Feature, Map

__all__ = ["AmplifierGainSteps", "QuantumEfficiencySteps"]


def _steps(value: object) -> tuple[float, ...]:
    return tuple(float(part) for part in np.atleast_1d(np.asarray(value, np.float64)))


@attrs.frozen
class QuantumEfficiencySteps(Feature):
    """Parts of the detector turn different parts of the light into charge.

    Parameters
    ----------
    steps : sequence of float
        Relative response of each amplifier's area less 1, or one number for every second amplifier.
    """

    name: ClassVar[str] = "quantum_efficiency_steps"
    acts_on: ClassVar[ActsOn] = ActsOn.PHOTONS
    steps: tuple[float, ...] = attrs.field(default=0.005, converter=_steps)

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        return _per_amplifier(self.steps, detector)


@attrs.frozen
class AmplifierGainSteps(Feature):
    """Amplifiers count differently than their gains say; it looks like light, and is none.

    Parameters
    ----------
    steps : sequence of float
        Relative response of each amplifier less 1, or one number for every second amplifier.
    """

    name: ClassVar[str] = "amplifier_gain_steps"
    acts_on: ClassVar[ActsOn] = ActsOn.ELECTRONICS
    steps: tuple[float, ...] = attrs.field(default=0.005, converter=_steps)

    def render(self, detector: Detector, *, wavelength: float = 600.0) -> Map:  # noqa: ARG002
        """Return the factor by which the response of each pixel changes."""
        return _per_amplifier(self.steps, detector)


def _per_amplifier(steps: tuple[float, ...], detector: Detector) -> Map:
    number = len(detector.amplifiers)
    if len(steps) == 1:
        steps = tuple(steps[0] * (i % 2) for i in range(number))
    if len(steps) != number or not all(np.isfinite(step) and step > -1 for step in steps):
        raise ParameterError("steps", steps, f"1 number or {number}, above -1")
    image = np.ones(detector.shape)
    for amplifier, step in zip(detector.amplifiers, steps, strict=True):
        image[amplifier.box.slices] += step
    return image
