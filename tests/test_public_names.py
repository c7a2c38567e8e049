"""The root package: what it promises is there, and nothing heavy comes along unasked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fullwell

STUB = (Path(fullwell.__file__).parent / "__init__.pyi").read_text()
NAMES = re.findall(r"^from \S+ import \w+ as (\w+)$", STUB, re.MULTILINE)


def loaded_after(code: str) -> set[str]:
    """Top-level modules in a fresh interpreter."""
    script = f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_imported(name):
    assert getattr(fullwell, name) is not None


def test_all_says_the_same_as_the_stub():
    assert sorted(fullwell.__all__) == sorted(NAMES)
    assert set(NAMES) <= set(dir(fullwell))
    assert fullwell.__version__


def test_names_that_are_not_there_are_an_attribute_error():
    with pytest.raises(AttributeError):
        _ = fullwell.nonsense


def test_importing_the_package_imports_nothing_heavy():
    assert not {"numpy", "astropy", "numba"} & loaded_after("import fullwell")


def test_the_core_does_without_what_only_some_need():
    heavy = {"numba", "matplotlib", "pydantic", "scipy", "jinja2", "sqlalchemy", "rich", "PIL"}

    assert not heavy & loaded_after("from fullwell import SignalChain, Frame, combine")
