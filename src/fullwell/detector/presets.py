"""Detectors that come with the package, described in TOML files beside this module."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fullwell.config import ConfigModel, parse_config, read_toml
from fullwell.detector.boxes import Box, parse_section
from fullwell.detector.effect_tables import (
    BiasTable,
    BiasWanderTable,
    BrighterFatterTable,
    CodeErrorsTable,
    DefectsTable,
    DiffusionTable,
    FringesTable,
    GlowTable,
    PersistenceTable,
    ReadOutDarkTable,
    ShutterTable,
    TelegraphTable,
    TransferTable,
)
from fullwell.detector.geometry import Detector
from fullwell.detector.layout import AmplifierArray, lay_out, scans_around
from fullwell.detector.values import Count, NotNegative, Number, Positive
from fullwell.errors import ConfigError, ParameterError

__all__ = ["detector_from_toml", "load_detector", "preset_names"]

PerAmplifier = NotNegative | tuple[NotNegative, ...]


class _Bias(BiasTable):
    """Bias level in ADU, for all amplifiers or one each, and what the pixels have on top."""

    level: PerAmplifier


class _Dark(ConfigModel):
    """Dark current in e-/s at a temperature in degrees Celsius, and its hot pixels.

    `diffusion` is the part of the rate that is diffusion current there, `spread` the scatter of the logarithm
    of the rest, `hot_energy` the lowest and highest activation energy of hot pixels in eV.
    """

    rate: NotNegative
    temperature: Annotated[float, Field(ge=-150, le=100)] | None = None
    diffusion: Annotated[float, Field(ge=0, le=1)] | None = None
    spread: NotNegative | None = None
    hot_fraction: NotNegative | None = None
    hot_factor: NotNegative | None = None
    hot_energy: tuple[Positive, Positive] | None = None


class _FullWell(ConfigModel):
    """Full well in electrons, where the variance stops to grow, and whether charge stops midway."""

    capacity: Positive
    ptc_turnoff: Positive | None = None
    midline_stop: bool = False


class _NonLinearity(ConfigModel):
    """Relative error at full well: the signal read is S (1 - bend S / full well)."""

    bend: Number


class _Crosstalk(ConfigModel):
    """Part of a signal that the next amplifier gets, and by what factor it falls from one to the next."""

    neighbor: Number
    falloff: Annotated[float, Field(gt=0, lt=1)]


class _CosmicRays(ConfigModel):
    """Hits per cm^2 and minute, and depth of the silicon in micrometers."""

    rate: NotNegative
    depth: Positive


class _ReadOut(ConfigModel):
    """What is not white: levels of rows in electrons, and of frames in ADU."""

    rows: NotNegative = 0.0
    common: Annotated[float, Field(ge=0, le=1)] = 0.0
    drift: NotNegative = 0.0


class _Response(ConfigModel):
    """Scatter of pixel response, light missing in the corners, tree rings, and features named by class."""

    scatter: NotNegative = 0.0
    vignetting: Annotated[float, Field(ge=0, le=1)] = 0.0
    features: tuple[str, ...] = ()


class _Fringes(FringesTable):
    """Fringes of light of `shortest` nanometers and more, as part of a sky in e-/s."""

    shortest: Positive = 800.0
    sky: NotNegative


class _Overscan(ConfigModel):
    """How the level is taken from the overscan; `skip` columns next to the data and at the far end."""

    method: Literal["mean", "median", "row", "polynomial"] = "mean"
    skip: tuple[Count, Count] = (3, 0)
    parallel: bool = False


class _Defaults(ConfigModel):
    bias: _Bias | None = None
    dark: _Dark | None = None
    full_well: _FullWell | None = None
    cti: TransferTable | None = None
    brighter_fatter: BrighterFatterTable | None = None
    nonlinearity: _NonLinearity | None = None
    crosstalk: _Crosstalk | None = None
    cosmic_rays: _CosmicRays | None = None
    read_out: _ReadOut | None = None
    response: _Response | None = None
    shutter: ShutterTable | None = None
    fringes: _Fringes | None = None
    diffusion: DiffusionTable | None = None
    telegraph: TelegraphTable | None = None
    glow: GlowTable | None = None
    persistence: PersistenceTable | None = None
    defects: DefectsTable | None = None
    read_out_dark: ReadOutDarkTable | None = None
    bias_wander: BiasWanderTable | None = None
    overscan: _Overscan | None = None
    code_errors: CodeErrorsTable | None = None


class _Amplifiers(ConfigModel):
    """What the amplifiers share; `sections` maps names to where their data lie on the silicon."""

    gain: Positive
    read_noise: NotNegative
    saturation: Positive | None = None
    array: tuple[int, int] | None = None
    data: str | None = None
    sections: dict[str, str] | None = None


class _Preset(ConfigModel):
    name: str
    description: str
    shape: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
    adc_bits: int = 16
    pixel_size: Positive | None = None
    serial: str = ""
    amplifiers: _Amplifiers
    defaults: _Defaults = _Defaults()


def preset_names() -> tuple[str, ...]:
    """Names of the detectors that `load_detector` knows, in alphabetical order."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_detector(name: str) -> Detector:
    """Return a detector that comes with the package.

    Parameters
    ----------
    name : str
        One of `preset_names`, such as ``'sbig-st402'``.

    Returns
    -------
    Detector
        Parameters that are not geometry (dark current, full well, ...) stand in `defaults`, each
        with its source in the TOML file.

    Raises
    ------
    ParameterError
        If there is no preset of that name.
    """
    if name not in preset_names():
        raise ParameterError("detector", name, f"one of {', '.join(preset_names())}")
    return detector_from_toml(_folder() / f"{name}.toml")


