"""Parameters of the effects as tables of a configuration file: of a detector, and of a scenario."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fullwell.config import ConfigModel
from fullwell.detector.values import Count, Fraction, NotNegative, Number, Positive

__all__ = [
    "BiasTable",
    "BiasWanderTable",
    "BrighterFatterTable",
    "CodeErrorsTable",
    "CorrelatedNoiseTable",
    "CrosstalkTable",
    "DefectsTable",
    "DiffusionTable",
    "FringesTable",
    "FullWellTable",
    "GlowTable",
    "IlluminationTable",
    "NonLinearityTable",
    "PersistenceTable",
    "ReadOutDarkTable",
    "ShutterTable",
    "SmearTable",
    "TelegraphTable",
    "TransferTable",
    "TrapTable",
    "XRaysTable",
]

Matrix = tuple[tuple[Number, ...], ...]


class Falloff(ConfigModel):
    """Bias that falls off exponentially from the left edge: ADU there, and length in frame widths."""

    amplitude: Number
    length: Positive


class BiasTable(ConfigModel):
    """Pedestal in ADU, its level one for all amplifiers or one each."""

    level: Number | tuple[Number, ...] = 0.0
    drift: NotNegative = 0.0
    gradient: tuple[Number, Number] = (0.0, 0.0)
    falloff: Falloff | None = None
    structure: NotNegative = 0.0
    bad_columns: Count = 0
    bad_column_height: NotNegative = 0.0


class ShutterTable(ConfigModel):
    """Seconds of exposure too many: blades (`travel`), or two curtains (`skew` along `axis`)."""

    kind: Literal["iris", "curtain"]
    travel: NotNegative = 0.0
    skew: Number = 0.0
    axis: Literal[0, 1] = 0
    offset: Number = 0.0

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if self.kind == "iris" and self.skew:
            raise ValueError("an iris has travel, skew belongs to a curtain")
        if self.kind == "curtain" and self.travel:
            raise ValueError("a curtain has skew, travel belongs to an iris")
        return self


class FringesTable(ConfigModel):
    """Fringes of the sky in one filter: visibility in the sky level, lines in nm, silicon in micrometers.

    `variation` is the relative standard deviation of the amplitude from frame to frame.
    """

    visibility: Annotated[float, Field(gt=0, le=1)] = 0.04
    lines: tuple[tuple[Positive, Positive], ...] = ((925.0, 1.0), (937.0, 0.8), (952.0, 0.6))
    thickness: Positive = 40.0
    roughness: NotNegative = 1.0
    variation: NotNegative = 0.0


class IlluminationTable(ConfigModel):
    """Light of the lamp over that of the sky: change across columns and rows, and from center to corners."""

    gradient: tuple[Number, Number] = (0.0, 0.0)
    bowl: Annotated[float, Field(gt=-1, lt=1)] = 0.0


class DiffusionTable(ConfigModel):
    """Spread of charge in pixels, and absorption length over thickness."""

    sigma: NotNegative
    absorption: NotNegative = 0.0


class SmearTable(ConfigModel):
    """Light that falls during transfer: seconds a row."""

    row_time: NotNegative
    transfer: Literal["frame", "read-out"] = "frame"


class BrighterFatterTable(ConfigModel):
    """Area lost by a pixel for each electron it holds, 1/e-; negative."""

    a00: Annotated[float, Field(le=0, allow_inf_nan=False)]


class TelegraphTable(ConfigModel):
    """Random telegraph pixels: fraction of all, amplitudes in e-/s, mean seconds in the two levels."""

    fraction: Fraction
    amplitude: tuple[Positive, Positive]
    time_high: Positive = 600.0
    time_low: Positive = 600.0


class GlowTable(ConfigModel):
    """Glow of the output amplifiers: e-/s in their corners, and pixels in which it falls to 1/e."""

    rate: NotNegative
    radius: Positive = 50.0


class PersistenceTable(ConfigModel):
    """Traps that remember: fraction of the charge above the threshold (e-), seconds, capacity (e-).

    One number, or one for each kind of trap.
    """

    fraction: Fraction | tuple[Fraction, ...] = 1e-3
    time_constant: Positive | tuple[Positive, ...] = 200.0
    threshold: NotNegative = 0.0
    capacity: NotNegative | tuple[NotNegative, ...] | None = None


class XRaysTable(ConfigModel):
    """Fe55 source of the exposures of that type: hits per second, and diffusion in pixels."""

    rate: NotNegative
    sigma: Annotated[float, Field(ge=0, le=20)] = 0.3


class FullWellTable(ConfigModel):
    """Full well and blooming onset in electrons."""

    capacity: Positive
    ptc_turnoff: Positive | None = None
    midline_stop: bool = False
    sharing: Annotated[float, Field(ge=0, le=0.25)] = 0.25
    anti_blooming: Fraction = 0.0


class DefectsTable(ConfigModel):
    """Pixels that collect nothing: a fraction of all, and whole columns."""

    dead_fraction: Fraction = 0.0
    dead_columns: Count = 0


class ReadOutDarkTable(ConfigModel):
    """Dark current of the sites that a packet passes: seconds a row."""

    row_time: NotNegative


class TrapTable(ConfigModel):
    """A trap in a register or each column: transfers to the output, e-, part taken, transfers to 1/e."""

    pixel: Count
    size: NotNegative
    fill: Fraction = 0.01
    release: Positive = 3.0


class TransferTable(ConfigModel):
    """Charge left behind in each transfer, local offset, and traps."""

    serial: NotNegative
    parallel: NotNegative
    offset: NotNegative = 0.0
    offset_decay: Positive = 5.0
    traps: tuple[TrapTable, ...] = ()
    parallel_traps: tuple[TrapTable, ...] = ()


class NonLinearityTable(ConfigModel):
    """Relative error at full well, which is that of ``effects.full_well`` if not given."""

    bend: Number
    capacity: Positive


class CorrelatedNoiseTable(ConfigModel):
    """Noise that is not white, in electrons; waves of `period` pixels."""

    rows: NotNegative = 0.0
    slow: NotNegative = 0.0
    banding: NotNegative = 0.0
    period: Positive = 100.0
    common: Fraction = 0.0


class CrosstalkTable(ConfigModel):
    """Between neighbors, falling by a factor from one to the next; or a matrix, rows the victims.

    The second matrix is in 1/e-.
    """

    neighbor: Number | None = None
    falloff: Annotated[float, Field(gt=0, lt=1)] = 0.15
    matrix: Matrix | None = None
    quadratic: Matrix | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.neighbor is None) == (self.matrix is None):
            raise ValueError("give neighbor or matrix, one of both")
        return self


class BiasWanderTable(ConfigModel):
    """What the level does within a frame, ADU; drift in ADU an hour from the start of the scenario."""

    ramp: Number = 0.0
    ramp_length: Positive = 30.0
    droop: Number = 0.0
    jump: NotNegative = 0.0
    jump_rate: NotNegative = 0.0
    drift: Number = 0.0


class CodeErrorsTable(ConfigModel):
    """Errors of the converter: scatter of the widths of its codes, and masks of bits that are stuck."""

    scatter: Annotated[float, Field(ge=0, le=0.3)] = 0.0
    stuck_high: Count = 0
    stuck_low: Count = 0
