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
    impossible = [
        ({"pixels": [[-1, 0]]}, "pixels"),
        ({"pixels": [[1, 0]], "amplitude": -1.0}, "amplitude"),
        ({"pixels": [[1, 0]], "time_high": 0.0}, "time_high"),
    ]

    def make(self, detector, random):
        return Telegraph.random(
            detector.shape, fraction=1e-3, amplitude=(1.0, 20.0), seed=int(random.integers(1000))
        )

    def true_flags(self, effect, exposure):
        true = np.zeros(exposure.light.shape, bool)
        true[tuple(effect.pixels.T)] = True
        return true, true
