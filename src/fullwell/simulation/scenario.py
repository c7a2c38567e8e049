"""What a scenario file may say, and the checks on it."""

from __future__ import annotations

import re
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from fullwell.config import ConfigModel, parse_config, read_toml
from fullwell.detector.effect_tables import BiasTable
from fullwell.detector.values import NotNegative, Number, Size
from fullwell.errors import ParameterError
from fullwell.simulation.detector_tables import (
    CosmicRaysTable,
    DarkTable,
    DetectorTable,
    FeatureEntry,
    FlatTable,
)
from fullwell.simulation.effect_tables import EffectsTable
from fullwell.simulation.scene_tables import (
    GalaxiesTable,
    MoonTable,
    SkyTable,
    SpotsTable,
    StarsTable,
    TwilightTable,
)
from fullwell.simulation.stated import filled_in

__all__ = ["Scenario", "Sequence", "preset_scenarios"]

FrameType = Literal["bias", "dark", "flat", "light", "twilight", "spots", "fe55"]
Card = str | int | float | bool
#: Types of exposures that need a table of their filter where there are any of that kind.
LIT = {"flat": ("flat", "light", "twilight"), "sky": ("light",), "twilight": ("twilight",)}


class Sequence(ConfigModel):
    """Exposures taken one after the other."""

    type: FrameType
    count: Size = 1
    exposure_time: NotNegative | tuple[NotNegative, ...] = 0.0
    filter: str | None = None
    lamp: NotNegative = 0.0
    name: str = "{type}_{number:03d}.fits"
    object: str | None = None
    dither: NotNegative = 0.0
    level_offset: tuple[Number, ...] = ()
    temperature: Number | tuple[Number, ...] | None = None
    start: datetime | None = None
    amplifiers: tuple[str, ...] = ()
    features: tuple[FeatureEntry, ...] = ()

    @field_validator("name")
    @classmethod
    def _a_plain_name(cls, value: str) -> str:
        try:
            name = value.format(type="t", filter="f", exposure_time=1.0, number=1)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError("may use {type}, {filter}, {exposure_time} and {number}") from error
        if not re.fullmatch(r"[\w.+-]+", name) or name.startswith("."):
            raise ValueError("is a file name without folders or blanks")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.lamp and self.type not in ("flat", "spots"):
            raise ValueError("a lamp belongs to flats and spots")
        if self.amplifiers and self.type != "spots":
            raise ValueError("amplifiers are those that spots are put on")
        for name in ("exposure_time", "level_offset", "temperature"):
            values = getattr(self, name)
            if isinstance(values, tuple) and len(values) not in (0, self.count):
                raise ValueError(f"{name} has {len(values)} values for {self.count} frames")
        return self


class Scenario(ConfigModel):
    """A detector, what its frames hold, and the exposures to take.

    Rates are in electrons per second, the bias in ADU, lengths in pixels unless said otherwise.
    `header_style` chooses the cards: ``'plain'`` writes what observatories write, ``'sbig'`` what
    the camera software of SBIG does.
    """

    name: str = "scenario"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    start: datetime = datetime(2024, 3, 9, 19, 30)
    readout_time: NotNegative = 10.0
    temperature: Number = -10.0
    header_style: Literal["plain", "sbig"] = "plain"
    header: dict[str, Card] = Field(default_factory=dict)
    detector: DetectorTable
    bias: BiasTable = BiasTable()
    dark: DarkTable = DarkTable()
    flat: dict[str, FlatTable] = Field(default_factory=dict)
    sky: dict[str, SkyTable] = Field(default_factory=dict)
    moon: dict[str, MoonTable] = Field(default_factory=dict)
    twilight: dict[str, TwilightTable] = Field(default_factory=dict)
    stars: StarsTable | None = None
    galaxies: GalaxiesTable | None = None
    spots: SpotsTable = SpotsTable()
    cosmic_rays: CosmicRaysTable | None = None
    effects: EffectsTable = EffectsTable()
    sequence: Annotated[tuple[Sequence, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _with_what_the_detector_states(cls, values: Any) -> Any:
        return filled_in(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _filters_are_known(self) -> Self:
        for table, types in LIT.items():
            known = getattr(self, table)
            for entry in self.sequence:
                needed = known or table == "twilight"
                if needed and entry.type in types and (entry.filter or "") not in known:
                    raise ValueError(
                        f"filter {entry.filter!r} has no table [{table}.*]; known: {', '.join(known)}"
                    )
        dark = [name for name in self.effects.fringes if name not in self.sky]
        if dark:
            raise ValueError(
                f"effects.fringes.{dark[0]} are part of the sky, and there is no [sky.{dark[0]}]"
            )
        return self

    @model_validator(mode="after")
    def _sources_are_there(self) -> Self:
        if self.effects.xrays is None and any(entry.type == "fe55" for entry in self.sequence):
            raise ValueError("exposures of type fe55 need the source, [effects.xrays]")
        return self

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a scenario from a TOML file, beside which a catalog of stars is looked for.

        Raises
        ------
        UnreadableFile, ConfigError
            If there is no such file, or it holds unknown keys or impossible values.
        """
        values = read_toml(path)
        stars = values.get("stars")
        if isinstance(stars, dict) and isinstance(stars.get("catalog"), str):
            stars["catalog"] = str(Path(path).parent / stars["catalog"])
        return parse_config(values, cls, source=str(path))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Check a nested dictionary of the form of a scenario file.

        Raises
        ------
        ConfigError
            If it holds unknown keys or impossible values.
        """
        return parse_config(values, cls, source="scenario")

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return a scenario that comes with the package.

        Raises
        ------
        ParameterError
            If there is none of that name.
        """
        if name not in preset_scenarios():
            raise ParameterError("preset", name, f"one of {', '.join(preset_scenarios())}")
        return cls.load(_folder() / f"{name}.toml")


def preset_scenarios() -> tuple[str, ...]:
    """Names of the scenarios that come with the package."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def _folder() -> Path:
    return Path(str(files("fullwell.simulation"))) / "presets"
