"""The contract of everything dark beside the plain dark current."""

from __future__ import annotations

import numpy as np

from fullwell.effects.glow import Glow
from fullwell.effects.read_out_dark import ReadOutDark
from fullwell.effects.telegraph import Telegraph
from fullwell.testing import EffectContract


class TestGlow(EffectContract):
    effect = Glow
    impossible = [({"rate": np.zeros(3)}, "rate"), ({"rate": -np.ones((2, 2))}, "rate")]

    def make(self, detector, random):
        return Glow.at_amplifiers(detector, rate=random.uniform(5, 50), radius=random.uniform(10, 60))


class TestReadOutDark(EffectContract):
    effect = ReadOutDark
    impossible = [
        ({"rate": -np.ones((2, 2))}, "rate"),
        ({"rate": np.ones((2, 2)), "row_time": -1.0}, "row_time"),
    ]

    def make(self, detector, random):
        return ReadOutDark(random.gamma(2, 50, detector.shape), random.uniform(1e-3, 1e-2))


class TestTelegraph(EffectContract):
    effect = Telegraph
    completeness = purity = 1.0
    measurable = True
    impossible = [
        ({"pixels": [[-1, 0]]}, "pixels"),
        ({"pixels": [[1, 0]], "amplitude": -1.0}, "amplitude"),
        ({"pixels": [[1, 0]], "time_high": 0.0}, "time_high"),
    ]

    def make(self, detector, random):
        return Telegraph.random(
            detector.shape,
            fraction=1e-2,
            amplitude=(2.0, 20.0),
            seed=int(random.integers(1000)),
            time_high=1e6,
            time_low=1e6,
        )

    def true_flags(self, effect, exposure):
        true = np.zeros(exposure.light.shape, bool)
        true[tuple(effect.pixels.T)] = True
        return true, true

    def measure(self, effect, detector, *, noise):
        """Darks that are short against the times between jumps."""
        chain = self.forward(effect, detector)
        frames = self.exposures(chain, detector, None, [100.0] * 16, noise=noise)
        return Telegraph.measure(frames, known=chain.without("telegraph", "adc"))

    def observables(self, effect, detector):
        """Amplitudes of the pixels that were found, which must all be true ones."""
        image, error = np.zeros(detector.shape), np.full(detector.shape, np.nan)
        where = tuple(effect.pixels.T)
        image[where], error[where] = effect.amplitude, effect.errors if len(effect.errors) else 1.0
        return {"amplitude": (image, error)}
