"""A report as one HTML file that needs nothing else: no connection, no other file.

Everything that is not markup of this page goes through the escaping of the template, since file
names and cards may hold anything; the page also forbids itself to load or to run what is not its
own.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import math
import re
from collections.abc import Iterable
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from fullwell.report.cells import Badge, Brief, Cell, Code, Link, Number
from fullwell.report.figures import Picture
from fullwell.report.inline_svg import inline_svg
from fullwell.report.model import Report, Section, TableBlock
from fullwell.report.numbers import format_value, number_parts
from fullwell.report.words import visible

__all__ = ["render_html"]

#: Warnings that stand in the open; the rest unfolds on a click.
_WARNINGS_SHOWN = 12
_RESERVED = frozenset({"main", "warnings", "provenance"})


def render_html(report: Report) -> str:
    """Write a report as one self-contained HTML page.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        The same report gives the same text. It adapts to screen, phone and paper, to light and dark,
        and can be read without scripts.

    Raises
    ------
    ParameterError
        If an SVG picture holds anything active.
    """
    import jinja2
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        """Whatever is put out passes here; markup of our own does not change."""
        return visible(value) if type(value) is str else value

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, auto_reload=False, finalize=shown
    )
    environment.filters |= {
        "kind": lambda value: type(value).__name__,
        "parts": lambda number: number_parts(
            number.value, error=number.error, digits=number.digits, decimals=number.decimals
        ),
        "with_decimals": lambda value, decimals: number_parts(value, decimals=decimals)[0],
        "target": lambda link: quote(link.path.encode("utf-8", "surrogateescape")),
        "plain_number": format_value,
        "one_line": lambda text: visible(text, lines=False),
        "tone": lambda status: "error-tone" if status == "error" else status,
        "sort_value": _sort_value,
        "data_uri": _data_uri,
        "size_attributes": lambda picture: Markup(_size_attributes(picture)),
        "inline_svg": lambda picture: Markup(inline_svg(picture.data)),
        "paragraphs": lambda text: [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()],
    }
    script = _asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.from_string(_asset("report.html.jinja")).render(
        report=report,
        sections=_with_ids(report.sections),
        shown=_WARNINGS_SHOWN,
        cell_class=_cell_class,
        style=Markup(_style()),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
    )


def _asset(name: str) -> str:
    return (files("fullwell.report") / "page" / name).read_text(encoding="utf-8")


def _style() -> str:
    """Return the style sheet, with the dark colors also where no script can choose them."""
    style = _asset("report.css")
    dark = re.search(r':root\[data-theme="dark"\] (\{.*?\})', style, re.DOTALL)
    assert dark is not None
    unchosen = f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme]) {dark.group(1)} }}\n"
    return style[: dark.end()] + "\n" + unchosen + style[dark.end() :]


def _with_ids(sections: Iterable[Section]) -> list[tuple[str, Section]]:
    taken = set(_RESERVED)
    named = []
    for section in sections:
        stem = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "section"
        candidates = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        name = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(name)
        named.append((name, section))
    return named


def _cell_class(table: TableBlock, column: int, cell: Cell) -> str:
    if table.numeric(column):
        return "right"
    return "words" if isinstance(cell, str) and len(cell) > 24 else ""


def _sort_value(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Number():
            return "" if math.isnan(cell.value) else repr(cell.value)
        case Badge() | Brief() | Code():
            return cell.text
        case Link():
            return cell.text or cell.path
        case bool():
            return "yes" if cell else "no"
        case float():
            return "" if math.isnan(cell) else repr(cell)
        case _:
            return str(cell)


def _data_uri(picture: Picture) -> str:
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


def _size_attributes(picture: Picture) -> str:
    """Width and height, so that the page does not jump while pictures appear."""
    width, height = (int.from_bytes(picture.data[at : at + 4], "big") for at in (16, 20))
    return f'width="{width}" height="{height}"'
