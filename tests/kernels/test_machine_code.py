from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from fullwell.kernels import encoding, machine_code

usual = pytest.mark.skipif(not machine_code._is_usual(), reason="Numba does all the work here")

CHILD = """
import sys
import numpy as np
from fullwell.kernels.encoding import encode
values = np.arange(4, dtype=np.uint16)
print(encode(values, compiled=True).content.tobytes().hex(), "numba" in sys.modules)
"""
WANT = encoding.encode(np.arange(4, dtype=np.uint16), compiled=False).content.tobytes().hex()


def child(folder, **variables):
    """Encode in a process of its own; return the content and whether that took Numba."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder), **variables}
    done = subprocess.run(
        [sys.executable, "-c", CHILD], env=environment, check=True, capture_output=True, text=True
    )
    content, with_numba = done.stdout.split()
    assert content == WANT
    return with_numba == "True"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in which the code of a loop is kept."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    machine_code.keep("encode_pixels", encoding._make)
    return tmp_path


@usual
def test_a_later_process_does_without_numba_until_anything_is_unusual(folder):
    (kept,) = folder.glob("encode_pixels-*.code")
    assert not child(folder)
    assert child(folder, NUMBA_OPT="3")

    whole = kept.read_bytes()
    for damaged in (whole[:-100], whole + b"x", b"", b"{}\n"):
        kept.write_bytes(damaged)
        assert machine_code._loaded("encode_pixels") is None


@usual
def test_code_of_other_sources_is_not_loaded(folder, monkeypatch):
    assert machine_code._loaded("encode_pixels") is not None
    monkeypatch.setattr(machine_code, "_identity", lambda: "of another processor")
    assert machine_code._loaded("encode_pixels") is None


@usual
def test_code_that_needs_what_is_not_there_is_not_loaded(folder):
    (kept,) = folder.glob("encode_pixels-*.code")
    content = kept.read_bytes().partition(b"\n")[2]

    assert machine_code._linked(content, "encode_pixels", ["NRT_MemInfo_alloc_aligned_and_more"]) is None


def test_folders_that_cannot_be_written_do_no_harm(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "below"))

    machine_code._keep("name", b"code", "symbol", [])

    assert machine_code._loaded("name") is None
    assert (tmp_path / "file").read_text() == ""
