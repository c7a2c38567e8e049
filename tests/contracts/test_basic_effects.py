"""The contract of the effects that every CCD has."""

from __future__ import annotations

import numpy as np

from fullwell import (
    ADC,
    Bias,
    CosmicRays,
    Dark,
    Defects,
    Flat,
    FrameSet,
    Gain,
    Overscan,
    ReadNoise,
    ShotNoise,
)
from fullwell.chain import SignalChain
from fullwell.effects import Signal
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.noise import Noise
from fullwell.testing import EffectContract


def amplifiers(detector):
    return len(detector.amplifiers)


class TestGain(EffectContract):
    effect = Gain
    impossible = [
        ({"values": 0.0}, "values"),
        ({"values": [1.0, -2.0]}, "values"),
        ({"values": []}, "values"),
        ({"values": float("nan")}, "values"),
    ]
    measurable = True

    def make(self, detector, random):
        return Gain(random.uniform(0.8, 2.5, amplifiers(detector)))

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        times = np.repeat([0.0, 1.0, 5.0, 10.0, 20.0, 30.0], 2)
        light = np.full(detector.shape, 1000.0, np.float32)
        frames = self.exposures(chain, detector, light, times, noise=noise)
        known = SignalChain([chain.get("bias")])
        return Gain.measure(FrameSet(frames), known=known, model="quadratic")

    def observables(self, effect, detector):
        return {"values": (np.array(effect.values), np.array(effect.errors))}


class TestReadNoise(EffectContract):
    effect = ReadNoise
    impossible = [({"values": -1.0}, "values"), ({"values": float("inf")}, "values")]
    measurable = True

    def make(self, detector, random):
        return ReadNoise(random.uniform(3, 12, amplifiers(detector)))

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        frames = self.exposures(chain, detector, None, [0.0] * 4, noise=noise)
        return ReadNoise.measure(FrameSet(frames), known=SignalChain([chain.get("bias"), chain.get("gain")]))

    def observables(self, effect, detector):
        """What is measured on whole numbers holds the noise of rounding."""
        rounding = 0.0
        if not effect.digitized:
            rounding = np.array(self.companions(effect, detector)[2].values) / np.sqrt(12)
        return {"values": (np.hypot(effect.values, rounding), np.array(effect.errors))}


class TestShotNoise(EffectContract):
    effect = ShotNoise

    def make(self, detector, random):
        return ShotNoise()


class TestADC(EffectContract):
    effect = ADC
    impossible = [
        ({"bits": 4}, "bits"),
        ({"bits": 16.5}, "bits"),
        ({"shift": 40}, "shift"),
        ({"saturation": -1.0}, "saturation"),
        ({"dither": -1}, "dither"),
    ]
    light_level = 30.0  # so that a step of four ADU matters

    def make(self, detector, random):
        return ADC(
            bits=detector.adc_bits, shift=int(random.integers(0, 3)), dither=5 if random.integers(2) else None
        )


class TestBias(EffectContract):
    effect = Bias
    impossible = [({"level": float("nan")}, "level"), ({"drift": -1.0}, "drift")]
    measurable = True

    def make(self, detector, random):
        structure = random.normal(0, 4, detector.shape).astype(np.float32)
        return Bias(random.uniform(500, 2000, amplifiers(detector)), structure=structure)

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        return Bias.measure(FrameSet(self.exposures(chain, detector, None, [0.0] * 9, noise=noise)))

    def observables(self, effect, detector):
        image = effect.image(_frame_of(detector))
        return {"pixels": (image, np.sqrt(effect.variance))}


class TestDark(EffectContract):
    effect = Dark
    exposure_time = 100.0
    impossible = [({"rate": float("nan")}, "rate"), ({"offset": float("inf")}, "offset")]
    measurable = True

    def make(self, detector, random):
        rate = random.gamma(2.0, 0.5, detector.shape).astype(np.float32)
        return Dark(rate=rate, offset=random.uniform(0, 5))

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        times = [0.0] * 30 + [100.0] * 6 + [400.0] * 6
        frames = self.exposures(chain, detector, None, times, noise=noise)
        bias = Bias.measure(FrameSet(frames[:30]))
        gain = chain.get("gain")
        return Dark.measure(FrameSet(frames[30:]), known=SignalChain([bias, gain, chain.get("read_noise")]))

    def observables(self, effect, detector):
        if not effect.levels:
            return {
                "rate": (effect.rate, None),
                "offset": (np.broadcast_to(effect.offset, detector.shape), None),
            }
        return {
            "rate": (effect.rate, _line_errors(effect)[0]),
            "offset": (effect.offset, _line_errors(effect)[1]),
        }


