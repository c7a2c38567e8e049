"""Tables of a scenario on the detector: geometry, bias, dark current, response to light, cosmic rays."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from fullwell.config import ConfigModel
from fullwell.detector.values import Count, Fraction, NotNegative, Positive, Size
from fullwell.simulation.feature_names import check_feature

__all__ = ["CosmicRaysTable", "DarkLawTable", "DarkTable", "DetectorTable", "FlatTable"]


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


#: A feature by the name of its class, alone or with parameters.
FeatureEntry = Annotated[dict[str, Any], BeforeValidator(_named), AfterValidator(check_feature)]


class DetectorTable(ConfigModel):
    """A detector that comes with the package, or one amplifier described here.

    `amplifier` gives each amplifier of a preset so many rows and columns of light-sensitive pixels.
    """

    preset: str | None = None
    amplifier: tuple[Size, Size] | None = None
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
        if self.preset is None and self.amplifier is not None:
            raise ValueError("amplifier makes the amplifiers of a preset smaller; without one give shape")
        return self


class HotPixel(ConfigModel):
    """One pixel with its own dark current, e-/s."""

    x: Count
    y: Count
    rate: NotNegative


class DarkLawTable(ConfigModel):
    """Dark current that follows the temperature of each frame: e-/s at 25 degrees Celsius, energies in eV."""

    depletion: NotNegative = 10.0
    diffusion: NotNegative = 0.0
    spread: NotNegative = 0.0
    hot_fraction: Fraction = 0.0
    hot_rate: tuple[Positive, Positive] = (100.0, 10_000.0)
    hot_energy: tuple[Positive, Positive] = (0.45, 0.7)


class DarkTable(ConfigModel):
    """Dark current in e-/s, and hot pixels drawn log-evenly between two rates.

    `spread` is the standard deviation of the logarithm of the pixels' rates.
    """

    rate: NotNegative = 0.0
    spread: NotNegative = 0.0
    offset: NotNegative = 0.0
    dead_time: NotNegative = 0.0
    hot_fraction: Fraction = 0.0
    hot_rate: tuple[Positive, Positive] | None = None
    pixels: tuple[HotPixel, ...] = ()
    law: DarkLawTable | None = None

    @model_validator(mode="after")
    def _rates(self) -> Self:
        if self.hot_fraction and self.hot_rate is None:
            raise ValueError("hot_fraction needs hot_rate = [lowest, highest] in e-/s")
        if self.hot_rate is not None and self.hot_rate[0] > self.hot_rate[1]:
            raise ValueError("hot_rate has the lowest rate first")
        return self


class FlatTable(ConfigModel):
    """Response to light in one filter, with features as light of one wavelength (nm) shows them."""

    vignetting: Annotated[float, Field(ge=0, lt=1)] = 0.0
    dust: Count = 0
    dust_depth: Annotated[float, Field(ge=0, lt=1)] = 0.03
    pixel_response: Annotated[float, Field(ge=0, le=0.1)] = 0.0
    wavelength: Annotated[float, Field(ge=200, le=1200)] = 620.0
    features: tuple[FeatureEntry, ...] = ()


class CosmicRaysTable(ConfigModel):
    """Hits per cm^2 and minute, and thickness of the sensitive layer in micrometers."""

    rate: NotNegative = 2.0
    depth: Positive = 15.0
