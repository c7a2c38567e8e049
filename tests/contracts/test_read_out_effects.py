"""The contract of noise and errors of the read-out."""

from __future__ import annotations

import numpy as np

from fullwell import Bias, Overscan
from fullwell.effects.bias_wander import BiasWander
from fullwell.effects.code_errors import CodeErrors
from fullwell.effects.correlated_noise import CorrelatedNoise
from fullwell.testing import EffectContract


class TestCorrelatedNoise(EffectContract):
    effect = CorrelatedNoise
    # Of 82 rows an amplifier the levels do not average out: the noise of the rows is small beside the rest.
    light_level = 3000.0
    impossible = [
        ({"rows": -1.0}, "rows"),
        ({"period": 0.0}, "period"),
        ({"common": 2.0}, "common"),
    ]

    def make(self, detector, random):
        number = len(detector.amplifiers)
        return CorrelatedNoise(
            rows=random.uniform(0.5, 2, number),
            slow=random.uniform(0.2, 1),
            banding=random.uniform(0.5, 3),
            period=random.uniform(10, 300),
            common=random.uniform(0, 1),
        )


class TestBiasWander(EffectContract):
    effect = BiasWander
    presets = ("lsst-itl", "lsst-e2v")
    impossible = [
        ({"ramp": float("inf")}, "ramp"),
        ({"ramp_length": 0.0}, "ramp_length"),
        ({"jump_rate": -1.0}, "jump_rate"),
    ]

    def make(self, detector, random):
        return BiasWander(
            ramp=random.uniform(1, 20),
            ramp_length=random.uniform(5, 20),
            droop=random.uniform(-10, 10),
            jump=random.uniform(0, 20),
            jump_rate=2.0,
        )

    def correcting(self, effect, detector):
        """Levels of rows go with the overscan, the ramp along them, always the same, with the bias."""
        ramp = effect.ramp * np.exp(-np.arange(detector.raw_shape[1]) / effect.ramp_length)
        structure = np.zeros(detector.shape, np.float32)
        for amplifier in detector.amplifiers:
            right = amplifier.read_out_corner[0]
            columns = amplifier.data.shape[1]
            first = 3 if "itl" in detector.name else detector.amplifiers[0].prescan.shape[1]
            along = ramp[first : first + columns]
            structure[amplifier.box.slices] = along[:: -1 if right else 1]
        chain = self.forward(effect, detector).without("bias", "bias_wander")
        return chain.with_(Overscan(method="row", skip=(3, 0)), Bias(0.0, structure=structure))


class TestCodeErrors(EffectContract):
    effect = CodeErrors
    light_level = 300.0
    impossible = [
        ({"widths": [1.0]}, "widths"),
        ({"widths": [1.0, 1.0], "first": -1}, "first"),
        ({"widths": [1.0, 1.0], "stuck_high": 2, "stuck_low": 2}, "stuck_high"),
    ]

    measurable = True

    def make(self, detector, random):
        return CodeErrors.random(12, scatter=random.uniform(0.05, 0.2), seed=int(random.integers(100)))

    def measure(self, effect, detector, *, noise):
        """The light falls from one side to the other, so that all codes are seen alike."""
        chain = self.forward(effect, detector)
        gain = np.mean(chain.get("gain").values)
        light = np.broadcast_to(np.linspace(0, 2500 * gain, detector.shape[1]), detector.shape)
        return CodeErrors.measure(self.exposures(chain, detector, light, [1.0] * 4, noise=noise))

    def observables(self, effect, detector):
        """Codes from 1200 to 3200, which all amplifiers see."""
        part = slice(1200 - effect.first, 3200 - effect.first)
        errors = effect.errors if len(effect.errors) else np.ones_like(effect.widths)
        return {"widths": (effect.widths[part], errors[part])}