class TestFlat(EffectContract):
    effect = Flat
    impossible = [({"response": np.zeros(3)}, "response")]
    light_level = 5000.0
    measurable = True

    def make(self, detector, random):
        response = (1 + 0.05 * random.normal(size=detector.shape)).astype(np.float32)
        return Flat(response / np.median(response))

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        bias = chain.get("bias")
        frames = self.exposures(chain, detector, self.light(detector), [40.0] * 8, noise=noise)
        return Flat.measure(
            FrameSet(frames), known=SignalChain([bias, chain.get("gain"), chain.get("read_noise")])
        )

    def observables(self, effect, detector):
        return {"response": (effect.response, np.sqrt(effect.variance))}


class TestDefects(EffectContract):
    effect = Defects
    impossible = [
        ({"flags": np.zeros((3, 3), np.int64)}, "flags"),
        ({"flags": np.zeros((0, 3), FLAG_DTYPE)}, "flags"),
        ({"flags": np.zeros((3, 3), FLAG_DTYPE), "size": 4}, "size"),
        ({"flags": np.zeros((3, 3), FLAG_DTYPE), "throughput": np.full((3, 3), 1.5)}, "throughput"),
        ({"flags": np.zeros((3, 3), FLAG_DTYPE), "traps": [(3, 0, 10.0)]}, "traps"),
    ]
    completeness = purity = 1.0

    def make(self, detector, random):
        flags = np.zeros(detector.shape, FLAG_DTYPE)
        flags[random.random(detector.shape) < 1e-3] |= FLAG_DTYPE.type(Flags.DEAD)
        flags[:, random.integers(detector.shape[1])] |= FLAG_DTYPE.type(Flags.BAD)
        return Defects(flags, interpolate=bool(random.integers(2)))

    def true_flags(self, effect, exposure):
        return effect.flags != 0, effect.flags != 0


class TestCosmicRays(EffectContract):
    effect = CosmicRays
    impossible = [
        ({"rate": -1.0}, "rate"),
        ({"neighbors": 7.0}, "neighbors"),
        ({"depth": float("nan")}, "depth"),
    ]
    exposure_time = 1200.0
    light_level = 30.0
    # In tracks along a row or a column every pixel has neighbors as bright as itself.
    completeness = 0.93
    # Neighbors of a hit count from 1.5 sigma on, and some of them are noise.
    purity = 0.9
    measurable = True

    def make(self, detector, random):
        return CosmicRays(rate=random.uniform(20, 60))

    def true_flags(self, effect, exposure):
        """Ends of tracks sink into the noise: only what stands out of it is asked for."""
        detector = exposure.frame.detector
        deposit = Signal(
            np.zeros(detector.shape, np.float32), detector, self.exposure_time, self.exposure_time
        )
        effect.simulate(deposit, noise=Noise(7))
        np.testing.assert_array_equal(deposit.truth["cosmic_rays"], exposure.truth["cosmic_rays"])
        return deposit.image > 10 * np.sqrt(self.light_level + 13.0**2), exposure.truth["cosmic_rays"]

    def measure(self, effect, detector, *, noise):
        chain = self.forward(effect, detector)
        frames = self.exposures(chain, detector, None, [self.exposure_time / 4], noise=noise)
        return CosmicRays.measure(frames, known=chain.without("cosmic_rays"))

    def observables(self, effect, detector):
        return {"rate": (effect.rate, effect.rate_error)}


class TestOverscan(EffectContract):
    effect = Overscan
    presets = ("lsst-itl", "lsst-e2v")
    impossible = [({"method": "guess"}, "method"), ({"order": 99}, "order"), ({"clip": 0}, "clip")]

    def make(self, detector, random):
        return Overscan(method=["mean", "row"][int(random.integers(2))])

    def correcting(self, effect, detector):
        return self.forward(effect, detector).without("bias")


def _frame_of(detector):
    from fullwell.frame import Frame

    return Frame(np.zeros(detector.shape, np.float32), detector=detector.without_scans())


def _line_errors(dark):
    """Errors of slope and intercept of the line through two levels."""
    (one, two) = dark.levels
    span = two.time - one.time
    rate = np.sqrt(one.variance + two.variance) / span
    offset = np.sqrt((two.time / span) ** 2 * one.variance + (one.time / span) ** 2 * two.variance)
    return rate, offset
