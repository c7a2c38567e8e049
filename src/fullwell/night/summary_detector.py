"""The part of the report on the detector: what was decided on overscan and gain."""

from __future__ import annotations

from collections.abc import Iterable

from fullwell.night.summary_parts import Row, number
from fullwell.report import Block, Code, Column, Fact, Facts, Number, Section, TableBlock

__all__ = ["detector_section"]


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
