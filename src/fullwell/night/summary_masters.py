"""The part of the report on masters: what was chosen and why, and what it looks like."""

from __future__ import annotations

from collections.abc import Iterable

from fullwell.night.results import NightResult
from fullwell.night.summary_master_facts import FEW_AMPLIFIERS, master_facts, most_rejected, scatter
from fullwell.night.summary_parts import Row, fixed, number, percent, picture, plural, status_badge
from fullwell.report import (
    Block,
    Card,
    Code,
    Column,
    Facts,
    Link,
    Listing,
    Number,
    Picture,
    Section,
    Series,
    TableBlock,
    Text,
    line_plot,
)
from fullwell.report import Row as Beside

__all__ = ["masters_section"]


def masters_section(result: NightResult) -> Section:
    """Show each master with picture, numbers and input files."""
    masters = result.data["masters"]
    if not masters:
        return Section("Masters", (Text("No master could be made."),))
    blocks: list[Block] = [_overview(masters), *(_card(master, result) for master in masters)]
    return Section("Masters", tuple(blocks), lead="What was chosen, why, and what it looks like.")


def _overview(masters: Iterable[Row]) -> TableBlock:
    rows = []
    for master in masters:
        flat = master["kind"] == "flat"
        rows.append(
            (
                Code(master["name"]),
                len(master["inputs"]) or None,
                fixed(master.get("median"), 4 if flat else 2),
                fixed(master.get("std"), 4 if flat else 2),
                None if master.get("median") is None else "" if flat else "ADU",
                percent(most_rejected(master)),
                fixed(scatter(master), 3),
                percent(master.get("masked_fraction"), 3),
                status_badge(master["status"], "made"),
            )
        )
    columns = (
        "Master",
        "Frames",
        Column("Median", note="of the unmasked pixels; a dark: of its longest exposure; a flat is relative"),
        Column("Std", note="over the unmasked pixels: structure and noise"),
        "Unit",
        Column("Rejected", "%", "of the pixels of the frame that lost most"),
        Column(
            "Scatter / model", note="variance found over variance predicted: 1 where the noise is understood"
        ),
        Column("Masked", "%"),
        "",
    )
    return TableBlock(columns=columns, rows=rows, caption="All masters", key="masters")


def _card(master: Row, result: NightResult) -> Card:
    title = f"{master['kind'].capitalize()} {master['label']}"
    badge = status_badge(master["status"], "made")
    inputs = Listing(
        master["inputs"], f"Made from {plural(len(master['inputs']), 'frame')}", folded=True, names=True
    )
    if master["status"] != "done":
        reason = (Text(str(master["reason"])),) if master["reason"] else ()
        return Card(title, badge, blocks=(*reason, *((inputs,) if master["inputs"] else ())))
    blocks: list[Block] = []
    if len(master.get("levels") or []) > 1:
        blocks.append(Beside((_dark_plot(master), _dark_table(master))))
    if len(master.get("read_noise_error") or []) > FEW_AMPLIFIERS:
        blocks.append(_noise_table(master))
    if master.get("remarks"):
        blocks.append(Listing(master["remarks"]))
    if master["inputs"]:
        blocks.append(inputs)
    return Card(
        title,
        badge,
        Link(master["path"]),
        _pictures(master, result),
        Facts(master_facts(master)),
        tuple(blocks),
    )


def _pictures(master: Row, result: NightResult) -> tuple[Picture, ...]:
    kind, label = master["kind"], master["label"]
    longest = max((level["time"] for level in master.get("levels") or []), default=None)
    captions = {
        "bias": "mean of the frames",
        "dark": "signal" if longest is None else f"signal in {longest:g} s",
        "flat": "relative response",
        "defects": "white where a pixel of the block is bad",
    }
    unit = "ADU" if kind in ("bias", "dark") else ""
    scaled: Row = {} if kind == "defects" else master  # white and black say it all
    wanted: tuple[tuple[str, str, str], ...]
    wanted = (("picture", captions[kind], unit), ("rate_picture", "dark current", "ADU/s"))
    # A single length has one picture to show: the rate is the signal over the time.
    wanted = wanted[: 1 if kind != "dark" or len(master.get("levels") or []) < 2 else 2]
    drawn = (
        picture(
            result, master["name"], key, scaled, alt=f"{kind} {label}, {caption}", unit=unit, caption=caption
        )
        for key, caption, unit in wanted
    )
    return tuple(one for one in drawn if one is not None)


def _noise_table(master: Row) -> TableBlock:
    errors = master["read_noise_error"]
    rows = [(i + 1, Number(noise, error=errors[i])) for i, noise in enumerate(master["read_noise"])]
    return TableBlock(
        columns=("Amplifier", Column("Read noise", "ADU")), rows=rows, caption="From differences of frames"
    )


def _dark_table(master: Row) -> TableBlock:
    spreads = {"noise": "noise model", "line": "about the line", "std": "scatter", "mad": "scatter (MAD)"}
    rows = []
    for level in master["levels"]:
        predicted = None
        if master.get("line_rate") is not None:
            predicted = level["median"] - (master["line_offset"] + master["line_rate"] * level["time"])
        rejected = [fraction for fraction in level.get("rejected_fraction") or [] if fraction is not None]
        rows.append(
            (
                number(level["time"], 5),
                level["count"],
                fixed(level["median"], 2),
                fixed(predicted, 2),
                percent(max(rejected, default=None)),
                spreads.get(level["spread"], level["spread"]),
            )
        )
    columns = (
        Column("Time", "s"),
        "Frames",
        Column("Median", "ADU"),
        Column("Off the line", "ADU"),
        Column("Rejected", "%", "of the pixels of the frame that lost most"),
        Column("Clipped by", note="in units of what outliers were judged"),
    )
    return TableBlock(
        columns=columns, rows=rows, caption="Level of each length", key=f"levels.{master['name']}"
    )


def _dark_plot(master: Row) -> Picture:
    times = [level["time"] for level in master["levels"]]
    medians = [level["median"] for level in master["levels"]]
    series = [Series(times, medians, label="median level", points=True)]
    if master.get("line_rate") is not None:
        ends = [0.0, max(times)]
        line = [master["line_offset"] + master["line_rate"] * t for t in ends]
        series.append(Series(ends, line, label="straight line"))
    svg = line_plot(series, x_label="dark time (s)", y_label="median level (ADU)", size=(5.4, 3.0))
    return Picture(svg, alt=f"Level of dark {master['label']} against time")
