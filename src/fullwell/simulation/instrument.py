"""The detector of a scenario, and its effects as one signal chain a filter."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.chain import SignalChain
from fullwell.detector import Detector
from fullwell.detector.presets import load_detector
from fullwell.effects.adc import ADC
from fullwell.effects.base import Effect
from fullwell.effects.bias import Bias
from fullwell.effects.cosmic_rays import CosmicRays
from fullwell.effects.dark import Dark
from fullwell.effects.flat import Flat
from fullwell.effects.gain import Gain
from fullwell.effects.read_noise import ReadNoise
from fullwell.effects.shot_noise import ShotNoise
from fullwell.scene import Lamp, Scene, Sky, Source, Stars
from fullwell.simulation.maps import bias_structure, dark_rate, flat_response
from fullwell.simulation.scenario import DetectorTable, Scenario
from fullwell.simulation.schedule import Shot

__all__ = ["Instrument", "detector_of"]

#: Pixels of star field around the frame, beyond the dither, so that wings come in from outside.
FIELD_MARGIN = 10.0


@attrs.frozen(eq=False)
class Instrument:
    """All that is the same in every exposure of a scenario.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    detector : Detector
    bias : ndarray of float32 or None
        Structure on top of the level, ADU.
    dark : ndarray of float32
        Rate, e-/s.
    flats : dict of str to ndarray of float32
        Response by filter.
    stars : Stars or None
        The field before dithering.
    """

    scenario: Scenario
    seed: int
    detector: Detector
    bias: npt.NDArray[np.float32] | None
    dark: npt.NDArray[np.float32]
    flats: dict[str, npt.NDArray[np.float32]]
    stars: Stars | None

    @classmethod
    def build(cls, scenario: Scenario, *, seed: int) -> Instrument:
        """Draw the maps of a scenario.

        Raises
        ------
        ParameterError, ConfigError
            If a value is impossible.
        """
        detector = detector_of(scenario.detector)
        shape = detector.shape
        stars = None
        if scenario.stars is not None:
            dither = max(entry.dither for entry in scenario.sequence)
            table = scenario.stars.model_dump()
            stars = Stars.random(**table, shape=shape, seed=seed, margin=FIELD_MARGIN + dither)
        return cls(
            scenario=scenario,
            seed=seed,
            detector=detector,
            bias=bias_structure(scenario.bias, shape, seed=seed),
            dark=dark_rate(scenario.dark, shape, seed=seed),
            flats={
                name: flat_response(table, shape, name=name, seed=seed)
                for name, table in scenario.flat.items()
            },
            stars=stars,
        )

    def chain(self, shot: Shot) -> SignalChain:
        """Return the effects that act on this exposure."""
        tables, detector = self.scenario, self.detector
        effects: list[Effect] = [
            ShotNoise(),
            Dark(rate=self.dark, offset=tables.dark.offset, dead_time=tables.dark.dead_time),
            ReadNoise([amplifier.read_noise or 0.0 for amplifier in detector.amplifiers]),
            Gain([amplifier.gain or 1.0 for amplifier in detector.amplifiers]),
            Bias(level=tables.bias.level, structure=self.bias, drift=tables.bias.drift),
            ADC(bits=detector.adc_bits),
        ]
        flat = self.flats.get(shot.entry.filter or "")
        if flat is not None:
            effects.append(Flat(flat, filter=shot.entry.filter or ""))
        if tables.cosmic_rays is not None:
            effects.append(CosmicRays(rate=tables.cosmic_rays.rate, depth=tables.cosmic_rays.depth))
        return SignalChain(effects)

    def scene(self, shot: Shot) -> Scene | None:
        """Return what shines in this exposure; None for a closed shutter."""
        if shot.entry.type == "flat":
            return Scene([Lamp(shot.entry.lamp)])
        if shot.entry.type != "light":
            return None
        parts: list[Source] = []
        sky = self.scenario.sky.get(shot.entry.filter or "")
        if sky is not None:
            parts.append(Sky(sky.level, gradient=sky.gradient))
        if self.stars is not None:
            parts.append(self.stars.shifted(*shot.dither))
        return Scene(parts)


def detector_of(table: DetectorTable) -> Detector:
    """Return the detector that a table describes.

    Raises
    ------
    ParameterError
        If there is no preset of that name, or a value is impossible.
    """
    if table.preset is None:
        detector = Detector.single(
            table.shape or (1, 1),
            gain=table.gain,
            read_noise=table.read_noise,
            overscan=table.overscan,
            prescan=table.prescan,
            parallel=table.parallel,
        )
    else:
        detector = load_detector(table.preset)
        own = _given(table, "gain", "read_noise")
        amplifiers = tuple(attrs.evolve(amplifier, **own) for amplifier in detector.amplifiers)
        detector = attrs.evolve(detector, amplifiers=amplifiers)
    return attrs.evolve(detector, **_given(table, "name", "adc_bits", "pixel_size"))


def _given(table: DetectorTable, *names: str) -> dict[str, Any]:
    return {name: getattr(table, name) for name in names if getattr(table, name) is not None}
