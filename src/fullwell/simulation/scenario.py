"""What a scenario file may say, and the checks on it."""

from __future__ import annotations

import re
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from fullwell.config import ConfigModel, load_config, parse_config
from fullwell.errors import ParameterError

__all__ = ["Scenario", "Sequence", "preset_scenarios"]

Number = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(gt=0)]
FrameType = Literal["bias", "dark", "flat", "light"]
Card = str | int | float | bool


class DetectorTable(ConfigModel):
    """A detector that comes with the package, or one amplifier described here."""

    preset: str | None = None
    name: str | None = None
    shape: tuple[Size, Size] | None = None
    overscan: Count = 0
    prescan: Count = 0
    parallel: Count = 0
    gain: Positive | None = None
    read_noise: NotNegative | None = None
    adc_bits: Annotated[int, Field(ge=8, le=24)] | None = None
    pixel_size: Positive | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.preset is None and None in (self.shape, self.gain, self.read_noise):
            raise ValueError("give a preset, or shape, gain and read_noise")
        geometry = [name for name in ("shape", "overscan", "prescan", "parallel") if getattr(self, name)]
        if self.preset is not None and geometry:
            raise ValueError(f"a preset has its own {', '.join(geometry)}")
        return self


class Falloff(ConfigModel):
    """Bias that falls off exponentially from the left edge: ADU there, and length in frame widths."""

    amplitude: Number
    length: Positive


class BiasTable(ConfigModel):
    """Pedestal in ADU."""

    level: Number = 0.0
    drift: NotNegative = 0.0
    gradient: tuple[Number, Number] = (0.0, 0.0)
    falloff: Falloff | None = None
    structure: NotNegative = 0.0
    bad_columns: Count = 0
    bad_column_height: NotNegative = 0.0


class HotPixel(ConfigModel):
    """One pixel with its own dark current, e-/s."""

    x: Count
    y: Count
    rate: NotNegative


class DarkTable(ConfigModel):
    """Dark current in e-/s, and hot pixels drawn log-evenly between two rates."""

    rate: NotNegative = 0.0
    offset: NotNegative = 0.0
    dead_time: NotNegative = 0.0
    hot_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    hot_rate: tuple[Positive, Positive] | None = None
    pixels: tuple[HotPixel, ...] = ()

    @model_validator(mode="after")
    def _rates(self) -> Self:
        if self.hot_fraction and self.hot_rate is None:
            raise ValueError("hot_fraction needs hot_rate = [lowest, highest] in e-/s")
        if self.hot_rate is not None and self.hot_rate[0] > self.hot_rate[1]:
            raise ValueError("hot_rate has the lowest rate first")
        return self


class FlatTable(ConfigModel):
    """Response to light in one filter."""

    vignetting: Annotated[float, Field(ge=0, lt=1)] = 0.0
    dust: Count = 0
    dust_depth: Annotated[float, Field(ge=0, lt=1)] = 0.03
    pixel_response: Annotated[float, Field(ge=0, le=0.1)] = 0.0


class SkyTable(ConfigModel):
    """Sky in one filter: e-/s/pixel, and relative change across the frame."""

    level: NotNegative
    gradient: tuple[Number, Number] = (0.0, 0.0)


class StarsTable(ConfigModel):
    """A random field: faintest and brightest in e-/s, widths in pixels."""

    number: Count
    flux: tuple[Positive, Positive]
    fwhm: Positive = 3.0
    profile: Literal["gaussian", "moffat"] = "gaussian"
    beta: Positive = 3.0


class CosmicRaysTable(ConfigModel):
    """Hits per cm^2 and minute, and thickness of the sensitive layer in micrometers."""

    rate: NotNegative = 2.0
    depth: Positive = 15.0


class Sequence(ConfigModel):
    """Exposures taken one after the other."""

    type: FrameType
    count: Size = 1
    exposure_time: NotNegative = 0.0
    filter: str | None = None
    lamp: NotNegative = 0.0
    name: str = "{type}_{number:03d}.fits"
    object: str | None = None
    dither: NotNegative = 0.0
    level_offset: tuple[Number, ...] = ()
    temperature: Number | tuple[Number, ...] | None = None
    start: datetime | None = None

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
        if self.lamp and self.type != "flat":
            raise ValueError("a lamp belongs to flats")
        for name in ("level_offset", "temperature"):
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
    stars: StarsTable | None = None
    cosmic_rays: CosmicRaysTable | None = None
    sequence: Annotated[tuple[Sequence, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _filters_are_known(self) -> Self:
        for table in ("flat", "sky"):
            known = getattr(self, table)
            for entry in self.sequence:
                lit = entry.type == "light" or (table == "flat" and entry.type == "flat")
                if known and lit and (entry.filter or "") not in known:
                    raise ValueError(
                        f"filter {entry.filter!r} has no table [{table}.*]; known: {', '.join(known)}"
                    )
        return self

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a scenario from a TOML file.

        Raises
        ------
        UnreadableFile, ConfigError
            If there is no such file, or it holds unknown keys or impossible values.
        """
        return load_config(path, cls)

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
