"""The contract of what moves charge between pixels before it is read out."""

from __future__ import annotations

import numpy as np

from fullwell import Bias, FrameSet
from fullwell.chain import SignalChain
from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.effects.brighter_fatter_boundaries import model_coefficients
from fullwell.effects.diffusion import Diffusion
from fullwell.effects.pixel_area import Boundaries, PixelArea
from fullwell.noise import Noise
from fullwell.testing import EffectContract


class TestBrighterFatter(EffectContract):
    effect = BrighterFatter
    light_level = 50_000.0
    conserves_charge = True
    measurable = True
    impossible = [
        ({"a": np.zeros((3, 3))}, "a[0, 0]"),
        ({"a": -np.eye(3) * 1e-6}, "sum of a over all lags"),
        ({"a": model_coefficients(-1e-6), "increments": 3}, "increments"),
    ]

    def make(self, detector, random):
        return BrighterFatter(
            model_coefficients(-random.uniform(1.5e-6, 3.5e-6), size=3, anisotropy=random.uniform(1.5, 3.5))
        )

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        frames = [
            chain.expose(
                np.full(detector.shape, 1000, np.float32), seconds, detector=detector,
                noise=Noise(noise.seed, noise.exposure + k),
            ).frame
            for k, seconds in enumerate(np.repeat([0, 10, 30, 50, 70], 2))
        ]  # fmt: skip
        known = SignalChain([Bias(1000.0)])
        return BrighterFatter.measure(FrameSet(frames), known=known, lags=3, model="full-no-b")

    def observables(self, effect, detector):
        error = np.ones_like(effect.a) if effect.a_error is None else effect.a_error
        return {"a": (effect.a, error)}


class TestDiffusion(EffectContract):
    effect = Diffusion
    conserves_charge = True
    impossible = [
        ({"sigma": -0.1}, "sigma"),
        ({"sigma": float("nan")}, "sigma"),
        ({"sigma": 0.5, "absorption": -1.0}, "absorption"),
    ]

    def make(self, detector, random):
        return Diffusion(random.uniform(0.2, 1.5), absorption=random.uniform(0, 2))


class TestPixelArea(EffectContract):
    effect = PixelArea
    conserves_charge = True
    impossible = [
        ({"boundaries": None}, "boundaries"),
    ]

    def make(self, detector, random):
        rows, columns = np.indices(detector.shape)
        wave = np.cos(rows / random.uniform(4, 9) + columns / random.uniform(4, 9))
        return PixelArea(Boundaries.from_area(1 + random.uniform(0.01, 0.05) * wave))

    def truth(self, effect, exposure):
        """It is stated, not corrected."""
        return exposure.light * effect.boundaries.area
