"""What a user can set for a reduction: the tables of ``reduce.toml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fullwell.config import ConfigModel

__all__ = ["ReduceConfig"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
PerAmplifier = Positive | Annotated[list[Positive], Field(min_length=1)]


class DetectorTable(ConfigModel):
    """The camera, where the headers do not say or say it wrong."""

    preset: str | None = Field(default=None, description="name of a detector preset, for its geometry")
    gain: PerAmplifier | None = Field(
        default=None, description="e-/ADU, one or one an amplifier; beats the header"
    )
    read_noise: PerAmplifier | None = Field(default=None, description="e-; beats what the biases say")
    adc_bits: int | None = Field(default=None, ge=8, le=24, description="bits of the converter")
    saturation: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="ADU; raw values from here on are saturated"
    )


class OverscanTable(ConfigModel):
    """How the overscan is used, where there is one."""

    method: Literal["auto", "none", "mean", "median", "row", "polynomial"] = Field(
        default="auto", description="auto: clipped mean, if the biases show that it helps"
    )
    order: int = Field(default=3, ge=0, le=20, description="degree of the polynomial")
    skip: tuple[Count, Count] = Field(
        default=(3, 0), description="columns left out next to the data and at the far end"
    )
    parallel: bool = Field(default=False, description="use the parallel overscan too")


class CombineTable(ConfigModel):
    """How masters are stacked."""

    clip: float = Field(
        default=5.0, gt=0, allow_inf_nan=False, description="rejection limit in sigma of the noise model"
    )
    memory: int = Field(
        default=512, ge=16, le=1_000_000, description="ceiling of the working memory of one stack, MB"
    )
    least: int = Field(default=3, ge=1, description="fewest frames a master is made of")
    few: int = Field(default=5, ge=1, description="with fewer frames than this the report says so")


class DarkTable(ConfigModel):
    """Dark current."""

    hot_sigma: float = Field(
        default=12.0,
        gt=0,
        allow_inf_nan=False,
        description="a hot pixel is this far above the others, in sigma of one frame",
    )
    hot_rate: float = Field(
        default=5.0,
        ge=0,
        allow_inf_nan=False,
        description="and this far in e-/s (ADU/s where the gain is not known)",
    )


class FlatTable(ConfigModel):
    """Flats."""

    dead_below: float = Field(
        default=0.5, gt=0, lt=1, description="a pixel is dead below this share of its surroundings"
    )
    saturated: float = Field(
        default=0.01, ge=0, le=1, description="a flat with more saturated pixels is set aside"
    )


class CosmicRaysTable(ConfigModel):
    """Cosmic rays in science frames."""

    find: Literal["auto", "yes", "no"] = Field(default="auto", description="auto means yes")
    threshold: float = Field(default=5.0, gt=0, allow_inf_nan=False, description="sigma of the Laplacian")
    contrast: float = Field(
        default=2.0, gt=0, allow_inf_nan=False, description="contrast against fine structure"
    )
    neighbors: float = Field(
        default=0.3, gt=0, le=1, description="fraction of the threshold for neighbors of a hit"
    )


class ReportTable(ConfigModel):
    """The report."""

    write: bool = Field(default=True, description="write report.html")
    pictures: bool = Field(default=True, description="with pictures")
    width: int = Field(default=420, ge=64, le=2000, description="width of a picture in pixels")


class ReduceConfig(ConfigModel):
    """All tables of ``reduce.toml``; each key has a default."""

    frames: dict[str, str | list[str]] = Field(
        default_factory=dict, description="type of frame to pattern(s) of file names"
    )
    detector: DetectorTable = DetectorTable()
    overscan: OverscanTable = OverscanTable()
    combine: CombineTable = CombineTable()
    dark: DarkTable = DarkTable()
    flat: FlatTable = FlatTable()
    cosmic_rays: CosmicRaysTable = CosmicRaysTable()
    report: ReportTable = ReportTable()