def detector_from_toml(path: Path | str) -> Detector:
    """Read a detector from a TOML file of the form of the presets.

    Raises
    ------
    UnreadableFile
        If there is no such file.
    ConfigError
        If a key is unknown, a value impossible, or the geometry contradicts itself.
    """
    preset = parse_config(read_toml(path), _Preset, source=str(path))
    try:
        arrays = _one_array(preset) if preset.amplifiers.sections is None else _many_arrays(preset)
        amplifiers, raw_shape = lay_out(arrays)
        return Detector(
            name=preset.name,
            shape=preset.shape,
            raw_shape=raw_shape,
            amplifiers=amplifiers,
            adc_bits=preset.adc_bits,
            pixel_size=preset.pixel_size,
            serial=preset.serial,
            defaults=_defaults(preset, amplifiers=len(amplifiers)),
        )
    except ParameterError as error:
        raise ConfigError(f"{path}: {error}") from error


def _one_array(preset: _Preset) -> list[AmplifierArray]:
    rows, columns = preset.shape
    shape = preset.amplifiers.array or preset.shape
    box = Box(0, columns, 0, rows)
    data = box if preset.amplifiers.data is None else parse_section(preset.amplifiers.data)[0]
    return [_array(preset, "A", shape, data, (box, False, False))]


def _many_arrays(preset: _Preset) -> list[AmplifierArray]:
    common = preset.amplifiers
    if common.array is None or common.data is None or not common.sections:
        raise ParameterError("amplifiers", common.sections, "sections together with array and data")
    data = parse_section(common.data)[0]
    return [
        _array(preset, name, common.array, data, parse_section(section))
        for name, section in common.sections.items()
    ]


def _array(
    preset: _Preset, name: str, shape: tuple[int, int], data: Box, target: tuple[Box, bool, bool]
) -> AmplifierArray:
    box, flip_x, flip_y = target
    prescan, overscan, parallel = scans_around(data, shape)
    return AmplifierArray(
        name=name,
        shape=shape,
        data=data,
        box=box,
        flip_x=flip_x,
        flip_y=flip_y,
        prescan=prescan,
        overscan=overscan,
        parallel=parallel,
        gain=preset.amplifiers.gain,
        read_noise=preset.amplifiers.read_noise,
        saturation=preset.amplifiers.saturation,
    )


def _defaults(preset: _Preset, *, amplifiers: int) -> dict[str, object]:
    level = preset.defaults.bias.level if preset.defaults.bias is not None else 0.0
    if isinstance(level, tuple) and len(level) != amplifiers:
        raise ParameterError("defaults.bias.level", level, f"one value, or {amplifiers}")
    return preset.defaults.model_dump(exclude_none=True)


def _folder() -> Path:
    # The package is always installed as files (hatchling wheel or editable), never as a zip.
    return Path(str(files("fullwell.detector"))) / "data"
