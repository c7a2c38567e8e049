"""The detector of a scenario, its effects as a signal chain, and what shines on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.chain import SignalChain
from fullwell.chain.effects_of_tables import Surroundings, bias_structure, lasting_effects
from fullwell.detector import Detector
from fullwell.detector.presets import load_detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import Dark, Effect, Flat, Fringes, Persistence, PixelArea, XRays
from fullwell.effects.adc import ADC
from fullwell.effects.bias import Bias
from fullwell.effects.cosmic_rays import CosmicRays
from fullwell.effects.gain import Gain
from fullwell.effects.read_noise import ReadNoise
from fullwell.effects.shot_noise import ShotNoise
from fullwell.errors import ConfigError
from fullwell.features import ActsOn, AreaFeature, Feature, gain_with, pixel_area_of
from fullwell.noise import Noise
from fullwell.scene import Scene, Stars
from fullwell.simulation.detector_tables import DetectorTable
from fullwell.simulation.effect_tables import EffectsTable
from fullwell.simulation.feature_names import make_feature, passes
from fullwell.simulation.maps import dark_by_law, dark_rate, flat_response
from fullwell.simulation.scenario import Scenario
from fullwell.simulation.scenery import Scenery
from fullwell.simulation.schedule import Shot

__all__ = ["Instrument", "detector_of"]

Map = npt.NDArray[np.float32]


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
        Rate at the temperature of the scenario, e-/s.
    flats : dict of str to ndarray of float32
        Response by filter.
    scenery : Scenery
    areas : dict of str to PixelArea
        Of features that move charge, by filter.
    fringes : dict of str to Fringes
        By filter.
    lasting : tuple of Effect
        Those that are the same in every exposure.
    """

    scenario: Scenario
    seed: int
    detector: Detector
    bias: Map | None
    dark: Map
    flats: dict[str, Map]
    scenery: Scenery
    areas: dict[str, PixelArea]
    fringes: dict[str, Fringes]
    lasting: tuple[Effect, ...]

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
        detector.spread(scenario.bias.level)  # refuses a wrong number of levels
        if scenario.header_style == "sbig" and len(detector.amplifiers) > 1:
            raise ConfigError(
                f"header_style 'sbig' is for one amplifier, {detector.name} has more; use 'plain'"
            )
        dark = dark_rate(scenario.dark, shape, seed=seed)
        by_law = dark_by_law(scenario.dark, shape, celsius=scenario.temperature, seed=seed)
        dark = dark if by_law is None else dark + by_law
        bias = bias_structure(scenario.bias, shape, seed=seed)
        return cls(
            scenario=scenario,
            seed=seed,
            detector=detector,
            bias=bias,
            dark=dark,
            flats={
                name: flat_response(table, detector, name=name, seed=seed)
                for name, table in scenario.flat.items()
            },
            scenery=Scenery.build(scenario, detector, seed=seed),
            areas=_areas(scenario, detector, seed=seed),
            fringes={
                name: Fringes.thin_film(
                    shape, seed=seed, sky=scenario.sky[name].level, **table.model_dump(exclude={"variation"})
                )
                for name, table in scenario.effects.fringes.items()
            },
            lasting=_lasting(scenario, detector, bias=bias, dark=dark, seed=seed),
        )

    @property
    def remembers(self) -> bool:
        """Whether an exposure depends on those before, which must be taken in order then."""
        return self.scenario.effects.persistence is not None

    @property
    def has_parts(self) -> bool:
        """Whether there are effects whose truth is more than bias, dark current, flats and cosmic rays."""
        sequence = self.scenario.sequence
        own = any(entry.features for entry in sequence) or any(
            passes(feature) for flat in self.scenario.flat.values() for feature in flat.features
        )
        return (
            own
            or bool(self.areas)
            or self.scenario.effects != EffectsTable()
            or self.scenario.dark.law is not None
        )

    def chain(self, shot: Shot) -> SignalChain:
        """Return the effects that act on this exposure."""
        return SignalChain(self.lasting).with_(*self._of_this_exposure(shot))

    def _of_this_exposure(self, shot: Shot) -> Iterator[Effect]:
        tables, effects, name = self.scenario.dark, self.scenario.effects, shot.entry.filter or ""
        yield Dark(rate=self._dark_at(shot.temperature), offset=tables.offset, dead_time=tables.dead_time)
        flat = self._flat(shot)
        if flat is not None:
            yield Flat(flat, filter=name)
        yield from self._moved_and_counted(shot)
        if name in self.fringes and shot.entry.type == "light":
            yield self.fringes[name]
        if effects.persistence is not None:
            values = effects.persistence.model_dump(exclude_none=True)
            yield Persistence(**values, idle=shot.idle)
        if effects.xrays is not None and shot.entry.type == "fe55":
            yield XRays(**effects.xrays.model_dump())

    def _dark_at(self, celsius: float) -> Map:
        scenario = self.scenario
        if scenario.dark.law is None or celsius == scenario.temperature:
            return self.dark
        by_law = dark_by_law(scenario.dark, self.detector.shape, celsius=celsius, seed=self.seed)
        assert by_law is not None
        return dark_rate(scenario.dark, self.detector.shape, seed=self.seed) + by_law

    def _flat(self, shot: Shot) -> Map | None:
        """Response in this exposure, with the features of photons that are in no other."""
        name = shot.entry.filter or ""
        table, flat = self.scenario.flat.get(name), self.flats.get(name)
        features = self._own_features(shot)
        if table is not None:
            features += self._made([entry for entry in table.features if passes(entry)], shot)
        features = [feature for feature in features if ActsOn.PHOTONS in feature.acts_on]
        if not features:
            return flat
        image = np.ones(self.detector.shape) if flat is None else flat.astype(np.float64)
        for feature in features:
            image = image * feature.render(
                self.detector, wavelength=620.0 if table is None else table.wavelength
            )
        return image.astype(np.float32)

    def _moved_and_counted(self, shot: Shot) -> Iterator[Effect]:
        """Areas of pixels, and the gain where this exposure has another."""
        area, own = self.areas.get(shot.entry.filter or ""), self._own_features(shot)
        if any(isinstance(feature, AreaFeature) for feature in own):
            table = self.scenario.flat.get(shot.entry.filter or "")
            lasting = [] if table is None else self._made(table.features, shot)
            area = pixel_area_of([*lasting, *own], self.detector)
        if area is not None:
            yield area
        gain = next(effect for effect in self.lasting if isinstance(effect, Gain))
        changed = gain_with(own, gain, self.detector)
        if changed is not gain:
            yield changed

    def _own_features(self, shot: Shot) -> list[Feature]:
        """Features of this exposure alone."""
        return self._made(shot.entry.features, shot)

    def _made(self, entries: Iterable[Mapping[str, Any]], shot: Shot) -> list[Feature]:
        return [
            make_feature(entry, seed=self.seed, detector=self.detector, exposure=shot.exposure)
            for entry in entries
        ]

    def state(self, shot: Shot) -> dict[str, dict[str, Any]]:
        """Return what is set for this exposure alone, by effect name."""
        hour = (shot.start - self.scenario.start).total_seconds() / 3600
        state: dict[str, dict[str, Any]] = {
            "bias": {"level_offset": shot.level_offset},
            "bias_wander": {"hour": hour},
            "illumination": {"source": "lamp" if shot.entry.type == "flat" else "sky"},
        }
        fringes = self.scenario.effects.fringes.get(shot.entry.filter or "")
        if fringes is not None and fringes.variation:
            normal = float(Noise(self.seed, shot.exposure).stream("fringe_amplitude").normal(1)[0])
            state["fringes"] = {"amplitude": max(1 + fringes.variation * normal, 0.0)}
        return state

    def scene(self, shot: Shot) -> Scene | None:
        """Return what shines in this exposure; None for a closed shutter."""
        return self.scenery.seen_by(shot)

    @property
    def stars(self) -> Stars | None:
        """The field before dithering."""
        return self.scenery.stars


