"""Reports on disk: whole or not at all."""

from __future__ import annotations

from pathlib import Path

from fullwell.files import write_whole
from fullwell.report.as_html import render_html
from fullwell.report.as_json import to_json
from fullwell.report.model import Report

__all__ = ["write_report"]


def write_report(report: Report, html_path: Path | str, json_path: Path | str) -> None:
    """Write a report as HTML and as JSON.

    Each file is written aside, forced to disk and renamed, so that a reader finds the old one or
    the new one and never a part. What is there already is replaced: a report describes the folder
    as it is now.

    Raises
    ------
    FileError
        If a file cannot be written (no such folder, no permission, disk full); nothing of it is left.
    """
    # Both are rendered before either is written: an error in one leaves both as they were.
    texts = {Path(html_path): render_html(report), Path(json_path): to_json(report)}
    for path, text in texts.items():
        # Names of files may hold bytes that are no UTF-8; they are shown escaped.
        write_whole(path, text.encode("utf-8", "backslashreplace"))
