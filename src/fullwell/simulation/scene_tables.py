"""Tables of a scenario on what shines: sky, moon, twilight, stars, galaxies, spots."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from fullwell.config import ConfigModel
from fullwell.detector.values import Count, NotNegative, Number, Positive

__all__ = ["GalaxiesTable", "MoonTable", "SkyTable", "SpotsTable", "StarsTable", "TwilightTable", "WCSTable"]


class SkyTable(ConfigModel):
    """Sky in one filter: e-/s/pixel, and relative change across the frame."""

    level: NotNegative
    gradient: tuple[Number, Number] = (0.0, 0.0)


class MoonTable(ConfigModel):
    """Moonlight in one filter: e-/s/pixel in the middle; degrees to the moon, and where it stands."""

    level: NotNegative
    distance: Annotated[float, Field(ge=1, le=180)] = 60.0
    direction: Number = 0.0
    pixel_scale: Annotated[float, Field(gt=0, lt=3600)] = 1.0


class TwilightTable(ConfigModel):
    """Twilight in one filter: e-/s/pixel when its first exposure begins, seconds in which it halves."""

    level: NotNegative
    halving: Annotated[float, Field(allow_inf_nan=False)] = 110.0
    gradient: tuple[Number, Number] = (0.0, 0.0)

    @field_validator("halving")
    @classmethod
    def _changes(cls, value: float) -> float:
        if value == 0:
            raise ValueError("seconds, not 0; negative before sunrise")
        return value


class WCSTable(ConfigModel):
    """Where the middle of the frame points, degrees; arc seconds a pixel; rotation in degrees.

    Without rotation north is up (along the rows) and east is left.
    """

    ra: Number
    dec: Annotated[float, Field(ge=-90, le=90)]
    pixel_scale: Annotated[float, Field(gt=0, lt=3600)]
    rotation: Number = 0.0


class StarsTable(ConfigModel):
    """Stars: a random field by flux (e-/s) or by magnitudes, or those of a catalog; widths in pixels."""

    number: Count | None = None
    flux: tuple[Positive, Positive] | None = None
    magnitudes: tuple[Number, Number] | None = None
    slope: Positive = 0.4
    zero_point: Number | None = None
    catalog: str | None = None
    columns: dict[Literal["ra", "dec", "mag"], str] = Field(default_factory=dict)
    wcs: WCSTable | None = None
    fwhm: Positive = 3.0
    profile: Literal["gaussian", "moffat"] = "gaussian"
    beta: Positive = 3.0

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("flux", "magnitudes", "catalog") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give one of flux, magnitudes and catalog")
        needed = {
            "flux": ("number",),
            "magnitudes": ("number", "zero_point"),
            "catalog": ("zero_point", "wcs"),
        }[given[0]]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{given[0]} needs {' and '.join(missing)}")
        return self


class GalaxiesTable(ConfigModel):
    """A random field of ellipses: fluxes (e-/s), half-light radii (pixels), Sersic indices, axis ratios."""

    number: Count
    flux: tuple[Positive, Positive]
    radius: tuple[Positive, Positive]
    index: tuple[Positive, Positive] = (1.0, 1.0)
    axis_ratio: tuple[Positive, Positive] = (0.3, 1.0)
    fwhm: NotNegative = 3.0


class SpotsTable(ConfigModel):
    """Round spots of a projector: radius, and width of the blur of their edge, pixels."""

    radius: Annotated[float, Field(ge=0.5)] = 10.0
    blur: NotNegative = 1.0
