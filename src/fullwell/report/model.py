"""What a report is made of, whatever it will be written as.

A `Report` has a summary, warnings, and sections of blocks. Nothing here knows HTML or JSON, and
nothing knows CCDs: the rooms above fill in what they found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import attrs

from fullwell.errors import ParameterError
from fullwell.report.cells import Badge, Cell, Link, Number, one_of, plain
from fullwell.report.facts import Fact, Facts
from fullwell.report.figures import Gallery, Pair, Picture

__all__ = [
    "Block",
    "Card",
    "Column",
    "Listing",
    "Report",
    "Row",
    "Section",
    "Severity",
    "TableBlock",
    "Text",
    "WarningItem",
    "Warnings",
]

Severity = Literal["error", "warning", "note"]

_SEVERITIES = ("error", "warning", "note")


def _tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(values)


def _rows(rows: Iterable[Iterable[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(plain(cell) for cell in row) for row in rows)


def _columns(columns: Iterable[Column | str]) -> tuple[Column, ...]:
    return tuple(Column(column) if isinstance(column, str) else column for column in columns)


@attrs.frozen
class Text:
    """Paragraphs, set apart by empty lines."""

    text: str


@attrs.frozen
class Column:
    """Heading of a table column, with the unit of its numbers and a note that explains it."""

    title: str
    unit: str = ""
    note: str = ""


@attrs.frozen
class TableBlock:
    """A table.

    Parameters
    ----------
    columns : tuple of Column
        A plain string is a column without unit.
    rows : tuple of tuple of Cell
        One cell for each column.
    caption : str
        What the table shows.
    key : str
        Name for programs.

    Raises
    ------
    ParameterError
        If a row has more or fewer cells than there are columns.
    """

    columns: tuple[Column, ...] = attrs.field(converter=_columns)
    rows: tuple[tuple[Cell, ...], ...] = attrs.field(converter=_rows)
    caption: str = ""
    key: str = ""

    def __attrs_post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ParameterError("row", row, f"{len(self.columns)} cells, one a column")

    def numeric(self, index: int) -> bool:
        """Whether a column holds numbers and nothing else."""
        cells = [row[index] for row in self.rows if row[index] is not None]
        return bool(cells) and all(
            isinstance(cell, Number | int | float) and not isinstance(cell, bool) for cell in cells
        )


@attrs.frozen
class Listing:
    """Sentences or names, one a line; `folded` ones open on a click."""

    items: tuple[str, ...] = attrs.field(converter=_tuple)
    title: str = ""
    folded: bool = False
    names: bool = False


@attrs.frozen
class WarningItem:
    """Something the reader has to know.

    Parameters
    ----------
    severity : {'error', 'warning', 'note'}
    text : str
        What is wrong.
    subject : str
        The file or product it is about.
    action : str
        What was done about it, or what the reader can do.
    """

    severity: Severity = attrs.field(validator=one_of(_SEVERITIES))
    text: str
    subject: str = ""
    action: str = ""


def _by_severity(items: Iterable[WarningItem]) -> tuple[WarningItem, ...]:
    return tuple(sorted(items, key=lambda item: _SEVERITIES.index(item.severity)))


@attrs.frozen
class Warnings:
    """Warnings; the most severe come first."""

    items: tuple[WarningItem, ...] = attrs.field(converter=_by_severity)

    def count(self, severity: Severity) -> int:
        """Return how many there are of one severity."""
        return sum(item.severity == severity for item in self.items)


@attrs.frozen
class Row:
    """Blocks beside each other where there is room, else below each other."""

    blocks: tuple[Block, ...] = attrs.field(converter=_tuple)


@attrs.frozen
class Card:
    """One thing with all that is known of it: pictures beside facts, the rest below.

    Parameters
    ----------
    title : str
    badge : Badge or None
        How it went.
    link : Link or None
        Its file.
    pictures : tuple of Picture
    facts : Facts
    blocks : tuple of Block
        Below pictures and facts.
    """

    title: str
    badge: Badge | None = None
    link: Link | None = None
    pictures: tuple[Picture, ...] = attrs.field(default=(), converter=_tuple)
    facts: Facts = attrs.field(default=Facts(()))
    blocks: tuple[Block, ...] = attrs.field(default=(), converter=_tuple)


Block = Text | Listing | Facts | TableBlock | Picture | Gallery | Pair | Warnings | Row | Card


@attrs.frozen
class Section:
    """A titled part of the report; `folded` ones open on a click."""

    title: str
    blocks: tuple[Block, ...] = attrs.field(converter=_tuple)
    lead: str = ""
    folded: bool = False


@attrs.frozen
class Report:
    """A whole report.

    Parameters
    ----------
    title : str
    sections : tuple of Section
    subtitle : str
    summary : tuple of Fact
        The few numbers that everybody wants first.
    warnings : Warnings
        Shown before everything else.
    verdict : Badge or None
        The outcome in a few words.
    provenance : Facts
        Versions, configuration, inputs: what is needed to make it again.
    """

    title: str
    sections: tuple[Section, ...] = attrs.field(converter=_tuple)
    subtitle: str = ""
    summary: tuple[Fact, ...] = attrs.field(default=(), converter=_tuple)
    warnings: Warnings = attrs.field(default=Warnings(()))
    verdict: Badge | None = None
    provenance: Facts = attrs.field(default=Facts(()))
