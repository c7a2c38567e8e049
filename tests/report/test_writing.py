from __future__ import annotations

import json
import os

import pytest

from fullwell.errors import FileError
from fullwell.report import Report, Section, Text, render_html, to_json, write_report


def test_both_files_are_written_and_nothing_else(report, tmp_path):
    write_report(report, tmp_path / "report.html", tmp_path / "results.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results.json"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render_html(report)
    assert (tmp_path / "results.json").read_text(encoding="utf-8") == to_json(report)


def test_an_older_report_is_replaced(report, tmp_path):
    paths = tmp_path / "report.html", tmp_path / "results.json"
    for path in paths:
        path.write_text("old")
    write_report(report, *paths)
    assert all(path.read_text(encoding="utf-8") != "old" for path in paths)


def test_a_failure_leaves_the_old_report_and_no_scraps(report, tmp_path, monkeypatch):
    (tmp_path / "report.html").write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left"):
        write_report(report, tmp_path / "report.html", tmp_path / "results.json")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "old"


def test_a_folder_that_is_not_there_is_named(report, tmp_path):
    with pytest.raises(FileError, match="nowhere"):
        write_report(report, tmp_path / "nowhere" / "r.html", tmp_path / "r.json")


def test_names_that_are_no_utf8_are_shown_escaped(tmp_path):
    name = os.fsdecode(b"bad\xff.FIT")
    write_report(Report("x", [Section("s", [Text(name)])]), tmp_path / "r.html", tmp_path / "r.json")
    assert "bad\\udcff.FIT" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["title"] == "x"
