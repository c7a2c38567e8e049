"""From tables of parameters to the effects of a detector that are the same in every exposure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.config import ConfigModel
from fullwell.detector import Detector
from fullwell.detector.effect_tables import (
    BiasTable,
    BrighterFatterTable,
    CrosstalkTable,
    DefectsTable,
    FullWellTable,
    IlluminationTable,
    NonLinearityTable,
    ShutterTable,
    TransferTable,
)
from fullwell.effects import (
    BiasWander,
    ChargeTransfer,
    CodeErrors,
    CorrelatedNoise,
    Crosstalk,
    Defects,
    Effect,
    FullWell,
    Glow,
    Illumination,
    NonLinearity,
    Polynomial,
    ReadOutDark,
    Shutter,
    Smear,
    Telegraph,
    Trap,
)
from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.effects.diffusion import Diffusion
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.noise import FIXED_PATTERN, Noise

__all__ = ["MAKERS", "Surroundings", "bias_structure", "lasting_effects"]


@attrs.frozen(eq=False)
class Surroundings:
    """What effects need to know beside their tables.

    Parameters
    ----------
    detector : Detector
    dark : ndarray of float32
        Dark current, e-/s.
    level : float or tuple of float
        Of the bias, ADU.
    seed : int
    """

    detector: Detector
    dark: npt.NDArray[np.float32]
    level: float | tuple[float, ...]
    seed: int


def lasting_effects(tables: Mapping[str, ConfigModel | None], around: Surroundings) -> list[Effect]:
    """Return the effects of the tables that are there.

    Parameters
    ----------
    tables : mapping
        By name of the effect, as `MAKERS` has them; others are left alone.
    around : Surroundings

    Raises
    ------
    ParameterError
        If a value is impossible.
    """
    return [make(table, around) for name, make in MAKERS.items() if (table := tables.get(name)) is not None]


def bias_structure(table: BiasTable, shape: tuple[int, int], *, seed: int) -> npt.NDArray[np.float32] | None:
    """Return what the pixels have on top of the bias level, ADU; None where that is nothing.

    A plane, an exponential fall-off from the left, fixed pixel-to-pixel scatter, and bad columns
    in which every row has its own excess, the same in all of them.
    """
    image = np.zeros(shape, np.float64)
    x, y = (np.arange(shape[1]) + 0.5) / shape[1], (np.arange(shape[0]) + 0.5) / shape[0]
    image += table.gradient[0] * (x - 0.5) + table.gradient[1] * (y - 0.5)[:, None]
    if table.falloff is not None:
        image += table.falloff.amplitude * np.exp(-x / table.falloff.length)
    if table.structure:
        image += table.structure * Noise(seed, FIXED_PATTERN).stream("bias_structure").normal(shape)
    if table.bad_columns:
        stream = Noise(seed, FIXED_PATTERN).stream("bias_bad_columns")
        columns = np.argsort(stream.uniform(shape[1]), kind="stable")[: table.bad_columns]
        excess = np.floor(table.bad_column_height * stream.uniform(shape[0], draw=1))
        image[:, np.sort(columns)] += excess[:, None]
    return image.astype(np.float32) if image.any() else None


def _shutter(table: ShutterTable, around: Surroundings) -> Effect:
    shape = around.detector.shape
    if table.kind == "iris":
        return Shutter.iris(shape, travel=table.travel, offset=table.offset)
    return Shutter.curtain(shape, skew=table.skew, offset=table.offset, axis=table.axis)


def _illumination(table: IlluminationTable, around: Surroundings) -> Effect:
    rows, columns = around.detector.shape
    y = ((np.arange(rows) + 0.5) / rows - 0.5)[:, None]
    x = (np.arange(columns) + 0.5) / columns - 0.5
    pattern = 1 + table.gradient[0] * x + table.gradient[1] * y - table.bowl * 2 * (x * x + y * y)
    return Illumination((pattern / np.median(pattern)).astype(np.float32))


def _brighter_fatter(table: BrighterFatterTable, around: Surroundings) -> Effect:
    stated = {"brighter_fatter": table.model_dump()}
    return BrighterFatter.of(attrs.evolve(around.detector, defaults=stated))


def _full_well(table: FullWellTable, around: Surroundings) -> Effect:
    values = table.model_dump(exclude={"ptc_turnoff"})
    gain = [amplifier.gain or 1.0 for amplifier in around.detector.amplifiers]
    return FullWell(**values, onset=table.ptc_turnoff).in_adu(gain=gain, bias=around.level)


def _defects(table: DefectsTable, around: Surroundings) -> Effect:
    shape = around.detector.shape
    stream = Noise(around.seed, FIXED_PATTERN).stream("defects")
    dead = stream.uniform(shape) < table.dead_fraction
    dead[:, np.argsort(stream.uniform(shape[1], draw=1), kind="stable")[: table.dead_columns]] = True
    return Defects(np.where(dead, FLAG_DTYPE.type(Flags.DEAD), FLAG_DTYPE.type(0)))


def _transfer(table: TransferTable, _: Surroundings) -> Effect:
    traps, parallel = (
        [Trap(**trap.model_dump()) for trap in kind] for kind in (table.traps, table.parallel_traps)
    )
    values = table.model_dump(exclude={"traps", "parallel_traps"})
    return ChargeTransfer(**values, traps=traps, parallel_traps=parallel)


def _nonlinearity(table: NonLinearityTable, _: Surroundings) -> Effect:
    return NonLinearity(Polynomial([-table.bend / table.capacity], limit=1.5 * table.capacity))


def _crosstalk(table: CrosstalkTable, around: Surroundings) -> Effect:
    if table.matrix is not None:
        return Crosstalk(table.matrix, table.quadratic)
    return Crosstalk(_by_neighbors(around.detector, table.neighbor or 0.0, table.falloff), table.quadratic)


def _by_neighbors(detector: Detector, neighbor: float, falloff: float) -> npt.NDArray[np.float64]:
    """Amplifiers that are read out side by side in one half of the detector talk to each other."""
    number = len(detector.amplifiers)
    matrix: npt.NDArray[np.float64] = np.zeros((number, number))
    halves: dict[int, list[int]] = {}
    for i, amplifier in enumerate(detector.amplifiers):
        halves.setdefault(amplifier.box.y0, []).append(i)
    for members in halves.values():
        order = sorted(members, key=lambda i: detector.amplifiers[i].box.x0)
        for a, i in enumerate(order):
            for b, j in enumerate(order):
                if i != j:
                    matrix[i, j] = neighbor * falloff ** (abs(a - b) - 1)
    return matrix


#: Effects by name, each made from its table.
MAKERS: dict[str, Callable[[Any, Surroundings], Effect]] = {
    "shutter": _shutter,
    "illumination": _illumination,
    "diffusion": lambda table, _: Diffusion(**table.model_dump()),
    "smear": lambda table, _: Smear(**table.model_dump()),
    "brighter_fatter": _brighter_fatter,
    "telegraph": lambda table, around: Telegraph.random(
        around.detector.shape, **table.model_dump(), seed=around.seed
    ),
    "glow": lambda table, around: Glow.at_amplifiers(around.detector, **table.model_dump()),
    "full_well": _full_well,
    "defects": _defects,
    "read_out_dark": lambda table, around: ReadOutDark(around.dark, **table.model_dump()),
    "cti": _transfer,
    "nonlinearity": _nonlinearity,
    "correlated_noise": lambda table, _: CorrelatedNoise(**table.model_dump()),
    "crosstalk": _crosstalk,
    "bias_wander": lambda table, _: BiasWander(**table.model_dump()),
    "code_errors": lambda table, around: CodeErrors.random(
        around.detector.adc_bits, **table.model_dump(), seed=around.seed
    ),
}
