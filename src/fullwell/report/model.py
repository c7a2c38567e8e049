"""What a report is made of, whatever it will be written as.

A `Report` has a summary, warnings, and sections of blocks. Nothing here knows HTML or JSON, and
nothing knows CCDs: the rooms above fill in what they found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import attrs

from fullwell.errors import ParameterError
from fullwell.report.cells import Badge, Cell, Number, one_of, plain

__all__ = [
    "Block",
    "Change",
    "Column",
    "Fact",
    "Facts",
    "Gallery",
    "Pair",
    "Picture",
    "Report",
    "Section",
    "Severity",
    "TableBlock",
    "Text",
    "WarningItem",
    "Warnings",
]

Severity = Literal["error", "warning", "note"]

_SEVERITIES = ("error", "warning", "note")
_PNG_START = b"\x89PNG\r\n\x1a\n"


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
class Fact:
    """One thing that is known.

    Parameters
    ----------
    label : str
        What it is.
    value : Cell
        What is known of it; None is 'not known'.
    unit : str
        Unit of a number.
    error : float or None
        Standard error of a number.
    source : str
        Where it comes from: a card, a measurement, a default.
    key : str
        Name for programs.
    """

    label: str
    value: Cell = attrs.field(converter=plain)
    unit: str = ""
    error: float | None = attrs.field(default=None, converter=plain)
    source: str = ""
    key: str = ""

    @property
    def cell(self) -> Cell:
        """The value with unit, error and key, if it is a number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            return self.value
        return Number(self.value, error=self.error, unit=self.unit, key=self.key)


@attrs.frozen
class Facts:
    """Things that are known, one a line."""

    facts: tuple[Fact, ...] = attrs.field(converter=_tuple)


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
class Picture:
    """A picture.

    Parameters
    ----------
    data : bytes
        A PNG or SVG file.
    alt : str
        What is to be seen, for those who do not see it.
    caption : str
        What stands below it.

    Raises
    ------
    ParameterError
        If `data` is neither, or `alt` is empty.
    """

    data: bytes = attrs.field(repr=False)
    alt: str
    caption: str = ""

    def __attrs_post_init__(self) -> None:
        if not (self.data.startswith(_PNG_START) or b"<svg" in self.data[:1000]):
            raise ParameterError("picture", self.data[:20], "a PNG or SVG file")
        if not self.alt.strip():
            raise ParameterError("alt", self.alt, "words that say what is to be seen")

    @property
    def media_type(self) -> str:
        """``'image/png'`` or ``'image/svg+xml'``."""
        return "image/png" if self.data.startswith(_PNG_START) else "image/svg+xml"


@attrs.frozen
class Gallery:
    """Pictures beside each other."""

    pictures: tuple[Picture, ...] = attrs.field(converter=_tuple)

    @property
    def has_plots(self) -> bool:
        """Whether a drawing is among them, whose letters need more room than a photograph."""
        return any(picture.media_type == "image/svg+xml" for picture in self.pictures)


@attrs.frozen
class Change:
    """A number before and after."""

    label: str
    before: Cell = attrs.field(converter=plain)
    after: Cell = attrs.field(converter=plain)
    unit: str = ""


@attrs.frozen
class Pair:
    """The same thing before and after, in pictures and in numbers."""

    title: str
    before: Picture
    after: Picture
    changes: tuple[Change, ...] = attrs.field(default=(), converter=_tuple)
    before_label: str = "Before"
    after_label: str = "After"
    note: str = ""


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


Block = Text | Facts | TableBlock | Picture | Gallery | Pair | Warnings


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
