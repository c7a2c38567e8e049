"""Row time of a smear from parallel overscan rows, whose packets hold nothing but smear."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Amplifier
from fullwell.effects.base import Chain
from fullwell.effects.smear import read_last, undo_smear
from fullwell.errors import ChainError, NotEnoughFrames
from fullwell.flags import Flags
from fullwell.frame import Frame, FrameSet, as_frame

__all__ = ["fit_row_time"]

ROUNDS = 8
#: Planes that tell that the sum of a column is not known.
UNKNOWN = np.uint16(Flags.SATURATED | Flags.BLEED | Flags.NO_DATA)


def fit_row_time(
    frames: FrameSet | Iterable[Any], *, known: Chain | None, transfer: str, skip: int
) -> tuple[float, float]:
    """Return seconds a row and their standard error; see `Smear.measure`."""
    columns = [part for frame in frames for part in _columns(as_frame(frame), known, skip)]
    if not columns:
        raise NotEnoughFrames("smear is measured in parallel overscan behind the data, and there is none")
    row_time = error = 0.0
    for _ in range(ROUNDS):
        lights = [_light(part, row_time, transfer) for part in columns]
        total = sum(float((light**2).sum()) for light in lights)
        if not total > 0:
            raise ChainError("there is no light in these frames that could be smeared")
        pairs = list(zip(lights, columns, strict=True))
        row_time = max(sum(float((light * part.smear).sum()) for light, part in pairs) / total, 0.0)
        # The level beside the rows is one number for all columns of an amplifier.
        scatter = sum(float((light**2 * part.variance).sum()) for light, part in pairs)
        common = sum(float(light.sum()) ** 2 * part.level_variance for light, part in pairs)
        error = float(np.sqrt(scatter + common)) / total
    return row_time, error


@attrs.frozen(eq=False)
class _Columns:
    """Data of one amplifier in read order above their level, its overscan likewise, and seconds of light."""

    data: npt.NDArray[np.float64]
    smear: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]
    level_variance: float
    seconds: float


def _light(part: _Columns, row_time: float, transfer: str) -> npt.NDArray[np.float64]:
    """Light of each column a second."""
    before = part.data.copy()
    undo_smear(before, min(row_time / part.seconds, 0.5), transfer)
    return np.asarray(before.sum(axis=0) / part.seconds)


def _columns(frame: Frame, known: Chain | None, skip: int) -> list[_Columns]:
    detector = frame.detector
    if detector is None or frame.layout != "raw":
        raise ChainError("smear is measured on raw frames, whose overscan is still there")
    if not frame.exposure_time or not frame.exposure_time > 0:
        raise ChainError("smear is measured on frames with an exposure time above 0 s")
    flags = frame.flags.copy()
    for name in ("adc", "full_well"):
        effect = None if known is None else known.get(name)
        found = None if effect is None else effect.flag(frame)
        flags |= 0 if found is None else found
    bias: Any = None if known is None else known.get("bias")
    found_columns = []
    for i, amplifier in enumerate(detector.amplifiers):
        if not read_last(amplifier) or amplifier.parallel is None or amplifier.parallel.shape[0] <= skip + 1:
            continue
        level, corner, uncertain = _levels(frame, amplifier, i, bias)
        right, top = amplifier.raw_corner
        step = (slice(None, None, -1 if top else 1), slice(None, None, -1 if right else 1))
        data = frame.data[amplifier.data.slices][step].astype(np.float64) - level
        rows = frame.data[amplifier.parallel.slices][step].astype(np.float64)[skip:] - corner
        good = np.isfinite(data).all(axis=0) & np.isfinite(rows).all(axis=0)
        good &= (flags[amplifier.data.slices][step] & UNKNOWN == 0).all(axis=0)
        data, rows = data[:, good], rows[:, good]
        variance = rows.var(axis=0, ddof=1) / len(rows)
        found_columns.append(
            _Columns(data, rows.mean(axis=0), variance, uncertain, float(frame.exposure_time))
        )
    return found_columns


def _levels(frame: Frame, amplifier: Amplifier, i: int, bias: Any) -> tuple[float, float, float]:
    """Level beneath the data and beneath the parallel overscan, and the variance of the latter."""
    assert amplifier.parallel is not None
    if amplifier.overscan is not None:
        beside, rows = amplifier.overscan, amplifier.parallel
        corner = frame.data[rows.y0 : rows.y1, beside.x0 : beside.x1].astype(np.float64)
        return (
            float(np.mean(frame.data[beside.slices])),
            float(corner.mean()),
            float(corner.var() / corner.size),
        )
    if bias is None or not len(bias.level):
        raise ChainError(
            f"amplifier {amplifier.name} has no serial overscan; a Bias in `known` gives its level"
        )
    level = float(bias.level[i if len(bias.level) > 1 else 0])
    return level, level, 0.0
