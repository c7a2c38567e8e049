"""The program as a whole: what it imports, how it ends."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from fullwell.cli import COMMANDS, main
from fullwell.errors import AlreadyExists, ConfigError, FileError, NothingUsable, ParameterError


@pytest.mark.parametrize(
    "arguments", [["--help"], ["reduce", "--help"], ["simulate", "--help"], ["--version"]]
)
def test_help_is_light(arguments):
    heavy = ("astropy", "numpy", "matplotlib", "pydantic", "numba", "scipy", "rich", "jinja2")
    code = (
        "import sys\nfrom fullwell.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit as end: assert end.code == 0\n"
        f"print(sorted(set({heavy!r}) & set(sys.modules)))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert seen.splitlines()[-1] == "[]"


def test_help_lists_all_commands():
    text = CliRunner().invoke(main, ["-h"]).output
    assert all(name in text for name in COMMANDS)
    assert "Exit codes" in text


@pytest.mark.parametrize(
    "arguments", [["reduc"], ["reduce"], ["reduce", "x"], ["reduce", "x", "-o", "y", "--nonsense"]]
)
def test_usage_errors(arguments):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr


def failing(monkeypatch, error):
    import fullwell.night

    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(fullwell.night, "reduce", fail)
    return CliRunner().invoke(main, ["reduce", "raw", "-o", "out"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AlreadyExists("out is there"), 2),
        (ConfigError("a key"), 2),
        (ParameterError("preset", "x", "a known one"), 2),
        (FileError("out/results.json", "cannot be written: No space left on device"), 1),
        (NothingUsable("no frame"), 3),
        (TypeError("a defect\nin two lines"), 1),
        (OSError(5, "Input/output error"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_are_one_line_and_a_code(monkeypatch, error, code):
    result = failing(monkeypatch, error)
    assert result.exit_code == code
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("fullwell reduce: ")
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback(monkeypatch):
    import fullwell.night

    def fail(*arguments, **options):
        raise TypeError("a defect")

    monkeypatch.setattr(fullwell.night, "reduce", fail)
    result = CliRunner().invoke(main, ["--debug", "reduce", "raw", "-o", "out"])
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "TypeError: a defect" in result.stderr


def test_overwriting_is_offered_only_where_it_helps(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    said = {}
    for name in ("file", "full"):
        arguments = ["reduce", str(tmp_path / "raw"), "-o", str(tmp_path / name)]
        said[name] = CliRunner().invoke(main, arguments).stderr
    assert "is a file" in said["file"]
    assert "--overwrite" not in said["file"]
    assert "did not write" in said["full"]
    assert "(--overwrite allows it)" in said["full"]
