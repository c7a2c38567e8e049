"""The contract of charge transfer."""

from __future__ import annotations

import numpy as np

from fullwell import FrameSet
from fullwell.effects.charge_trails import Trap
from fullwell.effects.charge_transfer import ChargeTransfer
from fullwell.testing import EffectContract


class TestChargeTransfer(EffectContract):
    effect = ChargeTransfer
    presets = ("lsst-itl", "lsst-e2v")
    light_level = 20_000.0
    conserves_charge = True
    measurable = True
    impossible = [
        ({"serial": -1e-6}, "serial"),
        ({"parallel": 0.5}, "parallel"),
        ({"offset": float("nan")}, "offset"),
        ({"offset_decay": 0.0}, "offset_decay"),
    ]

    def make(self, detector, random):
        number = len(detector.amplifiers)
        return ChargeTransfer(
            serial=random.uniform(1e-6, 5e-5, number),
            parallel=random.uniform(1e-6, 5e-5, number),
            traps=[Trap(20, 50.0, 0.002, 3.0)],
        )

    def measure(self, effect, detector, *, noise):
        plain = ChargeTransfer(serial=effect.serial, parallel=effect.parallel)
        chain = self.forward(plain, detector)
        times = [3 * self.exposure_time] * 4
        frames = self.exposures(chain, detector, self.light(detector), times, noise=noise)
        return ChargeTransfer.measure(FrameSet(frames))

    def observables(self, effect, detector):
        return {
            "serial": (np.asarray(effect.serial), np.asarray(effect.serial_error)),
            "parallel": (np.asarray(effect.parallel), np.asarray(effect.parallel_error)),
        }
