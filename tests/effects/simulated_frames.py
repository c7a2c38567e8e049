"""Frames with known truth for the tests of effects."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy import units as u

from fullwell import ADC, Bias, Detector, Noise, ReadNoise, SignalChain
from fullwell.detector import Amplifier, Box
from fullwell.effects import Signal
from fullwell.frame import Frame

SHAPE = (100, 120)


def signal(
    value: Any = 0.0, *, detector: Detector | None = None, seconds: float = 1.0, **fields: Any
) -> Signal:
    """A signal of photo-electrons on its way."""
    detector = detector or Detector.single(SHAPE)
    image = np.broadcast_to(np.asarray(value, np.float32), detector.shape).copy()
    return Signal(image, detector, seconds, seconds, **fields)


def expose(
    chain: SignalChain, n: int, *, light: Any = None, seconds: float = 0.0, seed: int = 1, **options: Any
):
    """Raw frames of `n` exposures with numbers of their own."""
    detector = options.pop("detector", None) or Detector.single(SHAPE)
    return [
        chain.expose(light, seconds, detector=detector, noise=Noise(seed, i), **options).frame
        for i in range(n)
    ]


def camera(*effects: Any, read_noise: float = 8.0, level: float = 1000.0, bits: int = 16) -> SignalChain:
    """Read noise, bias and converter, and what is given on top."""
    return SignalChain([ReadNoise(read_noise), Bias(level), ADC(bits), *effects])


def adu(value: Any, *, shape: tuple[int, int] = SHAPE, **fields: Any) -> Frame:
    """A constant frame in ADU."""
    return Frame(np.full(shape, value, np.float32), unit=u.adu, **fields)


def electrons(value: Any, *, shape: tuple[int, int] = SHAPE, **fields: Any) -> Frame:
    """A constant frame in electrons."""
    return Frame(np.full(shape, value, np.float32), unit=u.electron, **fields)


def two_amplifiers(*, overscan: int = 16, rows: int = 100, parallel: int = 0, **second: Any) -> Detector:
    """Two amplifiers of 60 columns beside each other; the second reads out backwards."""
    width = 60 + overscan
    amplifiers = []
    for i, name in enumerate("LR"):
        x = i * width
        amplifiers.append(
            Amplifier(
                name,
                box=Box(60 * i, 60 * i + 60, 0, rows),
                data=Box(x, x + 60, 0, rows),
                raw=Box(x, x + width, 0, rows + parallel),
                overscan=Box(x + 60, x + width, 0, rows),
                parallel=Box(x, x + 60, rows, rows + parallel) if parallel else None,
                flip_x=bool(i),
                **(second if i else {}),
            )
        )
    return Detector("two", (rows, 120), (rows + parallel, 2 * width), tuple(amplifiers))
