"""The report of a night: what was found, what was chosen and why, what came out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fullwell.night.results import NightResult
from fullwell.night.summary_detector import detector_section
from fullwell.night.summary_frames import aside_section, found_section
from fullwell.night.summary_masters import masters_section
from fullwell.night.summary_parts import Row, plural
from fullwell.night.summary_science import science_section
from fullwell.report import (
    Badge,
    Code,
    Column,
    Fact,
    Facts,
    Link,
    Report,
    Section,
    TableBlock,
    WarningItem,
    Warnings,
)

__all__ = ["night_report"]

_NAMES_SHOWN = 3


def night_report(result: NightResult) -> Report:
    """Make the report of a reduction.

    Parameters
    ----------
    result : NightResult

    Returns
    -------
    Report
        Depends on the result alone: the same night gives the same report.
    """
    data = result.data
    sections = (
        found_section(data),
        aside_section(data),
        detector_section(data),
        masters_section(result),
        science_section(result),
        _settings_section(data),
    )
    return Report(
        title="Reduction report",
        subtitle=_subtitle(data),
        sections=tuple(section for section in sections if section is not None),
        summary=_summary(data),
        warnings=_warnings(data),
        verdict=_verdict(data),
        provenance=_provenance(data),
    )


def _subtitle(data: Row) -> str:
    cameras = sorted({str(frame["camera"]) for frame in data["frames"] if frame["camera"]})
    nights = sorted({str(frame["mid_time"])[:10] for frame in data["frames"] if frame["mid_time"]})
    span = nights[0] if len(nights) == 1 else f"{nights[0]} to {nights[-1]}" if nights else ""
    return ", ".join(part for part in (", ".join(cameras), span) if part)


def _summary(data: Row) -> tuple[Fact, ...]:
    frames = Counter(frame["type"] for frame in data["frames"])
    masters = Counter(master["kind"] for master in data["masters"] if master["status"] == "done")
    calibrated = sum(frame["status"] == "done" for frame in data["calibrated"])
    aside = [one for one in data["set_aside"] if one["severity"] != "info"]
    alone = len(data["set_aside"]) - len(aside) + len(data["ignored"])
    return (
        Fact("Frames found", len(data["frames"]), source=_counts(frames), key="frames"),
        Fact(
            "Files set aside",
            len(aside),
            source=f"{plural(alone, 'other file')} left alone" if alone else "",
            key="set_aside",
        ),
        Fact("Masters made", sum(masters.values()), source=_counts(masters), key="masters"),
        Fact(
            "Frames calibrated",
            calibrated,
            source=f"of {plural(frames['science'], 'science frame')}"
            if frames["science"]
            else "no science frames",
            key="calibrated",
        ),
    )


def _counts(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _verdict(data: Row) -> Badge:
    texts = {
        0: ("Done, nothing to worry about", "ok"),
        1: ("Done, with things to look at", "warning"),
        3: ("Nothing could be used", "error"),
    }
    text, status = texts[data["exit_code"]]
    return Badge(text, status)  # type: ignore[arg-type]


def _warnings(data: Row) -> Warnings:
    """Gather everything that wants a look; what is said of many files alike is said once."""
    rows = [(row["severity"], row["text"], "", row["subject"]) for row in data["warnings"]]
    rows += [
        (one["severity"], one["reason"], "set aside", one["name"])
        for one in data["set_aside"]
        if one["severity"] != "info"
    ]
    rows += [
        ("note", text, "used all the same", frame["name"])
        for frame in data["frames"]
        for text in frame["problems"]
    ]
    subjects: dict[tuple[str, str, str], list[str]] = {}
    for severity, text, action, subject in rows:
        subjects.setdefault((severity, text, action), []).append(subject)
    return Warnings(
        tuple(
            WarningItem(severity=severity, text=text, subject=_several(names), action=action)  # type: ignore[arg-type]
            for (severity, text, action), names in subjects.items()
        )
    )


def _several(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _settings_section(data: Row) -> Section:
    rows = [
        (Code(f"{table}.{key}"), Code(_setting(value)))
        for table, values in sorted(data["configuration"]["values"].items())
        for key, value in sorted(values.items())
    ]
    table = TableBlock(
        columns=(Column("Setting", note="as in reduce.toml"), "Value"), rows=rows, key="settings"
    )
    return Section("Settings", (table,), lead="Every setting of this run, defaults included.", folded=True)


def _setting(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_setting(part) for part in value)}]"
    return str(value)


def _provenance(data: Row) -> Facts:
    return Facts(
        (
            Fact("fullwell", Code(data["fullwell"]), source="version"),
            Fact(
                "Configuration", Code(data["configuration"]["hash"]), source="hash; FWCONF in every product"
            ),
            Fact("Data", Link("results.json"), source="every number of this report in full, for programs"),
        )
    )
