"""A whole detector with everything in it, from what its preset states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell import features
from fullwell.detector import Detector
from fullwell.effects import (
    ADC,
    Bias,
    ChargeTransfer,
    CorrelatedNoise,
    CosmicRays,
    Crosstalk,
    Dark,
    DarkCurrent,
    Effect,
    FullWell,
    Gain,
    NonLinearity,
    Polynomial,
    ReadNoise,
    ShotNoise,
)
from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.effects.dark_law import DarkLaw
from fullwell.effects.silicon import depletion_term, diffusion_term, kelvin
from fullwell.noise import FIXED_PATTERN, Noise

__all__ = ["effects_of"]

Table = dict[str, Any]
Maker = Callable[[Detector, Table, int, float], Effect]


def effects_of(detector: Detector, *, seed: int, wavelength: u.Quantity | float = 620.0) -> list[Effect]:
    """Return the effects that a detector's defaults state, maps drawn from `seed`.

    Parameters
    ----------
    detector : Detector
        Gain, read noise and ADC are always there; what `Detector.defaults` does not name is left out.
    seed : int
        The same seed gives the same maps.
    wavelength : Quantity or float
        Nanometers, for the response to light.
    """
    amplifiers = detector.amplifiers
    nanometers = float(u.Quantity(wavelength, u.nm).value)
    effects: list[Effect] = [
        ShotNoise(),
        ReadNoise([amplifier.read_noise or 0.0 for amplifier in amplifiers]),
        Gain([amplifier.gain or 1.0 for amplifier in amplifiers]),
        ADC(bits=detector.adc_bits),
    ]
    for name, make in _MAKERS.items():
        if name in detector.defaults:
            effects.append(make(detector, detector.defaults[name], seed, nanometers))
    return effects


def _response(detector: Detector, table: Table, seed: int, nanometers: float) -> Effect:
    parts: list[features.Feature] = [features.PixelResponse(table.get("scatter", 0.0), seed=seed)]
    if table.get("vignetting"):
        parts.append(features.Vignetting(table["vignetting"]))
    parts += [getattr(features, name)() for name in table.get("features", ())]
    return features.response_of(parts, detector, wavelength=nanometers)


def _dark(detector: Detector, table: Table, seed: int, _: float) -> Effect:
    """Pixels scatter by a third about the typical rate, hot ones by their factor; a temperature gives the law.

    The rate of the file is that of the typical pixel; diffusion current has a part of it and no scatter.
    """
    shape, rate = detector.shape, table["rate"]
    diffusion = rate * table.get("diffusion", 0.0)
    stream = Noise(seed, FIXED_PATTERN).stream("dark")
    image = (rate - diffusion) * np.exp(table.get("spread", 0.3) * stream.normal(shape).astype(np.float64))
    image += diffusion
    hot = np.argwhere(stream.uniform(shape, draw=1) < table.get("hot_fraction", 1e-5))
    factor = table.get("hot_factor", 1e3) * (0.5 + stream.uniform(shape, draw=2))
    excess = factor[tuple(hot.T)] * rate - image[tuple(hot.T)]
    image[tuple(hot.T)] += excess
    temperature = table.get("temperature")
    if temperature is None:
        return Dark(rate=image.astype(np.float32))
    t = kelvin(temperature * u.deg_C)
    typical = DarkCurrent((rate - diffusion) / depletion_term(t), diffusion / diffusion_term(t))
    energy = np.interp(
        stream.uniform(shape, draw=3)[tuple(hot.T)], (0, 1), table.get("hot_energy", (0.45, 0.7))
    )
    law = DarkLaw(typical, t, hot, excess, energy)
    return Dark(rate=image.astype(np.float32), temperature=t, law=law)


def _bias(detector: Detector, table: Table, _: int, __: float) -> Effect:
    drift = detector.defaults.get("read_out", {}).get("drift", 0.0)
    return Bias(table["level"], drift=drift)


def _full_well(detector: Detector, _: Table, __: int, ___: float) -> Effect:
    level = detector.defaults.get("bias", {}).get("level", 0.0)
    gain = [amplifier.gain or 1.0 for amplifier in detector.amplifiers]
    return FullWell.of(detector).in_adu(gain=gain, bias=level)


def _transfer(_: Detector, table: Table, __: int, ___: float) -> Effect:
    return ChargeTransfer(
        table["serial"],
        table["parallel"],
        offset=table.get("offset", 0.0),
        offset_decay=table.get("offset_decay", 5.0),
    )


def _nonlinearity(detector: Detector, table: Table, _: int, __: float) -> Effect:
    capacity = float(np.max(detector.defaults["full_well"]["capacity"]))
    return NonLinearity(Polynomial([-table["bend"] / capacity], limit=1.5 * capacity))


def _crosstalk(detector: Detector, table: Table, _: int, __: float) -> Effect:
    """Amplifiers that are read out side by side in one half of the detector talk to each other."""
    number = len(detector.amplifiers)
    matrix: npt.NDArray[np.float64] = np.zeros((number, number))
    halves: dict[int, list[int]] = {}
    for i, amplifier in enumerate(detector.amplifiers):
        halves.setdefault(amplifier.box.y0, []).append(i)
    for members in halves.values():
        order = sorted(members, key=lambda i: detector.amplifiers[i].box.x0)
        for a, i in enumerate(order):
            for b, j in enumerate(order):
                if i != j:
                    matrix[i, j] = table["neighbor"] * table["falloff"] ** (abs(a - b) - 1)
    return Crosstalk(matrix)


def _read_out(_: Detector, table: Table, __: int, ___: float) -> Effect:
    return CorrelatedNoise(rows=table.get("rows", 0.0), common=table.get("common", 0.0))


_MAKERS: dict[str, Maker] = {
    "response": _response,
    "brighter_fatter": lambda detector, _, __, ___: BrighterFatter.of(detector),
    "dark": _dark,
    "cosmic_rays": lambda _, table, __, ___: CosmicRays(rate=table["rate"], depth=table["depth"]),
    "full_well": _full_well,
    "cti": _transfer,
    "nonlinearity": _nonlinearity,
    "read_out": _read_out,
    "crosstalk": _crosstalk,
    "bias": _bias,
}
