from __future__ import annotations

import numpy as np
import pytest

from fullwell.picture import thumbnail
from fullwell.report import (
    Badge,
    Brief,
    Card,
    Change,
    Code,
    Column,
    Fact,
    Facts,
    Gallery,
    Link,
    Listing,
    Number,
    Pair,
    Picture,
    Report,
    Row,
    Scale,
    Section,
    Series,
    TableBlock,
    Text,
    WarningItem,
    Warnings,
    histogram_plot,
    line_plot,
)

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>.FIT"


@pytest.fixture(scope="session")
def png() -> bytes:
    return thumbnail(np.random.default_rng(3).normal(1000, 10, (30, 40)))


@pytest.fixture(scope="session")
def report(png: bytes) -> Report:
    """A report with every kind of block, and hostile words wherever words can stand."""
    plots = Gallery(
        [
            Picture(
                line_plot([Series([1, 2, 3], [1, 4, 9], label=HOSTILE)], x_label=HOSTILE, y_label="$y_"),
                HOSTILE,
                HOSTILE,
            ),
            Picture(histogram_plot(np.arange(500) % 7, x_label="value [ADU]"), "A histogram"),
        ]
    )
    pair = Pair(
        HOSTILE,
        Picture(png, "raw"),
        Picture(png, "calibrated"),
        [Change("sigma", 21.0, Number(12.9, error=0.1), "ADU")],
        "Raw",
        "Calibrated",
        HOSTILE,
    )
    table = TableBlock(
        [Column("File"), Column("Level", "ADU", HOSTILE), "State", "Comment"],
        [
            (Code(HOSTILE), Number(1100.234, error=0.021, key="frame.1.level"), Badge("ok", "ok"), HOSTILE),
            (Code("b.FIT"), np.float64(1.5), Badge(HOSTILE, "error"), None),
            (Code("c.FIT"), None, None, True),
        ],
        caption=HOSTILE,
        key="frames",
    )
    card = Card(
        HOSTILE,
        Badge("made", "ok"),
        Link("masters/" + HOSTILE, HOSTILE),
        [Picture(png, "a master", HOSTILE, Scale(10.0, 20.0, 90.0, "ADU", HOSTILE))],
        Facts([Fact("From", Brief("card", HOSTILE)), Fact("Share", Number(0.0123, decimals=1))]),
        [
            Row([Picture(histogram_plot(np.arange(90) % 4, x_label=HOSTILE), "Another"), table]),
            Listing([HOSTILE], "Files", folded=True, names=True),
        ],
    )
    return Report(
        title=HOSTILE,
        subtitle=HOSTILE,
        sections=[
            Section("Frames", [Text(f"One.\n\n{HOSTILE}"), table], lead=HOSTILE),
            Section("Frames", [Picture(png, HOSTILE, HOSTILE), plots, pair, pair]),
            Section(HOSTILE, [Facts([Fact("Gain", 1.951, "e-/ADU", 0.04, HOSTILE, "gain")])], folded=True),
            Section("Warnings", [Warnings([WarningItem("note", HOSTILE)])]),
            Section("Cards", [card, Listing([HOSTILE, "open"], HOSTILE)]),
        ],
        summary=[Fact("Frames", 118, key="frames.count"), Fact(HOSTILE, HOSTILE), Fact("Gain", float("nan"))],
        warnings=Warnings(
            [WarningItem("note", HOSTILE, HOSTILE, HOSTILE), WarningItem("error", "broken", HOSTILE)]
            + [WarningItem("warning", f"number {i}") for i in range(20)]
        ),
        verdict=Badge(HOSTILE, "warning"),
        provenance=Facts([Fact("Version", "0.1.0"), Fact("Folder", Code(HOSTILE))]),
    )
