"""Look at each frame before it is used: level, noise, gradient, saturation, and what they give away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector.bits import effective_bits
from fullwell.effects.assembly import assembled
from fullwell.effects.overscan import Overscan
from fullwell.frame import Frame
from fullwell.sorting import FrameRecord, SetAside

__all__ = ["Look", "judge", "look"]

EDGE = 0.1  # of the width or height, for gradients
LAMP_OFF = 0.2  # of the level of the other flats
FAR = 8.0  # robust sigmas


@attrs.frozen
class Look:
    """Numbers of one raw frame, of its light-sensitive area, in ADU.

    Parameters
    ----------
    level : float
        Clipped mean.
    lowest : float
        First percentile.
    noise : float
        Standard deviation of neighbor differences over sqrt(2), clipped at 5 sigma.
    gradient_x, gradient_y : float
        Median of the last tenth of columns (rows) minus that of the first.
    saturated : float
        Fraction of pixels at the upper end of the converter.
    bits, shift : int
        Bits of the converter as far as the values tell, and how far they are shifted to the left.
    overscan : float or None
        Mean over the amplifiers of the clipped mean of their overscan.
    not_finite : int
        Pixels without a value.
    """

    level: float
    lowest: float
    noise: float
    gradient_x: float
    gradient_y: float
    saturated: float
    bits: int
    shift: int
    overscan: float | None
    not_finite: int

    @property
    def above_overscan(self) -> float:
        """Level, freed from the drift that the overscan shows, where there is one."""
        return self.level if self.overscan is None else self.level - self.overscan


def look(frame: Frame, *, bits: int = 16, saturation: float | None = None) -> Look:
    """Measure one raw frame.

    Parameters
    ----------
    frame : Frame
        Raw, in ADU.
    bits : int
        Bits of the stored values.
    saturation : float, optional
        ADU from which pixels count as saturated; the top of the converter if not given.

    Returns
    -------
    Look
    """
    known = effective_bits(frame.data, bits=bits) if frame.data.dtype.kind in "iu" else None
    effective, shift = known if known is not None else (bits, 0)
    top = float(((1 << effective) - 1) << shift)
    limit = top if saturation is None else min(saturation, top)
    overscan = None
    detector = frame.detector
    if detector is not None and frame.layout == "raw" and all(a.overscan is not None for a in detector.amplifiers):
        overscan = float(np.mean([level for level, _ in Overscan(skip=(0, 0)).level(frame)]))
    data = assembled(frame).data
    finite = np.isfinite(data)
    values = data[finite].astype(np.float64)
    if values.size == 0:
        nothing = float("nan")
        return Look(nothing, nothing, nothing, nothing, nothing, 0.0, effective, shift, overscan, int(data.size))
    edge_x, edge_y = (max(1, int(EDGE * n)) for n in (data.shape[1], data.shape[0]))
    return Look(
        level=_clipped_mean(values),
        lowest=float(np.percentile(values, 1)),
        noise=_noise(data),
        gradient_x=_median(data[:, -edge_x:]) - _median(data[:, :edge_x]),
        gradient_y=_median(data[-edge_y:]) - _median(data[:edge_y]),
        saturated=float((values >= limit).mean()),
        bits=effective,
        shift=shift,
        overscan=overscan,
        not_finite=int(data.size - values.size),
    )


def _median(data: npt.NDArray[Any]) -> float:
    return float(np.nanmedian(np.where(np.isfinite(data), data, np.nan))) if np.isfinite(data).any() else float("nan")


def _clipped_mean(values: npt.NDArray[np.float64]) -> float:
    for _ in range(10):
        inside = np.abs(values - np.median(values)) <= 5 * values.std()
        if inside.all():
            break
        values = values[inside]
    return float(values.mean())


def _noise(data: npt.NDArray[Any]) -> float:
    # Differences two columns apart: neighbors share charge by diffusion or smoothing, fixed gradients cancel.
    difference = data[:, 2:].astype(np.float64) - data[:, :-2]
    values = difference[np.isfinite(difference)]
    for _ in range(10):
        inside = np.abs(values - np.median(values)) <= 5 * values.std()
        if values.size < 2 or inside.all():
            break
        values = values[inside]
    return float(values.std() / np.sqrt(2)) if values.size else float("nan")


def judge(records: Sequence[FrameRecord], looks: Mapping[str, Look], *, saturated: float) -> list[SetAside]:
    """Decide which frames cannot serve, from their looks.

    Parameters
    ----------
    records : sequence of FrameRecord
    looks : mapping of str to Look
        By content hash.
    saturated : float
        Fraction of saturated pixels from which a flat is of no use.

    Returns
    -------
    list of SetAside
        Each with the reason and the numbers behind it.

    Notes
    -----
    Frames are compared within one camera, size, binning and temperature class. What lies below every bias and
    dark by more than ten times their noise had its bias taken out before: nothing raw can be there.
    """
    result: list[SetAside] = []
    families: dict[Any, list[FrameRecord]] = defaultdict(list)
    for record in records:
        known = record.metadata
        families[known.camera.value, record.shape, known.binning.value].append(record)
    for family in families.values():
        quiet = [looks[r.content_hash] for r in family if r.type in ("bias", "dark")]
        floor = min((q.lowest - 10 * q.noise for q in quiet), default=None)
        darkest = min((q.level for q in quiet), default=0.0)
        for record in family:
            reason = _alone(record, looks[record.content_hash], floor, saturated)
            if reason:
                result.append(SetAside(record.name, reason))
        gone = {aside.name for aside in result}
        rest = [record for record in family if record.name not in gone]
        result += _odd_levels(rest, looks) + _lamp_off(rest, looks, darkest)
    return result


def _alone(record: FrameRecord, seen: Look, floor: float | None, saturated: float) -> str | None:
    if not np.isfinite(seen.level):
        return "no pixel has a finite value"
    if record.type in ("science", "flat") and floor is not None and seen.lowest < floor:
        return (
            f"calibrated before: its faintest pixels ({seen.lowest:.0f} ADU) lie below every bias and dark "
            f"(down to {floor:.0f} ADU), so its bias was taken out although no card says so"
        )
    if record.type == "flat" and seen.saturated > saturated:
        return f"saturated flat: {100 * seen.saturated:.1f} % of the pixels are at the top of the converter"
    if record.type in ("bias", "dark") and seen.saturated > 0.5:
        return f"{100 * seen.saturated:.0f} % of the pixels are saturated, not a {record.type}"
    return None


def _odd_levels(records: Sequence[FrameRecord], looks: Mapping[str, Look]) -> list[SetAside]:
    """Biases and darks that stand out among their equals: light leak, wrong length, half-read frame."""
    equals: dict[Any, list[FrameRecord]] = defaultdict(list)
    for record in records:
        if record.type in ("bias", "dark"):
            temperature = record.metadata.set_temperature.value
            seconds = record.metadata.exposure_time.value if record.type == "dark" else None
            equals[record.type, seconds, temperature].append(record)
    result = []
    for (kind, *_), group in equals.items():
        if len(group) < 3:
            continue
        for what, limit, floor in (("above_overscan", FAR, 3.0), ("noise", FAR, 0.2)):
            values = np.array([getattr(looks[r.content_hash], what) for r in group])
            middle, typical = float(np.median(values)), float(np.median([looks[r.content_hash].noise for r in group]))
            spread = 1.4826 * float(np.median(np.abs(values - middle)))
            far = np.abs(values - middle) > np.maximum(limit * spread, floor * typical)
            for record, value, odd in zip(group, values, far, strict=True):
                if odd and not any(aside.name == record.name for aside in result):
                    name = "noise" if what == "noise" else "level"
                    hint = " (light leak, or another exposure time?)" if name == "level" and value > middle else ""
                    result.append(
                        SetAside(record.name, f"odd {kind}: {name} {value:.1f} ADU, the others have {middle:.1f}{hint}")
                    )
    return result


def _lamp_off(records: Sequence[FrameRecord], looks: Mapping[str, Look], darkest: float) -> list[SetAside]:
    filters: dict[Any, list[FrameRecord]] = defaultdict(list)
    for record in records:
        if record.type == "flat":
            filters[record.metadata.filter.value].append(record)
    result = []
    for group in filters.values():
        light = np.array([looks[r.content_hash].level - darkest for r in group])
        typical = float(np.median(light))
        for record, level in zip(group, light, strict=True):
            if level < LAMP_OFF * typical or level < 5 * looks[record.content_hash].noise:
                result.append(
                    SetAside(record.name, f"lamp off? {level:.0f} ADU of light, the others have {typical:.0f} ADU")
                )
    return result

