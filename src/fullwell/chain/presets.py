"""A whole detector with everything in it, from what its preset states."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from astropy import units as u

from fullwell import features
from fullwell.chain.effects_of_tables import MAKERS, Surroundings, bias_structure
from fullwell.detector import Detector
from fullwell.detector.effect_tables import (
    BiasTable,
    BiasWanderTable,
    BrighterFatterTable,
    CodeErrorsTable,
    CorrelatedNoiseTable,
    CrosstalkTable,
    DefectsTable,
    DiffusionTable,
    FringesTable,
    FullWellTable,
    GlowTable,
    NonLinearityTable,
    PersistenceTable,
    ReadOutDarkTable,
    ShutterTable,
    TelegraphTable,
    TransferTable,
)
from fullwell.effects import (
    ADC,
    Bias,
    CosmicRays,
    Dark,
    DarkCurrent,
    Effect,
    Fringes,
    Gain,
    Overscan,
    Persistence,
    ReadNoise,
    ShotNoise,
)
from fullwell.effects.dark_law import DarkLaw
from fullwell.effects.silicon import depletion_term, diffusion_term, kelvin
from fullwell.errors import ParameterError
from fullwell.features import ActsOn
from fullwell.noise import FIXED_PATTERN, Noise

__all__ = ["effects_of"]

Table = dict[str, Any]


def effects_of(
    detector: Detector,
    *,
    seed: int,
    wavelength: u.Quantity | float = 620.0,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
) -> list[Effect]:
    """Return the effects that a detector's defaults state, maps drawn from `seed`.

    Parameters
    ----------
    detector : Detector
        Gain, read noise and ADC are always there; what `Detector.defaults` does not name is left out.
    seed : int
        The same seed gives the same maps.
    wavelength : Quantity or float
        Nanometers, for the response to light and its fringes.
    only, without : collection of str
        Names of effects: the only ones, and those that are left out.

    Raises
    ------
    ParameterError
        If the detector has no effect of such a name, or a value is impossible.
    """
    makers = _Makers(detector, seed, float(u.Quantity(wavelength, u.nm).value)).all()
    for label, names in (("only", () if only is None else only), ("without", without)):
        _check_names(label, names, makers, detector)
    return [make() for name, make in makers.items() if (only is None or name in only) and name not in without]


def _check_names(label: str, names: Collection[str], makers: Mapping[str, Any], detector: Detector) -> None:
    if isinstance(names, str):
        raise ParameterError(label, names, f"a list of names, such as [{names!r}]")
    for name in names:
        if name not in makers:
            near = difflib.get_close_matches(str(name), makers, n=1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise ParameterError(
                label, name, f"effects that {detector.name} states: {', '.join(makers)}{hint}"
            )


class _Makers:
    """What makes each effect of a detector, by its name."""

    def __init__(self, detector: Detector, seed: int, nanometers: float) -> None:
        self.detector, self.seed, self.nanometers = detector, seed, nanometers
        self.stated: dict[str, Table] = detector.defaults
        self._dark: Dark | None = None

    def all(self) -> dict[str, Callable[[], Effect]]:
        """Return them in no order that matters; nothing is drawn until one is called."""
        amplifiers, stated = self.detector.amplifiers, self.stated
        makers: dict[str, Callable[[], Effect]] = {
            "shot_noise": ShotNoise,
            "read_noise": lambda: ReadNoise([amplifier.read_noise or 0.0 for amplifier in amplifiers]),
            "gain": self._gain,
            "adc": lambda: ADC(bits=self.detector.adc_bits),
        }
        own = {
            "response": ("flat", self._response),
            "dark": ("dark", self.dark),
            "bias": ("bias", self._bias),
            "cosmic_rays": ("cosmic_rays", lambda: CosmicRays(**stated["cosmic_rays"])),
            "overscan": ("overscan", lambda: Overscan(**stated["overscan"])),
            "persistence": ("persistence", self._persistence),
        }
        makers |= {name: make for table, (name, make) in own.items() if table in stated}
        if any(isinstance(feature, features.AreaFeature) for feature in self._features()):
            makers["pixel_area"] = self._pixel_area
        if "fringes" in stated and self.nanometers >= stated["fringes"].get("shortest", 0.0):
            makers["fringes"] = self._fringes
        return makers | {name: self._from_table(name, table) for name, table in self._tables().items()}

    def _tables(self) -> dict[str, Callable[[], Any]]:
        """Tables of the effects that are made from nothing else, checked when they are called."""
        stated = self.stated
        kinds: dict[str, type] = {
            "shutter": ShutterTable,
            "diffusion": DiffusionTable,
            "brighter_fatter": BrighterFatterTable,
            "telegraph": TelegraphTable,
            "glow": GlowTable,
            "full_well": FullWellTable,
            "defects": DefectsTable,
            "cti": TransferTable,
            "crosstalk": CrosstalkTable,
            "bias_wander": BiasWanderTable,
            "code_errors": CodeErrorsTable,
        }
        tables: dict[str, Callable[[], Any]] = {
            name: (lambda kind=kind, name=name: kind(**stated[name]))  # type: ignore[misc]
            for name, kind in kinds.items()
            if name in stated
        }
        if "dark" in stated and "read_out_dark" in stated:
            tables["read_out_dark"] = lambda: ReadOutDarkTable(**stated["read_out_dark"])
        if "nonlinearity" in stated:
            capacity = float(np.max(stated["full_well"]["capacity"]))
            tables["nonlinearity"] = lambda: NonLinearityTable(**stated["nonlinearity"], capacity=capacity)
        if "read_out" in stated:
            noise = {key: value for key, value in stated["read_out"].items() if key != "drift"}
            tables["correlated_noise"] = lambda: CorrelatedNoiseTable(**noise)
        return tables

    def _from_table(self, name: str, table: Callable[[], Any]) -> Callable[[], Effect]:
        level = self.stated.get("bias", {}).get("level", 0.0)

        def make() -> Effect:
            rate = self.dark().rate if name == "read_out_dark" else np.zeros((0, 0), np.float32)
            return MAKERS[name](table(), Surroundings(self.detector, rate, level, self.seed))

        return make

    def _features(self) -> list[features.Feature]:
        """Return what shows in a flat, light missing in the corners and scatter of pixels first."""
        table = self.stated.get("response", {})
        parts: list[features.Feature] = [features.PixelResponse(table.get("scatter", 0.0), seed=self.seed)]
        if table.get("vignetting"):
            parts.append(features.Vignetting(table["vignetting"]))
        return parts + [getattr(features, name)() for name in table.get("features", ())]

    def _response(self) -> Effect:
        return features.response_of(
            self._features(),
            self.detector,
            wavelength=self.nanometers,
            acts_on=ActsOn.PHOTONS | ActsOn.TIME,
        )

    def _pixel_area(self) -> Effect:
        area = features.pixel_area_of(self._features(), self.detector)
        assert area is not None
        return area

    def _gain(self) -> Effect:
        gain = Gain([amplifier.gain or 1.0 for amplifier in self.detector.amplifiers])
        return features.gain_with(self._features(), gain, self.detector)

    def dark(self) -> Dark:
        """Return the dark current, drawn once."""
        if self._dark is None:
            self._dark = _dark(self.detector, self.stated["dark"], seed=self.seed)
        return self._dark

    def _bias(self) -> Effect:
        drift = self.stated.get("read_out", {}).get("drift", 0.0)
        table = BiasTable(**(self.stated["bias"] | {"drift": drift}))
        structure = bias_structure(table, self.detector.shape, seed=self.seed)
        return Bias(table.level, structure=structure, drift=table.drift)

    def _persistence(self) -> Effect:
        return Persistence(**PersistenceTable(**self.stated["persistence"]).model_dump(exclude_none=True))

    def _fringes(self) -> Effect:
        stated = {key: value for key, value in self.stated["fringes"].items() if key != "shortest"}
        sky = stated.pop("sky", 0.0)
        table = FringesTable(**stated).model_dump(exclude={"variation"})
        return Fringes.thin_film(self.detector.shape, seed=self.seed, sky=sky, **table)


def _dark(detector: Detector, table: Table, *, seed: int) -> Dark:
    """Pixels scatter by a third about the typical rate, hot ones by their factor; a temperature gives a law.

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
