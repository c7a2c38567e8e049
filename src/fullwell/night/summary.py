"""The report of a night: what was found, what was chosen and why, what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from fullwell.night.results import NightResult
from fullwell.report import (
    Badge,
    Change,
    Code,
    Column,
    Fact,
    Facts,
    Gallery,
    Number,
    Pair,
    Picture,
    Report,
    Section,
    TableBlock,
    Text,
    WarningItem,
    Warnings,
    line_plot,
)
from fullwell.report.plots import Series

__all__ = ["night_report"]

Row = Mapping[str, Any]


def night_report(result: NightResult) -> Report:
    """Make the report of a reduction.

    Parameters
    ----------
    result : NightResult

    Returns
    -------
    Report
    """
    data = result.data
    sections = [_frames_section(data), _aside_section(data), _masters_section(result)]
    if data["calibrated"]:
        sections.append(_science_section(result))
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
    kinds = Counter(frame["type"] for frame in data["frames"])
    made = sum(master["status"] == "done" for master in data["masters"])
    calibrated = sum(frame["status"] == "done" for frame in data["calibrated"])
    facts = [Fact(f"{kind} frames", count, key=f"frames.{kind}") for kind, count in sorted(kinds.items())]
    facts += [
        Fact("Set aside", len(data["set_aside"]), key="set_aside"),
        Fact("Masters made", made, key="masters"),
        Fact("Frames calibrated", calibrated, key="calibrated"),
    ]
    return tuple(facts)


def _verdict(data: Row) -> Badge:
    texts = {
        0: ("Done, nothing to worry about", "ok"),
        1: ("Done, with things to look at", "warning"),
        3: ("Nothing could be used", "error"),
    }
    text, status = texts[data["exit_code"]]
    return Badge(text, status)  # type: ignore[arg-type]


def _warnings(data: Row) -> Warnings:
    items = [
        WarningItem(severity=row["severity"], text=row["text"], subject=row["subject"]) for row in data["warnings"]
    ]
    names = {"error": "error", "warning": "warning", "info": "note"}
    items += [
        WarningItem(severity=names[one["severity"]], text=one["reason"], subject=one["name"], action="set aside")
        for one in data["set_aside"]
        if one["severity"] != "info"
    ]
    return Warnings(tuple(items))


def _frames_section(data: Row) -> Section:
    columns = (
        "File",
        "Type",
        "How the type was found",
        Column("Exposure", "s"),
        "Filter",
        Column("Temperature", "°C"),
        Column("Level", "ADU"),
        Column("Noise", "ADU", "neighbor differences, clipped"),
        Column("Gradient x", "ADU", "last tenth of the columns minus the first"),
        Column("Gradient y", "ADU", "last tenth of the rows minus the first"),
        Column("Saturated", "%"),
    )
    rows = []
    for frame in data["frames"]:
        seen = frame["look"] or {}
        rule = Badge(frame["rule"], "warning") if frame["is_guess"] else frame["rule"]
        numbers = [_number(seen.get(key), digits) for key, digits in (("level", 5), ("noise", 3), ("gradient_x", 3), ("gradient_y", 3))]
        saturated = None if seen.get("saturated") is None else Number(100 * seen["saturated"], digits=2)
        rows.append(
            (
                Code(frame["name"]),
                frame["type"],
                rule,
                _number(frame["exposure_time"], 5),
                frame["filter"],
                _number(frame["temperature"], 3),
                *numbers,
                saturated,
            )
        )
    blocks: list[Any] = [TableBlock(columns=columns, rows=tuple(rows), caption="Frames that were found", key="frames")]
    notes = [f"{remark['text']}" for remark in data["remarks"] if remark["severity"] == "info"]
    if notes:
        blocks.append(Text("\n\n".join(notes)))
    return Section("What was found", tuple(blocks), lead="Each frame was looked at before it was used.", folded=False)


def _aside_section(data: Row) -> Section | None:
    if not data["set_aside"] and not data["ignored"]:
        return None
    rows = [(Code(one["name"]), one["reason"]) for one in data["set_aside"]]
    rows += [(Code(name), "not a FITS file by its name") for name in data["ignored"]]
    table = TableBlock(columns=("File", "Why"), rows=tuple(rows), caption="Files that were not used", key="set_aside")
    return Section("What was set aside", (table,))


def _masters_section(result: NightResult) -> Section:
    data = result.data
    blocks: list[Any] = []
    if data["overscan"]:
        facts = tuple(Fact(f"Overscan of {row['camera']}", row["why"]) for row in data["overscan"])
        blocks.append(Facts(facts))
    if data["gains"]:
        blocks.append(_gain_table(data["gains"]))
    if data["masters"]:
        blocks.append(_master_table(data["masters"]))
    for master in data["masters"]:
        blocks += _master_blocks(master, result)
    return Section("Masters", tuple(blocks), lead="What was chosen, why, and what it looks like.")


def _gain_table(rows: Iterable[Row]) -> TableBlock:
    cells = []
    for row in rows:
        used = row["used"] or {}
        told = used.get("values") or []
        for i, value in enumerate(row.get("gain", ())):
            told_here = told[0] if len(told) == 1 else told[i] if i < len(told) else None
            cells.append(
                (
                    row["name"],
                    i + 1,
                    Number(value, error=row["gain_error"][i]),
                    Number(row["read_noise"][i], error=row["read_noise_error"][i]),
                    _number(told_here, 4),
                    used.get("source", "not needed"),
                )
            )
    columns = (
        "Flats",
        "Amplifier",
        Column("Gain from pairs", "e-/ADU"),
        Column("Read noise from pairs", "e-"),
        Column("Gain told", "e-/ADU"),
        "Gain used comes from",
    )
    return TableBlock(columns=columns, rows=tuple(cells), caption="Gain and read noise from pairs of flats", key="gains")


def _master_table(masters: Iterable[Row]) -> TableBlock:
    rows = []
    for master in masters:
        rejected = [fraction for fraction in master.get("rejected_fraction") or [] if fraction is not None]
        rows.append(
            (
                Code(master["path"]),
                master["kind"],
                master.get("count"),
                _number(master.get("median"), 6),
                _number(master.get("std"), 4),
                Number(100 * max(rejected), digits=2) if rejected else None,
                _number(master.get("empirical_to_predicted"), 3),
                Number(100 * master["masked_fraction"], digits=2) if master.get("masked_fraction") is not None else None,
                Badge("made", "ok") if master["status"] == "done" else Badge(master["status"], "error"),
            )
        )
    columns = (
        "File",
        "Kind",
        "Frames",
        Column("Median", note="ADU; 1 for flats"),
        Column("Std", note="over the unmasked pixels"),
        Column("Rejected", "%", "of the frame that lost most"),
        Column("Scatter / model", note="empirical over predicted variance; near 1 where the noise is understood"),
        Column("Masked", "%"),
        "",
    )
    return TableBlock(columns=columns, rows=tuple(rows), caption="Masters", key="masters")


def _master_blocks(master: Row, result: NightResult) -> list[Any]:
    blocks: list[Any] = []
    if master["status"] != "done":
        return blocks
    pictures = []
    for key, caption in (("picture", _caption(master)), ("rate_picture", "Dark current, per second")):
        image = result.pictures.get(f"{master['name']}:{key}")
        if image is not None:
            pictures.append(Picture(image, alt=f"{master['kind']} {master['label']}", caption=caption))
    facts = [Fact("Inputs", f"{len(master['inputs'])} frames")] if master["inputs"] else []
    facts += [Fact("Choice", why) for why in master["why"]]
    facts += _kind_facts(master)
    if facts:
        blocks.append(Facts(tuple(facts)))
    if pictures:
        blocks.append(Gallery(tuple(pictures)))
    levels = master.get("levels") or []
    if len(levels) > 1:
        blocks.append(_dark_plot(master, levels))
    return [Text(f"{master['kind'].capitalize()} {master['label']}"), *blocks]


def _caption(master: Row) -> str:
    return f"{master['path']}: {master.get('count', '')} frames"


def _kind_facts(master: Row) -> list[Fact]:
    if master["kind"] == "bias":
        noises, errors = master["read_noise"], master["read_noise_error"]
        facts = [
            Fact(f"Read noise, amplifier {i + 1}", noise, "ADU", errors[i] if i < len(errors) else None, "frame differences")
            for i, noise in enumerate(noises)
        ]
        offsets = master["level_offsets"]
        return [*facts, Fact("Drift of the level", max(offsets) - min(offsets), "ADU", source="highest minus lowest frame")]
    if master["kind"] == "dark":
        facts = [
            Fact("Dark current, median", master.get("rate_median"), "ADU/s", source="of the rate image"),
            Fact("Offset, median", master.get("offset_median"), "ADU", source="of the offset image: what does not grow with time"),
            *_line_facts(master),
            Fact("Hot pixels", master["hot_pixels"], source=f"above {master['hot_threshold']:.1f} ADU in {master['hot_time']:g} s"),
        ]
        if master["bias_included"]:
            facts.append(Fact("Bias", "is in the dark; no bias frames fit"))
        return facts
    if master["kind"] == "flat":
        return [
            Fact("Level", master["counts"], "ADU", source="median above bias and dark"),
            Fact("Dead pixels", master["dead_pixels"]),
            Fact("Dark subtracted", ", ".join(master["dark_rules"]) or "none"),
        ]
    return [Fact(f"{name} pixels", count) for name, count in master.get("counts", {}).items()]


def _line_facts(master: Row) -> list[Fact]:
    if master.get("line_rate") is None:
        return []
    source = "line through the median levels, each length counted once"
    return [
        Fact("Median level against time, slope", master["line_rate"], "ADU/s", source=source),
        Fact("Median level against time, offset", master["line_offset"], "ADU", source=source),
    ]


def _dark_plot(master: Row, levels: Iterable[Row]) -> Picture:
    times = [level["time"] for level in levels]
    medians = [level["median"] for level in levels]
    series = [Series(times, medians, label="median level", points=True)]
    if master.get("line_rate") is not None:
        ends = [0.0, max(times)]
        line = [master["line_offset"] + master["line_rate"] * t for t in ends]
        series.append(Series(ends, line, label="straight line"))
    svg = line_plot(series, x_label="dark time (s)", y_label="median level (ADU)", size=(6.4, 2.8))
    return Picture(svg, alt=f"Level of dark {master['label']} against time", caption="Dark level against time")


def _science_section(result: NightResult) -> Section:
    blocks: list[Any] = [_science_table(result.data["calibrated"])]
    for frame in result.data["calibrated"]:
        if frame["status"] != "done":
            continue
        before = result.pictures.get(f"{frame['path']}:before_picture")
        after = result.pictures.get(f"{frame['path']}:after_picture")
        if before is not None and after is not None:
            blocks.append(_pair(frame, before, after))
    return Section("Science frames", tuple(blocks), lead="Each frame before and after, on its own gray scale.")


def _science_table(frames: Iterable[Row]) -> TableBlock:
    rows = []
    for frame in frames:
        done = frame["status"] == "done"
        rule = f" ({frame['dark_rule']})" if done and frame.get("dark_rule") else ""
        rows.append(
            (
                Code(frame["raw"]),
                frame["filter"],
                _number(frame["exposure_time"], 5),
                frame["bias"] or "none",
                f"{frame['dark'] or 'none'}{rule}",
                frame["flat"] or "none",
                frame.get("unit"),
                _number(frame["after"]["background"], 5) if done else None,
                _number(frame["after"]["sigma"], 4) if done else None,
                Badge("calibrated", "ok") if done else Badge(frame["status"], "error"),
            )
        )
    columns = (
        "File", "Filter", Column("Exposure", "s"), "Bias", "Dark", "Flat", "Unit",
        Column("Background", note="median of the unmasked pixels"), Column("Sigma", note="clipped"), "",
    )  # fmt: skip
    return TableBlock(columns=columns, rows=tuple(rows), caption="Calibrated frames", key="calibrated")


def _pair(frame: Row, before: bytes, after: bytes) -> Pair:
    unit = frame["unit"]
    labels = (
        ("Background", "background"),
        ("Sigma, clipped", "sigma"),
        ("Gradient x", "gradient_x"),
        ("Gradient y", "gradient_y"),
        ("Hot outliers", "hot_outliers"),
    )
    changes = tuple(
        Change(label, _number(frame["before"][key], 4), _number(frame["after"][key], 4), "" if key == "hot_outliers" else unit)
        for label, key in labels
    )
    flagged = ", ".join(f"{count} {name}" for name, count in frame["flagged"].items()) or "none"
    why = "; ".join(f"{kind}: {text}" for kind, text in frame["why"].items())
    return Pair(
        title=frame["raw"],
        before=Picture(before, alt=f"{frame['raw']} as read out"),
        after=Picture(after, alt=f"{frame['raw']} calibrated"),
        changes=changes,
        before_label="Raw",
        after_label="Calibrated",
        note=f"Steps: {', '.join(frame['steps'])}. Flagged pixels: {flagged}. Chosen: {why}.",
    )


def _provenance(data: Row) -> Facts:
    return Facts(
        (
            Fact("fullwell", data["fullwell"]),
            Fact("Configuration", Code(data["configuration"]["hash"])),
            Fact("Data", Code("results.json"), source="everything in this report, for programs"),
        )
    )


def _number(value: Any, digits: int) -> Number | None:
    return None if value is None else Number(float(value), digits=digits)
