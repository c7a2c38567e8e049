"""The contract of what the electronics do to a signal: they bend it, and let it leak."""

from __future__ import annotations

import numpy as np

from fullwell import Crosstalk, NonLinearity
from fullwell.effects.curves import Polynomial
from fullwell.noise import Noise
from fullwell.testing import EffectContract

LIMIT = 150_000.0


class TestNonLinearity(EffectContract):
    effect = NonLinearity
    light_level = 40_000.0
    measurable = True
    impossible = [({"curves": ()}, "curves"), ({"curves": 3.0}, "curves")]

    def make(self, detector, random):
        curves = [
            Polynomial((random.uniform(-3e-7, 3e-7), random.uniform(-5e-13, 5e-13)), limit=LIMIT)
            for _ in detector.amplifiers
        ]
        return NonLinearity(curves)

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        light = np.full(detector.shape, 10_000.0, np.float32)
        frames = self.exposures(chain, detector, light, np.linspace(0.5, 8.0, 10), noise=noise)
        known = chain.without("nonlinearity", "shot_noise", "adc")
        return NonLinearity.measure(frames, known=known, lamp_scatter=0.0, maximum=1e6)

    def observables(self, effect, detector):
        values = np.array([curve.coefficients for curve in effect.curves])
        errors = np.array(effect.errors or np.ones_like(values))
        return {"square": (values[:, 0], errors[:, 0]), "cube": (values[:, 1], errors[:, 1])}


class TestCrosstalk(EffectContract):
    effect = Crosstalk
    presets = ("lsst-itl", "lsst-e2v")
    measurable = True
    # The pixels that other amplifiers read at that time miss the ghost that nobody knows.
    spoiled_by_nan = 1
    impossible = [
        ({"coefficients": np.zeros((2, 3))}, "coefficients"),
        ({"coefficients": np.eye(2)}, "diagonal of coefficients"),
        ({"coefficients": [[0.0, 1.5], [0.0, 0.0]]}, "coefficients"),
        ({"coefficients": np.zeros((2, 2)), "threshold": 0.0}, "threshold"),
    ]

    def make(self, detector, random):
        number = len(detector.amplifiers)
        matrices = [size * random.normal(size=(number, number)) for size in (3e-4, 1e-10)]
        for matrix in matrices:
            np.fill_diagonal(matrix, 0.0)
        return Crosstalk(matrices[0], quadratic=matrices[1])

    def light(self, detector):
        """A spot of 100 000 electrons in every third amplifier."""
        image = super().light(detector)
        for amplifier in detector.amplifiers[::3]:
            image += spot_in(amplifier.box, detector.shape, 1e5 / self.exposure_time)
        return image

    def measure(self, effect, detector, *, noise):
        linear = Crosstalk(effect.coefficients)
        chain = self.forward(linear, detector)
        frames = [
            chain.expose(
                100.0 + spot_in(amplifier.box, detector.shape, 1e5), 1.0, detector=detector,
                noise=Noise(noise.seed, noise.exposure + i),
            ).frame
            for i, amplifier in enumerate(detector.amplifiers)
        ]  # fmt: skip
        known = chain.without("crosstalk", "shot_noise", "adc")
        return Crosstalk.measure(frames, known=known, bright=5000.0)

    def observables(self, effect, detector):
        number = len(detector.amplifiers)
        error = np.ones((number, number)) if effect.errors is None else effect.errors
        return {"coefficients": (effect.coefficients, np.where(np.eye(number, dtype=bool), np.nan, error))}


def spot_in(box, shape, peak):
    """A round spot off the middle of an amplifier, so that mirrored ones do not meet."""
    y, x = np.indices(shape, dtype=np.float32)
    cx, cy = 0.45 * box.x0 + 0.55 * box.x1, 0.55 * box.y0 + 0.45 * box.y1
    return (peak * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 6.0**2))).astype(np.float32)
