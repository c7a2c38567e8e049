"""The contract of what charge does in the silicon: it spreads, pushes more of it away, runs over."""

from __future__ import annotations

import numpy as np
from astropy import units as u

from fullwell import Bias, Gain, SignalChain
from fullwell.effects import Signal
from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.effects.brighter_fatter_boundaries import model_coefficients
from fullwell.effects.diffusion import Diffusion
from fullwell.effects.full_well import FullWell
from fullwell.frame import Frame
from fullwell.noise import Noise
from fullwell.testing import EffectContract


def spots(detector, *, peak, width, spacing):
    """A grid of round spots."""
    y, x = (np.abs((np.arange(n) + 0.5) % spacing - spacing / 2) for n in detector.shape)
    return (peak * np.exp(-0.5 * (y[:, None] ** 2 + x**2) / width**2)).astype(np.float32)


def gains(detector):
    return [amplifier.gain or 1.5 for amplifier in detector.amplifiers]


class TestDiffusion(EffectContract):
    """It is stated, not undone: what is left holds the light as it was spread."""

    effect = Diffusion
    conserves_charge = True
    measurable = True
    impossible = [
        ({"sigma": -0.1}, "sigma"),
        ({"sigma": float("nan")}, "sigma"),
        ({"sigma": 0.3, "absorption": -1.0}, "absorption"),
    ]

    def make(self, detector, random):
        return Diffusion(random.uniform(0.3, 0.8), absorption=random.uniform(0, 1))

    def light(self, detector):
        return super().light(detector) + spots(detector, peak=2000.0, width=1.5, spacing=20)

    def truth(self, effect, exposure):
        detector = exposure.frame.detector
        signal = Signal(exposure.light.copy(), detector, self.exposure_time, self.exposure_time)
        effect.simulate(signal, noise=Noise(7))
        return signal.image

    def measure(self, effect, detector, *, noise):
        """Clouds of X-rays that go the whole way; their electrons diffuse one by one."""
        random = np.random.default_rng([noise.seed, noise.exposure])
        image = random.normal(0, 5.0, detector.shape)
        for place in random.uniform(10, np.array(detector.shape) - 10, (400, 2)):
            electrons = random.normal(place[:, None], effect.sigma, (2, int(random.normal(1620, 14))))
            np.add.at(image, tuple(np.rint(electrons).astype(int)), 1)
        frame = Frame(image.astype(np.float32), unit=u.electron)
        return Diffusion.measure([frame], noise=noise)

    def observables(self, effect, detector):
        return {"sigma": (effect.sigma, effect.sigma_error)}


class TestBrighterFatter(EffectContract):
    effect = BrighterFatter
    presets = ("lsst-itl", "lsst-e2v")
    # As bright as the correction has to be good for.
    light_level = 50_000.0
    conserves_charge = True
    # Up to eight pixels around see less than they should, but none is missing.
    spoiled_by_nan = 1
    measurable = True
    impossible = [
        ({"a": [[1e-6, -1e-7], [-1e-7, 0.0]]}, "a[0, 0]"),
        ({"a": np.full((2, 2), -1e-6)}, "sum of a"),
        ({"a": np.zeros((2, 3))}, "a"),
        ({"a": model_coefficients(-1e-6), "increments": 1}, "increments"),
        ({"a": model_coefficients(-1e-6), "iterations": 0}, "iterations"),
    ]

    def make(self, detector, random):
        a = model_coefficients(random.uniform(-3.5e-6, -1.5e-6), size=5, anisotropy=random.uniform(1.5, 4.0))
        return BrighterFatter(a)

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        times = np.repeat([0.5, 10.0, 20.0, 30.0, 40.0], 2)
        light = np.full(detector.shape, 1000.0, np.float32)
        frames = self.exposures(chain, detector, light, times, noise=noise)
        known = SignalChain([chain.get("bias")])
        return BrighterFatter.measure(frames, known=known, lags=5, model="full-no-b")

    def observables(self, effect, detector):
        return {"a": (effect.a, effect.a_error)}


class TestFullWell(EffectContract):
    effect = FullWell
    presets = ("lsst-itl", "lsst-e2v")
    conserves_charge = True
    brightest = 5e5
    # One more pixel at each end of a trail is flagged: the last of the charge came to rest there.
    purity = 0.9
    measurable = True
    impossible = [
        ({"capacity": -1.0}, "capacity"),
        ({"capacity": 100.0, "onset": 120.0}, "onset"),
        ({"capacity": 100.0, "sharing": 0.3}, "sharing"),
        ({"capacity": 100.0, "anti_blooming": 1.5}, "anti_blooming"),
        ({"capacity": 100.0, "trail": 0}, "trail"),
    ]

    def make(self, detector, random):
        number = len(detector.amplifiers)
        capacity = random.uniform(150e3, 180e3, number)
        effect = FullWell(
            tuple(capacity), tuple(capacity * random.uniform(0.7, 0.75)), midline_stop=random.random() < 0.5
        )
        return effect.in_adu(gain=gains(detector), bias=1000.0)

    def light(self, detector):
        return super().light(detector) + spots(detector, peak=1e5, width=1.5, spacing=40)

    def true_flags(self, effect, exposure):
        true = np.zeros(exposure.light.shape, bool)
        for name in ("saturated", "bleed"):
            true.ravel()[exposure.truth["full_well"][name]] = True
        return true, true

    def found_flags(self, effect, flags):
        from fullwell.flags import Flags, mask_of

        return mask_of(flags, bad=Flags.SATURATED | Flags.BLEED)

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        times = np.repeat(np.concatenate([np.linspace(5, 80, 8), np.arange(85, 196, 3)]), 2)
        light = np.full(detector.shape, 1000.0, np.float32)
        frames = self.exposures(chain, detector, light, times, noise=noise)
        return FullWell.measure(frames, known=SignalChain([Bias(1000.0), Gain(gains(detector))]))

    def observables(self, effect, detector):
        return {
            "capacity": (np.array(effect.capacity), np.array(effect.capacity_error)),
            "onset": (np.array(effect.onset), np.array(effect.onset_error)),
        }
