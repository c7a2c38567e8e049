"""The one builder of reports: what was found and done, as one HTML page and as JSON."""

from fullwell.report.as_html import render_html
from fullwell.report.as_json import to_json
from fullwell.report.cells import Badge, Code, Number
from fullwell.report.model import (
    Change,
    Column,
    Fact,
    Facts,
    Gallery,
    Pair,
    Picture,
    Report,
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
    "Change",
    "Code",
    "Column",
    "Fact",
    "Facts",
    "Gallery",
    "Number",
    "Pair",
    "Picture",
    "Report",
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
