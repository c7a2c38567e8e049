"""Records as text for the terminal and as Markdown for RESULTS.md."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from records import Record, Target

__all__ = ["Row", "results_page", "target_row", "text_table"]

Row = tuple[str, str, str, str]
HEADS = ("", "wall s", "CPU s", "MiB", "wall, times", "CPU, times", "agreement")


def text_table(record: Record) -> str:
    """Return a record as a table of fixed columns, targets below."""
    rows = [HEADS, *rival_rows(record)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    lines = [record.title, record.about.replace("\n", " "), ""]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:6], widths[1:6], strict=True)]
        lines.append("  ".join([*cells, row[6]]).rstrip())
    lines += [f"absent: {each.name} ({each.reason})" for each in record.absent]
    lines += ["target: " + ", ".join(target_row(record, t)) for t in record.targets if t.limited]
    return "\n".join(
        [*lines, f"load average {record.load_before:.2f} before, {record.load_after:.2f} after", ""]
    )


def results_page(
    records: Sequence[Record], *, notes: str, chart: str | None, lacking: Sequence[str] = ()
) -> str:
    """Return RESULTS.md: the machine, targets beside what was measured, the chart, a table for each contest, notes."""
    quick = any(record.quick for record in records)
    parts = ["# Results\n"]
    if quick:
        parts.append("**Small sizes, only to prove the machinery: these numbers mean nothing.**\n")
    parts.append(machine_text(records) + "\n")
    parts.append(
        "A ratio is taken in each round, since rivals run in turn; the tables have its median and, in brackets, its "
        "quartiles. How to read them: [README.md](README.md).\n"
    )
    parts.append("## Targets\n")
    rows = [
        (record.title, *target_row(record, target))
        for record in records
        for target in record.targets
        if target.limited
    ]
    parts.append(markdown_table(("work", "what", "target", "measured", ""), rows))
    if lacking:
        parts.append(f"Not measured: {', '.join(lacking)}.\n")
    if chart is not None:
        parts.append(f"![Ratios of all targets, on a logarithmic axis]({chart})\n")
    for record in records:
        parts.append(f"## {record.title}\n")
        parts.append(record.about + "\n")
        parts.append(markdown_table(HEADS, rival_rows(record)))
        parts += [f"- absent: {each.name} ({escape(each.reason)})" for each in record.absent]
        parts.append("\n" * bool(record.absent) + versions_text(record))
    parts.append("## What was missed and why\n")
    parts.append(notes.strip() + "\n")
    return "\n".join(parts)


def machine_text(records: Sequence[Record]) -> str:
    """Return the machine; of records from several machines, each of them with its works."""
    groups: dict[tuple[tuple[str, str], ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(record.machine.items()), []).append(record)
    lines = []
    for machine, members in groups.items():
        about = dict(machine)
        text = (
            f"Measured on {about['processor']}, {about['cores']} cores, {about['memory']} memory; {about['system']}; "
            f"{about['packages']}."
        )
        if len(groups) > 1:
            text += " These: " + ", ".join(member.work for member in members) + "."
        lines.append(text)
    loads = [load for record in records for load in (record.load_before, record.load_after)]
    known = [load for load in loads if not math.isnan(load)]
    if known:
        lines.append(
            f"Load average of the machine between {min(known):.2f} and {max(known):.2f}, our own work included "
            "(before and after each contest below)."
        )
    return "\n\n".join(lines)


def versions_text(record: Record) -> str:
    """Return versions of the peers and the load."""
    versions = [f"{result.name}: {result.version}" for result in record.results if result.version]
    rounds = max(len(result.samples) for result in record.results)
    text = f"{rounds} rounds; load average {record.load_before:.2f} before, {record.load_after:.2f} after."
    return text + (" Versions: " + "; ".join(versions) + "." if versions else "") + "\n"


def rival_rows(record: Record) -> list[tuple[str, ...]]:
    """Return the cells of each rival; ratios are theirs over those of the first one."""
    rows: list[tuple[str, ...]] = []
    ours = record.results[0].name
    for result in record.results:
        wall, cpu, memory = (record.figures(result.name, measure) for measure in ("wall", "cpu", "memory"))
        own = result.name == ours
        rows.append(
            (
                result.name,
                number(np.median(wall)),
                number(np.median(cpu)),
                f"{np.nanmax(memory):.0f}" if np.isfinite(memory).any() else "",
                "1" if own else spread(record.ratios(result.name, ours, "wall")),
                "1" if own else spread(record.ratios(result.name, ours, "cpu")),
                result.agreement.text if result.agreement else "",
            )
        )
    return rows


def target_row(record: Record, target: Target) -> Row:
    """Return what, target, measured, and whether it was reached."""
    goal = "" if target.at_least is None else f"≥ {target.at_least:g}"
    goal += "" if target.at_most is None else f"≤ {target.at_most:g}"
    if target.under is None:
        values = record.figures(target.over, target.measure)
    else:
        values = record.ratios(target.over, target.under, target.measure)
    kind = "" if target.measure == "wall" else {"cpu": " (CPU)", "memory": " (MiB)"}.get(target.measure, "")
    values = values[np.isfinite(values)]
    if not values.size:
        return target.text + kind, goal, "", "not measured"
    # Memory must not be exceeded in any round.
    middle = float(values.max() if target.measure == "memory" else np.median(values))
    if target.measure == "agreement":
        said = f"{middle:.6g}"
    else:
        said = f"{middle:.0f}" if target.measure == "memory" else spread(values)
    return target.text + kind, goal, said, "reached" if target.reached(middle) else "**missed**"


def spread(ratios: np.ndarray) -> str:
    """Return the median with the quartiles, of a single one just itself."""
    if np.isnan(ratios).all():  # none, or not measured
        return ""
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    return number(middle) if ratios.size == 1 else f"{number(middle)} ({number(low)} to {number(high)})"


def number(value: float) -> str:
    """Return three digits; nothing where nothing was measured."""
    if math.isnan(value):
        return ""
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
