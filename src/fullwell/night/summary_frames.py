"""The part of the report on raw frames: what was found, and what was not used."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fullwell.night.summary_parts import Row, fixed, number, plural
from fullwell.report import Badge, Brief, Code, Column, Listing, Section, TableBlock, Text

__all__ = ["aside_section", "found_section"]

_COLUMNS = (
    "File",
    "Type",
    Column("Type from", note="point at a word for the whole sentence"),
    Column("Exposure", "s"),
    "Filter",
    Column("Temperature", "°C"),
    Column("Level", "ADU", "mean, clipped at 5 sigma"),
    Column("Noise", "ADU", "from differences of neighbors, clipped at 5 sigma"),
    Column("Gradient x", "ADU", "median of the last tenth of the columns minus that of the first"),
    Column("Gradient y", "ADU", "median of the last tenth of the rows minus that of the first"),
    Column("Saturated", "%", "pixels at the top of the converter"),
    "Use",
)


def found_section(data: Row) -> Section:
    """Say which frames were found, how their types were found, and what they look like in numbers."""
    remarks = [str(remark["text"]) for remark in data["remarks"] if remark["severity"] == "info"]
    blocks: list[Any] = []
    if remarks:
        blocks.append(Listing(remarks))
    if data["frames"]:
        blocks += [_rules(data), _frames(data)]
    else:
        blocks.append(Text("No frame was found that could be used."))
    lead = "Each frame was looked at before it was used."
    return Section("What was found", tuple(blocks), lead=lead if data["frames"] else "")


def _rules(data: Row) -> TableBlock:
    """Say once for all frames of a kind how their type was found."""
    counts = Counter((frame["type"], frame["rule"], frame["is_guess"]) for frame in data["frames"])
    rows = [
        (kind, count, Badge("guess", "warning") if guess else Badge("told", "ok"), rule)
        for (kind, rule, guess), count in sorted(counts.items())
    ]
    columns = ("Type", "Frames", "", "How the type was found")
    return TableBlock(columns=columns, rows=rows, caption="Types of frames", key="types")


def _frames(data: Row) -> TableBlock:
    aside = {one["name"]: one["reason"] for one in data["set_aside"]}
    rows = []
    for frame in data["frames"]:
        seen = frame["look"] or {}
        saturated = seen.get("saturated")
        rows.append(
            (
                Code(frame["name"]),
                frame["type"],
                _brief_rule(frame),
                number(frame["exposure_time"], 5),
                frame["filter"],
                fixed(frame["temperature"], 1),
                fixed(seen.get("level"), 1),
                fixed(seen.get("noise"), 2),
                fixed(seen.get("gradient_x"), 1),
                fixed(seen.get("gradient_y"), 1),
                None if saturated is None else fixed(100 * saturated, 3),
                _use(frame, aside),
            )
        )
    return TableBlock(columns=_COLUMNS, rows=rows, caption="Frames", key="frames")


def _brief_rule(frame: Row) -> Badge | Brief:
    rule = str(frame["rule"])
    if frame["is_guess"]:
        return Badge("guess: name", "warning")
    if rule.startswith("the card "):
        return Brief(" ".join(rule.split()[1:3]), rule)
    return Brief("your pattern" if rule.startswith("your pattern") else rule[:24], rule)


def _use(frame: Row, aside: dict[str, str]) -> Badge | Brief | str:
    if frame["name"] in aside:
        return Badge("set aside", "warning")
    if frame["problems"]:
        return Brief(plural(len(frame["problems"]), "remark"), "; ".join(frame["problems"]))
    return "used"


def aside_section(data: Row) -> Section | None:
    """Say which files were not used and why; None if all were."""
    if not data["set_aside"] and not data["ignored"]:
        return None
    badges = {
        "error": Badge("unusable", "error"),
        "warning": Badge("set aside", "warning"),
        "info": Badge("left alone", "note"),
    }
    order = list(badges)
    aside = sorted(data["set_aside"], key=lambda one: order.index(one["severity"]))
    rows = [(Code(one["name"]), badges[one["severity"]], one["reason"]) for one in aside]
    rows += [(Code(name), badges["info"], "not a FITS file by its name") for name in data["ignored"]]
    table = TableBlock(
        columns=("File", "", "Why"), rows=rows, caption="Files that were not used", key="set_aside"
    )
    return Section("What was not used", (table,))
