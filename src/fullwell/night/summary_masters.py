"""The part of the report on the detector and on masters: what was chosen and why, and what it looks like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fullwell.night.results import NightResult
from fullwell.night.summary_parts import (
    DARK_RULES,
    Row,
    fixed,
    number,
    percent,
    picture,
    plural,
    status_badge,
)
from fullwell.report import (
    Block,
    Card,
    Code,
    Column,
    Fact,
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

__all__ = ["detector_section", "masters_section"]

_FEW_AMPLIFIERS = 2


def detector_section(data: Row) -> Section | None:
    """Say what was decided on overscan and gain; None if there was nothing to decide."""
    blocks: list[Block] = []
    if data["overscan"]:
        blocks.append(
            Facts(tuple(Fact(f"Overscan of {row['camera']}", row["why"]) for row in data["overscan"]))
        )
    if any(row.get("gain") for row in data["gains"]):
        blocks.append(_gains(data["gains"]))
    return Section("Overscan and gain", tuple(blocks)) if blocks else None


def _gains(rows: Iterable[Row]) -> TableBlock:
    cells = []
    for row in rows:
        used = row["used"] or {}
        told = used.get("values") or []
        for i, value in enumerate(row.get("gain") or ()):
            if value is None:  # not measurable; a note says why
                continue
            told_here = told[0] if len(told) == 1 else told[i] if i < len(told) else None
            cells.append(
                (
                    Code(row["name"].removeprefix("gain-")),
                    row.get("pairs"),
                    i + 1,
                    Number(value, error=row["gain_error"][i]),
                    Number(row["read_noise"][i], error=row["read_noise_error"][i]),
                    number(value if told_here is None else told_here, 5),
                    used.get("source", "not needed"),
                )
            )
    columns = (
        "Flats",
        "Pairs",
        "Amplifier",
        Column("Gain measured", "e-/ADU"),
        Column("Read noise measured", "e-"),
        Column("Gain used", "e-/ADU"),
        "which comes from",
    )
    caption = "Gain and read noise from pairs of flats and of biases or darks"
    return TableBlock(columns=columns, rows=cells, caption=caption, key="gains")


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
                percent(_most_rejected(master)),
                fixed(_scatter(master), 3),
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


def _most_rejected(master: Row) -> float | None:
    known = [fraction for fraction in master.get("rejected_fraction") or [] if fraction is not None]
    return max(known, default=None)


def _scatter(master: Row) -> float | None:
    """Variance found over predicted; of a dark that of the length where it is farthest from one."""
    if master.get("empirical_to_predicted") is not None:
        return float(master["empirical_to_predicted"])
    known = [level.get("empirical_to_predicted") for level in master.get("levels") or []]
    return max(
        (float(ratio) for ratio in known if ratio is not None), key=lambda ratio: abs(ratio - 1), default=None
    )


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
    if len(master.get("read_noise_error") or []) > _FEW_AMPLIFIERS:
        blocks.append(_noise_table(master))
    if master.get("remarks"):
        blocks.append(Listing(master["remarks"]))
    if master["inputs"]:
        blocks.append(inputs)
    return Card(
        title, badge, Link(master["path"]), _pictures(master, result), Facts(_facts(master)), tuple(blocks)
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


def _facts(master: Row) -> tuple[Fact, ...]:
    special = {"bias": _bias_facts, "dark": _dark_facts, "flat": _flat_facts, "defects": _defect_facts}
    facts = special[master["kind"]](master)
    if _most_rejected(master) is not None:
        facts.append(
            Fact(
                "Rejected",
                percent(_most_rejected(master), unit="%"),
                source="of the frame that lost most pixels",
            )
        )
    if _scatter(master) is not None:
        source = "variance found over variance predicted; 1 where the noise is understood"
        facts.append(Fact("Scatter / model", fixed(_scatter(master), 3), source=source))
    if master.get("masked_fraction") is not None:
        facts.append(Fact("Masked", percent(master["masked_fraction"], 3, unit="%"), source="of the pixels"))
    return (*facts, *_choices(master))


def _choices(master: Row) -> list[Fact]:
    """Say what was taken out of the frames of a master, and why that."""
    facts = []
    for sentence in master["why"]:
        kind, _, why = str(sentence).partition(": ")
        name = master.get(kind) if kind in ("bias", "dark") else None
        none = "none; it is still in the dark" if kind == "bias" and master.get("bias_included") else "none"
        facts.append(
            Fact(f"{kind.capitalize()} used", Code(name) if name else none, source=why.removeprefix("none; "))
        )
    return facts


def _bias_facts(master: Row) -> list[Fact]:
    noises, errors = master["read_noise"], master["read_noise_error"]
    few = noises if len(noises) <= _FEW_AMPLIFIERS else ()
    facts = [
        Fact(
            "Level", fixed(master["median"], 2, unit="ADU"), source="median, without what the overscan holds"
        )
    ]
    for i, noise in enumerate(few):
        name = "Read noise" if len(noises) == 1 else f"Read noise, amplifier {i + 1}"
        error = errors[i] if i < len(errors) else None
        facts.append(Fact(name, noise, "ADU", error, "from differences of frames"))
    offsets = master["level_offsets"]
    facts.append(
        Fact("Structure", number(master["std"], 3, unit="ADU"), source="standard deviation of the master")
    )
    if offsets:
        drift = number(max(offsets) - min(offsets), 3, unit="ADU")
        facts.append(Fact("Drift of the level", drift, source="highest minus lowest frame"))
    return facts


def _dark_facts(master: Row) -> list[Fact]:
    one = len(master.get("levels") or []) == 1
    facts = [
        Fact(
            "Dark current",
            number(master.get("rate_median"), 4, unit="ADU/s"),
            source="median of the rate image",
        )
    ]
    if master.get("offset_median") is not None:
        facts.append(
            Fact(
                "Offset",
                number(master["offset_median"], 4, unit="ADU"),
                source="median of what does not grow with time",
            )
        )
    if master.get("line_rate") is not None:
        rate, offset = (
            number(master["line_rate"], 4, unit="ADU/s"),
            number(master["line_offset"], 4, unit="ADU"),
        )
        facts.append(Fact("Line, slope", rate, source="through the median levels, each length counted once"))
        facts.append(Fact("Line, offset", offset, source="of the same line, at time 0"))
    if one:
        level = master["levels"][0]
        facts.append(
            Fact("Level", number(level["median"], 4, unit="ADU"), source=f"median, in {level['time']:g} s")
        )
    source = f"above {master['hot_threshold']:.1f} ADU in {master['hot_time']:g} s"
    facts.append(Fact("Hot pixels", master["hot_pixels"], source=source))
    if master.get("read_noise") is not None and master["bias_included"]:
        facts.append(
            Fact("Noise", number(master["read_noise"], 4, unit="ADU"), source="from differences of darks")
        )
    return facts


def _flat_facts(master: Row) -> list[Fact]:
    levels: Sequence[float] = master.get("frame_levels") or []
    facts = [Fact("Level", number(master["counts"], 5, unit="ADU"), source="median above bias and dark")]
    if levels and min(levels) > 0:
        drift = number(100 * (max(levels) / min(levels) - 1), 2, unit="%")
        facts.append(Fact("Drift of the lamp", drift, source="brightest over faintest frame"))
    facts.append(
        Fact(
            "Structure", number(100 * master["std"], 3, unit="%"), source="standard deviation of the response"
        )
    )
    rules = ", ".join(DARK_RULES.get(rule, rule) for rule in master["dark_rules"])
    return [*facts, Fact("Dead pixels", master["dead_pixels"]), Fact("Dark subtracted", rules or "none")]


def _defect_facts(master: Row) -> list[Fact]:
    counts = sorted((master.get("counts") or {}).items())
    facts = [Fact(f"{name.capitalize().replace('_', ' ')} pixels", count) for name, count in counts]
    return [
        *facts,
        Fact("United from", plural(master["count"], "master"), source="darks and flats of this camera"),
    ]


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