def _lasting(
    scenario: Scenario, detector: Detector, *, bias: Map | None, dark: Map, seed: int
) -> tuple[Effect, ...]:
    effects: list[Effect] = [
        ShotNoise(),
        ReadNoise([amplifier.read_noise or 0.0 for amplifier in detector.amplifiers]),
        _gain(scenario, detector, seed=seed),
        Bias(level=scenario.bias.level, structure=bias, drift=scenario.bias.drift),
        ADC(bits=detector.adc_bits),
    ]
    if scenario.cosmic_rays is not None:
        effects.append(CosmicRays(rate=scenario.cosmic_rays.rate, depth=scenario.cosmic_rays.depth))
    around = Surroundings(detector, dark, scenario.bias.level, seed)
    return (*effects, *lasting_effects(dict(scenario.effects), around))


def _features(scenario: Scenario, detector: Detector, *, seed: int) -> dict[str, list[Feature]]:
    return {
        name: [make_feature(entry, seed=seed, detector=detector) for entry in table.features]
        for name, table in scenario.flat.items()
    }


def _areas(scenario: Scenario, detector: Detector, *, seed: int) -> dict[str, PixelArea]:
    areas = {
        name: pixel_area_of(features, detector)
        for name, features in _features(scenario, detector, seed=seed).items()
    }
    return {name: area for name, area in areas.items() if area is not None}


def _gain(scenario: Scenario, detector: Detector, *, seed: int) -> Gain:
    """Gain with the steps that flats name, in all exposures; what two filters name is one step."""
    gain = Gain([amplifier.gain or 1.0 for amplifier in detector.amplifiers])
    steps: list[Feature] = []
    for features in _features(scenario, detector, seed=seed).values():
        steps += [feature for feature in features if feature not in steps]
    return gain_with(steps, gain, detector)


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
        if table.amplifier is not None:
            detector = with_amplifiers_of(detector, table.amplifier)
        own = _given(table, "gain", "read_noise")
        amplifiers = tuple(attrs.evolve(amplifier, **own) for amplifier in detector.amplifiers)
        detector = attrs.evolve(detector, amplifiers=amplifiers)
    return attrs.evolve(detector, **_given(table, "name", "adc_bits", "pixel_size"))


def _given(table: DetectorTable, *names: str) -> dict[str, Any]:
    return {name: getattr(table, name) for name in names if getattr(table, name) is not None}
