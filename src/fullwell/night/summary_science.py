"""The part of the report on science frames: each before and after, in pictures and in numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable

from fullwell.night.results import NightResult
from fullwell.night.summary_parts import DARK_RULES, Row, fixed, number, picture, status_badge, unit_name
from fullwell.report import (
    Block,
    Card,
    Change,
    Code,
    Column,
    Fact,
    Facts,
    Link,
    Listing,
    Number,
    Pair,
    Section,
    TableBlock,
    Text,
)

__all__ = ["science_section"]


def science_section(result: NightResult) -> Section | None:
    """Show each science frame; None if there is none."""
    frames = result.data["calibrated"]
    if not frames:
        return None
    blocks: list[Block] = [_overview(frames), *(_one(frame, result) for frame in frames)]
    lead = "Each frame before and after. Gray scales stand below the pictures; brick red: no good pixel."
    return Section("Science frames", tuple(blocks), lead=lead)


def _overview(frames: Iterable[Row]) -> TableBlock:
    rows = []
    for frame in frames:
        after = frame.get("after") or {}
        rows.append(
            (
                Code(frame["raw"]),
                frame["filter"],
                number(frame["exposure_time"], 5),
                _short(frame["bias"]),
                _short(frame["dark"]),
                _short(frame["flat"]),
                fixed(after.get("background"), 2),
                fixed(after.get("noise"), 2),
                fixed(frame.get("noise_over_predicted"), 3),
                unit_name(frame.get("unit")) or None,
                status_badge(frame["status"], "calibrated"),
            )
        )
    columns = (
        "Raw frame",
        "Filter",
        Column("Exposure", "s"),
        "Bias",
        "Dark",
        "Flat",
        Column("Background", note="median of the unmasked pixels"),
        Column("Noise", note="of one pixel, from differences of neighbors"),
        Column(
            "Noise / predicted",
            note="differences of neighbors in units of their predicted errors: 1 where the variance is right",
        ),
        "Unit",
        "",
    )
    return TableBlock(columns=columns, rows=rows, caption="All science frames", key="calibrated")


def _short(name: str | None) -> Code | None:
    """Name of a master without its kind, which the column says."""
    return None if name is None else Code(name.partition("-")[2])


def _predicted(frame: Row) -> float | None:
    variance = frame.get("variance_median")
    return math.sqrt(variance) if variance is not None and variance > 0 else None


def _one(frame: Row, result: NightResult) -> Block:
    badge, link = status_badge(frame["status"], "calibrated"), Link(frame["path"])
    if frame["status"] != "done":
        return Card(frame["raw"], badge, blocks=(Text(str(frame["reason"] or "planned")),))
    unit = unit_name(frame["unit"])
    before, after = (
        picture(result, frame["path"], f"{when}_picture", frame, alt=f"{frame['raw']}, {words}", unit=unit)
        for when, words in (("before", "as read out"), ("after", "calibrated"))
    )
    facts, changes = _facts(frame), _changes(frame, unit)
    if before is None or after is None:
        return Card(frame["raw"], badge, link, facts=facts, blocks=(_numbers(changes), *_remarks(frame)))
    return Pair(
        title=frame["raw"],
        before=before,
        after=after,
        changes=changes,
        before_label="Raw",
        after_label="Calibrated",
        note=" ".join(_sentence(text) for text in frame["warnings"]),
        badge=badge,
        link=link,
        facts=facts,
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _remarks(frame: Row) -> tuple[Listing, ...]:
    return (Listing(frame["warnings"]),) if frame["warnings"] else ()


def _changes(frame: Row, unit: str) -> tuple[Change, ...]:
    before, after = frame["before"], frame["after"]
    labels = (
        ("Background", "background"),
        ("Sigma of the frame", "sigma"),
        ("Noise of a pixel", "noise"),
        ("Gradient in x", "gradient_x"),
        ("Gradient in y", "gradient_y"),
    )
    changes = [
        Change(label, fixed(before.get(key), 2), fixed(after.get(key), 2), unit) for label, key in labels
    ]
    if _predicted(frame) is not None:
        changes.insert(3, Change("Noise predicted, median", None, fixed(_predicted(frame), 2), unit))
    if frame.get("noise_over_predicted") is not None:
        changes.insert(4, Change("Noise / predicted", None, fixed(frame["noise_over_predicted"], 3)))
    hot = Change("Hot outliers", before.get("hot_outliers"), after.get("hot_outliers"), "pixels")
    return (*changes, hot)


def _numbers(changes: Iterable[Change]) -> TableBlock:
    """Return the numbers as a table, where there are no pictures for them to stand beside."""
    rows = [(change.label, change.before, change.after, change.unit) for change in changes]
    return TableBlock(columns=("Measured", "Raw", "Calibrated", "Unit"), rows=rows)


def _facts(frame: Row) -> Facts:
    facts = []
    for kind in ("bias", "dark", "flat"):
        name, why = frame[kind], frame["why"].get(kind, "")
        rule = (
            f"; {DARK_RULES.get(frame['dark_rule'], frame['dark_rule'])}"
            if kind == "dark" and frame.get("dark_rule")
            else ""
        )
        facts.append(
            Fact(
                kind.capitalize(),
                Code(name) if name else "none",
                source=f"{why.removeprefix('none; ')}{rule}",
            )
        )
    gains = frame.get("gain") or []
    facts.append(
        Fact(
            "Gain",
            _range(gains, "e-/ADU") if gains else "not known",
            source=frame["gain_source"] if gains else "",
        )
    )
    if frame.get("overscan_level") is not None:
        facts.append(
            Fact("Overscan", number(frame["overscan_level"], 6, unit="ADU"), source="level of this frame")
        )
    flagged = ", ".join(
        f"{count} {name.lower().replace('_', ' ')}" for name, count in sorted(frame["flagged"].items())
    )
    facts.append(Fact("Flagged", flagged or "nothing", source="pixels"))
    facts.append(Fact("Steps", ", ".join(step.replace("_", " ") for step in frame["steps"])))
    return Facts(tuple(facts))


def _range(values: list[float], unit: str) -> Number | str:
    if len(values) == 1:
        return Number(values[0], unit=unit)
    return f"{min(values):.4g} to {max(values):.4g} {unit}, {len(values)} amplifiers"
