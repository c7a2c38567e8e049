"""Decide from the looks of all frames together which of them cannot serve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fullwell.night.converters import Converters
from fullwell.night.looking import Look
from fullwell.sorting import FrameRecord, Group, SetAside, group

__all__ = ["judge"]

LAMP_OFF = 0.2  # of the level of the other flats
FAR = 8.0  # robust sigmas
EMPTY = 0.5  # of the pixels
#: What is compared among equals, its name, and the least difference that counts, in units of the noise.
#: The raw level may drift where an overscan takes that out again; a half-read frame shows in it all the same.
COMPARED = (
    ("above_overscan", "level", 3.0),
    ("level", "raw level", 20.0),
    ("lowest", "level of the faintest pixels", 20.0),
    ("noise", "noise", 0.2),
    ("gradient_x", "gradient along x", 1.0),
    ("gradient_y", "gradient along y", 1.0),
)
#: By how many noises a shorter dark must lie above a longer one.
FALLING = (("above_overscan", 3.0), ("level", 20.0))


def judge(
    records: Sequence[FrameRecord],
    looks: Mapping[str, Look],
    converters: Converters,
    *,
    saturated: float,
    saturation: float | None = None,
) -> list[SetAside]:
    """Decide which frames cannot serve, from their looks.

    Parameters
    ----------
    records : sequence of FrameRecord
    looks : mapping of str to Look
        By content hash.
    converters : Converters
    saturated : float
        Fraction of saturated pixels from which a flat is of no use.
    saturation : float, optional
        ADU, as the user told.

    Returns
    -------
    list of SetAside
        Each with the reason and the numbers behind it.

    Notes
    -----
    Biases, darks and flats are compared with those they would be combined with. What lies below every bias
    and dark of its camera by more than ten times their noise had its bias taken out before: nothing raw can
    be there.
    """
    families: dict[Any, list[FrameRecord]] = defaultdict(list)
    result: list[SetAside] = []
    for record in records:
        known = record.metadata
        families[known.camera.value, record.shape, known.binning.value].append(record)
    for family in families.values():
        limits = {r.name: converters.of([r], saturation=saturation) for r in family}
        tops = {name: min(adc.maximum, adc.saturation or adc.maximum) for name, adc in limits.items()}
        found = [_unusable(r, looks[r.content_hash], tops[r.name], saturated) for r in family]
        found += _same_pixels(_rest(family, found), looks)
        rest = _rest(family, found)
        found += _odd_levels(rest, looks)
        found += _falling_darks(_rest(family, found), looks)
        # Only what is no odd one itself can say how dark it gets.
        rest = _rest(family, found)
        quiet = [looks[r.content_hash] for r in rest if r.type in ("bias", "dark")]
        floor = min((q.lowest - 10 * q.noise for q in quiet if np.isfinite(q.noise)), default=None)
        found += [_too_dark(record, looks[record.content_hash], floor) for record in rest]
        found += _lamp_off(_rest(family, found), looks, min((q.level for q in quiet), default=0.0))
        result += [one for one in found if one is not None]
    return result


def _rest(records: Sequence[FrameRecord], found: Sequence[SetAside | None]) -> list[FrameRecord]:
    gone = {one.name for one in found if one is not None}
    return [record for record in records if record.name not in gone]


def _unusable(record: FrameRecord, seen: Look, top: float, allowed: float) -> SetAside | None:
    """Judge a frame alone."""
    if not np.isfinite(seen.level):
        return SetAside(record.name, "no pixel has a finite value", "error")
    pixels = seen.not_finite / (record.shape[0] * record.shape[1])
    if pixels > EMPTY:
        return SetAside(record.name, f"{100 * pixels:.0f} % of the pixels have no finite value", "error")
    # Values that do not tell the shift do not tell the top either; the other frames of the camera do.
    saturated = seen.saturated if seen.shift is not None else seen.at_highest * (seen.highest >= top)
    saturated = max(saturated, seen.saturated)
    if record.type == "flat" and saturated > allowed:
        return SetAside(
            record.name,
            f"saturated flat: {100 * saturated:.1f} % of the pixels are at the top of the converter "
            f"({top:.0f} ADU)",
        )
    if record.type in ("bias", "dark") and saturated > EMPTY:
        return SetAside(
            record.name, f"{100 * saturated:.0f} % of the pixels are saturated, not a {record.type}"
        )
    return None


def _too_dark(record: FrameRecord, seen: Look, floor: float | None) -> SetAside | None:
    if record.type not in ("science", "flat") or floor is None or seen.lowest >= floor:
        return None
    return SetAside(
        record.name,
        f"calibrated before: its faintest pixels ({seen.lowest:.0f} ADU) lie below every bias and dark "
        f"(down to {floor:.0f} ADU), so its bias was taken out although no card says so",
    )


def _odd_levels(records: Sequence[FrameRecord], looks: Mapping[str, Look]) -> list[SetAside]:
    """Biases and darks that stand out among their equals: light leak, wrong length, half-read frame."""
    result: dict[str, SetAside] = {}
    for equals in group(records):
        members, kind = equals.records, equals.type
        if kind not in ("bias", "dark") or len(members) < 3:
            continue
        for what, name, floor in COMPARED:
            values = np.array([getattr(looks[r.content_hash], what) for r in members])
            typical = float(np.median([looks[r.content_hash].noise for r in members]))
            middle = float(np.median(values))
            spread = 1.4826 * float(np.median(np.abs(values - middle)))
            far = np.abs(values - middle) > np.maximum(FAR * spread, floor * typical)
            for record, value in zip(np.array(members, object)[far], values[far], strict=True):
                hint = (
                    " (light leak, or another exposure time?)" if name == "level" and value > middle else ""
                )
                reason = f"odd {kind}: {name} {value:.1f} ADU, the others have {middle:.1f}{hint}"
                result.setdefault(record.name, SetAside(record.name, reason))
    return list(result.values())


def _same_pixels(records: Sequence[FrameRecord], looks: Mapping[str, Look]) -> list[SetAside]:
    """Find frames that hold the pixels of another one, packed in another way or under another header."""
    first: dict[str, str] = {}
    result = []
    for record in records:
        pixels = looks[record.content_hash].pixels
        if pixels and first.setdefault(pixels, record.name) != record.name:
            result.append(SetAside(record.name, f"has the same pixels as {first[pixels]}; counted once"))
    return result


def _falling_darks(records: Sequence[FrameRecord], looks: Mapping[str, Look]) -> list[SetAside]:
    """Find darks brighter than longer ones: a light leak, a flat under a wrong card. The fewer frames go."""
    darks: dict[Any, list[Group]] = defaultdict(list)
    for equals in group(records):
        if equals.type == "dark" and equals.exposure_time is not None:
            darks[equals.configuration].append(equals)
    gone: dict[Group, str] = {}
    for lengths in darks.values():
        ordered = sorted(lengths, key=lambda one: one.exposure_time or 0.0)
        for i, shorter in enumerate(ordered):
            for longer in ordered[i + 1 :]:
                if shorter in gone or longer in gone:
                    continue
                noise = _middle(longer, looks, "noise")
                steps = [
                    (_middle(shorter, looks, what) - _middle(longer, looks, what), k) for what, k in FALLING
                ]
                above = max(step for step, _ in steps)
                if any(step > k * noise for step, k in steps):
                    odd = shorter if len(shorter.records) <= len(longer.records) else longer
                    gone[odd] = (
                        f"odd dark: darks of {shorter.exposure_time:g} s are {above:.0f} ADU brighter than "
                        f"those of {longer.exposure_time:g} s (light leak, or no dark?)"
                    )
    return [SetAside(record.name, reason) for one, reason in gone.items() for record in one.records]


def _middle(equals: Group, looks: Mapping[str, Look], what: str) -> float:
    return float(np.median([getattr(looks[record.content_hash], what) for record in equals.records]))


def _lamp_off(records: Sequence[FrameRecord], looks: Mapping[str, Look], darkest: float) -> list[SetAside]:
    result = []
    for equals in group(records):
        if equals.type != "flat":
            continue
        light = np.array([looks[r.content_hash].level - darkest for r in equals.records])
        typical = float(np.median(light))
        for record, level in zip(equals.records, light, strict=True):
            if level < LAMP_OFF * typical or level < 5 * looks[record.content_hash].noise:
                reason = f"lamp off? {level:.0f} ADU of light, the others have {typical:.0f} ADU"
                result.append(SetAside(record.name, reason))
    return result
