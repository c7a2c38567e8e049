"""The contract of what happens to light before it is counted, and of what the silicon remembers."""

from __future__ import annotations

import numpy as np

from fullwell import Flat, FrameSet
from fullwell.effects.fringes import Fringes
from fullwell.effects.illumination import Illumination
from fullwell.effects.persistence import Persistence
from fullwell.effects.shutter import Shutter
from fullwell.effects.smear import Smear
from fullwell.effects.xrays import XRays
from fullwell.noise import Noise
from fullwell.scene import Scene, Sky, Stars
from fullwell.testing import EffectContract


def sky_frames(chain, detector, *, level, noise, count=8, seconds=100.0):
    """Frames of the sky whose stars stand elsewhere in each."""
    frames = []
    for i in range(count):
        shot = Noise(noise.seed, noise.exposure + i)
        stars = Stars.random(15, shape=detector.shape, flux=(3, 300), seed=shot.exposure + 1, fwhm=3.0)
        scene = Scene([Sky(level), stars])
        frames.append(chain.expose(scene, seconds, detector=detector, noise=shot).frame)
    return frames


class TestShutter(EffectContract):
    effect = Shutter
    exposure_time = 1.0
    measurable = True
    impossible = [({"delay": np.array([1.0, 2.0])}, "delay"), ({"delay": float("nan")}, "delay")]

    def make(self, detector, random):
        if random.random() < 0.5:
            return Shutter.iris(detector.shape, travel=random.uniform(0.02, 0.1), offset=-0.01)
        return Shutter.curtain(detector.shape, skew=random.uniform(-0.05, 0.05))

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        light = np.full(detector.shape, 5000.0, np.float32)
        frames = self.exposures(chain, detector, light, [0.5] * 3 + [4.0] * 3, noise=noise)
        return Shutter.measure(FrameSet(frames), known=chain.without("shutter"))

    def observables(self, effect, detector):
        return {"delay": (effect.delay, np.sqrt(effect.variance))}


class TestFringes(EffectContract):
    effect = Fringes
    impossible = [
        ({"pattern": np.zeros(3)}, "pattern"),
        ({"pattern": np.zeros((3, 3)), "amplitude": -1.0}, "amplitude"),
        ({"pattern": np.zeros((3, 3)), "sky": float("nan")}, "sky"),
    ]
    measurable = True

    def make(self, detector, random):
        return Fringes.thin_film(
            detector.shape,
            seed=int(random.integers(1000)),
            visibility=random.uniform(0.03, 0.06),
            sky=self.light_level / self.exposure_time,
        )

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        frames = sky_frames(chain, detector, level=100.0, noise=noise)
        return Fringes.measure(FrameSet(frames), known=chain.without("fringes", "adc"))

    def observables(self, effect, detector):
        """In units of the sky; nothing is claimed where there was a star in all frames."""
        variance = np.broadcast_to(effect.variance, detector.shape)
        return {"pattern": (effect.pattern, np.sqrt(np.where(variance > 0, variance, np.nan)))}


class TestIllumination(EffectContract):
    effect = Illumination
    impossible = [({"pattern": np.zeros((3, 3))}, "pattern")]
    measurable = True

    def make(self, detector, random):
        y, x = (np.linspace(-1, 1, n) for n in detector.shape)
        slope = random.uniform(-0.05, 0.05, 2)
        return Illumination(1 + slope[0] * x + slope[1] * y[:, None])

    def correcting(self, effect, detector):
        """The flat of the lamp has the pattern in it."""
        return self.forward(effect, detector).with_(Flat(effect.pattern))

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        frames = sky_frames(chain, detector, level=100.0, noise=noise)
        known = chain.without("illumination", "adc").with_(Flat(effect.pattern))
        return Illumination.measure(FrameSet(frames), known=known, order=3)

    def observables(self, effect, detector):
        """A smooth surface of sixteen terms is known at sixteen places."""
        places = tuple(slice(n // 8, None, n // 4) for n in detector.shape)
        pattern = effect.pattern / np.median(effect.pattern)
        error = np.sqrt(np.broadcast_to(effect.variance, detector.shape))
        return {"pattern": (pattern[places], error[places])}


class TestSmear(EffectContract):
    effect = Smear
    impossible = [
        ({"row_time": -1.0}, "row_time"),
        ({"row_time": 1.0, "transfer": "sideways"}, "transfer"),
    ]
    measurable = True
    presets = ("lsst-itl", "lsst-e2v")  # with parallel overscan

    def make(self, detector, random):
        kind = ["frame", "read-out"][int(random.integers(2))]
        return Smear(random.uniform(1e-4, 1e-3), transfer=kind)

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        light = np.full(detector.shape, 5000.0, np.float32)
        frames = self.exposures(chain, detector, light, [2.0], noise=noise)
        return Smear.measure(frames, known=chain, transfer=effect.transfer)

    def observables(self, effect, detector):
        return {"row_time": (effect.row_time, effect.error or 1.0)}


class TestPersistence(EffectContract):
    effect = Persistence
    impossible = [
        ({"fraction": 1.5}, "fraction"),
        ({"time_constant": 0.0}, "time_constant"),
        ({"threshold": -1.0}, "threshold"),
        ({"capacity": -1.0}, "capacity"),
        ({"idle": float("nan")}, "idle"),
    ]
    measurable = True

    def make(self, detector, random):
        return Persistence(
            random.uniform(2e-3, 5e-3),
            random.uniform(100, 300),
            idle=5.0,
            trapped=random.uniform(0, 400, detector.shape).astype(np.float32),
        )

    def measure(self, effect, detector, *, noise):
        chain = self.forward(Persistence(effect.fraction, effect.time_constant, idle=effect.idle), detector)
        light = np.full(detector.shape, 6000.0, np.float32)
        memory, frames = {}, []
        for i, (source, seconds) in enumerate([(light, 10.0), *[(None, 60.0)] * 5]):
            shot = Noise(noise.seed, noise.exposure + i)
            exposure = chain.expose(source, seconds, detector=detector, memory=memory, noise=shot)
            memory = exposure.memory
            frames.append(exposure.frame)
        return Persistence.measure(FrameSet(frames), known=chain.without("persistence"), idle=effect.idle)

    def observables(self, effect, detector):
        errors = effect.errors or (1.0, 1.0)
        return {
            "fraction": (effect.fraction, errors[0]),
            "time_constant": (effect.time_constant, errors[1]),
        }


class TestXRays(EffectContract):
    effect = XRays
    impossible = [({"rate": -1.0}, "rate"), ({"rate": 1.0, "sigma": 99.0}, "sigma")]

    def make(self, detector, random):
        return XRays(random.uniform(1, 3), random.uniform(0.2, 0.6))

    def truth(self, effect, exposure):
        """Hits are signal, not noise: what they added is part of the truth."""
        from fullwell.effects import Signal

        detector = exposure.frame.detector
        hits = Signal(np.zeros(detector.shape, np.float32), detector, self.exposure_time, self.exposure_time)
        effect.simulate(hits, noise=Noise(7))
        return exposure.light + hits.image
