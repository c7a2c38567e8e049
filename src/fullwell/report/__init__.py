"""The one builder of reports: what was found and done, as one HTML page and as JSON."""

from fullwell.report.as_html import render_html
from fullwell.report.as_json import to_json
from fullwell.report.cells import Badge, Brief, Code, Link, Number
from fullwell.report.facts import Fact, Facts
from fullwell.report.figures import Change, Gallery, Pair, Picture, Scale
from fullwell.report.model import (
    Block,
    Card,
    Column,
    Listing,
    Report,
    Row,
    Section,
    TableBlock,
    Text,
    WarningItem,
    Warnings,
)
from fullwell.report.plots import Series, histogram_plot, line_plot
from fullwell.report.writing import write_report

__all__ = [
    "Badge",
    "Block",
    "Brief",
    "Card",
    "Change",
    "Code",
    "Column",
    "Fact",
    "Facts",
    "Gallery",
    "Link",
    "Listing",
    "Number",
    "Pair",
    "Picture",
    "Report",
    "Row",
    "Scale",
    "Section",
    "Series",
    "TableBlock",
    "Text",
    "WarningItem",
    "Warnings",
    "histogram_plot",
    "line_plot",
    "render_html",
    "to_json",
    "write_report",
]
