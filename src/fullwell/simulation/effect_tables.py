"""The tables under ``[effects]`` of a scenario; what is not there does not act."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from fullwell.config import ConfigModel
from fullwell.detector.effect_tables import (
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
    IlluminationTable,
    NonLinearityTable,
    PersistenceTable,
    ReadOutDarkTable,
    ShutterTable,
    SmearTable,
    TelegraphTable,
    TransferTable,
    XRaysTable,
)

__all__ = ["EffectsTable"]

#: What the preset of a detector may state; ``without`` leaves some of it out.
Stated = Literal[
    "bias",
    "bias_wander",
    "brighter_fatter",
    "code_errors",
    "correlated_noise",
    "cosmic_rays",
    "crosstalk",
    "cti",
    "dark",
    "defects",
    "diffusion",
    "fringes",
    "full_well",
    "glow",
    "nonlinearity",
    "persistence",
    "read_out_dark",
    "response",
    "shutter",
    "telegraph",
]


class EffectsTable(ConfigModel):
    """Effects beyond bias, dark, flat and cosmic rays, which have tables of their own.

    With `detector`, everything that the preset of the detector states is taken, here and in those tables,
    but for what is listed in `without`; keys of the scenario go first.
    """

    detector: bool = False
    without: tuple[Stated, ...] = ()
    shutter: ShutterTable | None = None
    fringes: dict[str, FringesTable] = Field(default_factory=dict)
    illumination: IlluminationTable | None = None
    diffusion: DiffusionTable | None = None
    smear: SmearTable | None = None
    brighter_fatter: BrighterFatterTable | None = None
    telegraph: TelegraphTable | None = None
    glow: GlowTable | None = None
    persistence: PersistenceTable | None = None
    xrays: XRaysTable | None = None
    full_well: FullWellTable | None = None
    defects: DefectsTable | None = None
    read_out_dark: ReadOutDarkTable | None = None
    cti: TransferTable | None = None
    nonlinearity: NonLinearityTable | None = None
    correlated_noise: CorrelatedNoiseTable | None = None
    crosstalk: CrosstalkTable | None = None
    bias_wander: BiasWanderTable | None = None
    code_errors: CodeErrorsTable | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_full_well(cls, values: Any) -> Any:
        bend, well = (
            values.get(k) if isinstance(values, dict) else None for k in ("nonlinearity", "full_well")
        )
        if isinstance(bend, dict) and isinstance(well, dict) and "capacity" in well:
            return values | {"nonlinearity": {"capacity": well["capacity"]} | bend}
        return values

    @model_validator(mode="after")
    def _without_of_what(self) -> Self:
        if self.without and not self.detector:
            raise ValueError("without leaves out what the detector states; set detector = true")
        return self
