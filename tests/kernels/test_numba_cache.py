from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import fullwell.kernels
from fullwell.kernels import numba_cache
from fullwell.kernels.numba_cache import sources_of

ROOM = Path(fullwell.kernels.__file__).parent


def write(folder, name, text):
    (folder / f"{name}.py").write_text(text)
    sources_of.cache_clear()


def test_all_that_is_imported_on_the_way_counts(tmp_path):
    write(tmp_path, "loops", "from fullwell.kernels.pieces import piece\n")
    write(tmp_path, "pieces", "def f():\n    from fullwell.kernels.numbers import (\n        ONE,\n    )\n")
    write(tmp_path, "numbers", "ONE = 1\nimport fullwell.kernels.loops\n")
    write(tmp_path, "others", "")
    before = sources_of(tmp_path / "loops.py")

    write(tmp_path, "others", "TWO = 2\n")
    assert sources_of(tmp_path / "loops.py") == before

    write(tmp_path, "numbers", "ONE = 2\nimport fullwell.kernels.loops\n")
    assert sources_of(tmp_path / "loops.py") != before


def test_a_loop_is_compiled_anew_when_what_became_part_of_it_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(numba_cache, "_ROOM", tmp_path)
    monkeypatch.setattr(fullwell.kernels, "__path__", [*fullwell.kernels.__path__, str(tmp_path)])
    head = "from fullwell.kernels.numba_cache import jit\n"
    outer = head + (
        "from fullwell.kernels.inner_of_test import inner\n@jit()\ndef outer(x):\n    return inner(x) + 1\n"
    )
    write(tmp_path, "outer_of_test", outer)
    results, hits = [], []
    for factor in (10, 10, 30):
        text = head + f"@jit()\ndef inner(x):\n    return {factor} * x\n"
        write(tmp_path, "inner_of_test", text)
        for name in ("inner_of_test", "outer_of_test"):
            sys.modules.pop(f"fullwell.kernels.{name}", None)
        importlib.invalidate_caches()
        monkeypatch.setattr(sys, "dont_write_bytecode", True)  # or the first text would be imported again
        loops = importlib.import_module("fullwell.kernels.outer_of_test")
        results.append(loops.outer(1))
        hits.append(sum(loops.outer.stats.cache_hits.values()))

    assert results == [11, 11, 31]
    assert hits == [0, 1, 0]


@pytest.mark.parametrize("path", sorted(ROOM.glob("*_compiled.py")), ids=lambda path: path.stem)
def test_every_loop_is_stamped_with_its_sources(path):
    module = importlib.import_module(f"fullwell.kernels.{path.stem}")

    for loop in vars(module).values():
        if hasattr(loop, "py_func") and loop.py_func.__module__ == module.__name__:
            assert loop._cache._cache_file._source_stamp == sources_of(path)


def test_functions_of_others_are_left_to_numba():
    assert (
        numba_cache._KernelLocator.from_function(test_functions_of_others_are_left_to_numba, __file__) is None
    )
