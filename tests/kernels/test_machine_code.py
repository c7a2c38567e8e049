from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fullwell.files import LEFT_OVER
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
    assert not child(folder)
    assert child(folder, NUMBA_OPT="3")


@usual
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_code_is_not_loaded(folder, data):
    (kept,) = folder.glob("encode_pixels-*.code")
    whole = kept.read_bytes()
    at = data.draw(st.one_of(st.integers(0, 200), st.integers(0, len(whole) - 1)))
    flipped = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    for damaged in (flipped, whole[:at], whole + b"x"):
        kept.write_bytes(damaged)
        assert machine_code._loaded("encode_pixels") is None
    kept.write_bytes(whole)


@usual
def test_damaged_code_is_made_anew_when_everything_is_compiled(folder):
    (kept,) = folder.glob("encode_pixels-*.code")
    kept.write_bytes(kept.read_bytes()[:-100])
    assert child(folder)

    machine_code.keep("encode_pixels", encoding._make)

    assert not child(folder)


@usual
def test_an_object_file_that_is_none_is_left_to_numba(folder):
    # Whole by its digest, but of something else.
    (kept,) = folder.glob("encode_pixels-*.code")
    for content in (b"symbol\nno object file", b"", b"\xff\xff\n"):
        kept.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        assert machine_code._loaded("encode_pixels") is None


@usual
@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_code_that_others_may_have_written_is_not_loaded(folder, mode):
    (kept,) = folder.glob("encode_pixels-*.code")
    assert kept.stat().st_mode & 0o777 == 0o644
    kept.chmod(mode)
    assert machine_code._loaded("encode_pixels") is None


@usual
def test_code_of_another_user_is_not_loaded(folder, monkeypatch):
    (kept,) = folder.glob("encode_pixels-*.code")
    installed = Path(machine_code.__file__).stat().st_uid
    if os.geteuid() != 0 or installed != 0:
        pytest.skip("takes an administrator to give files away")
    os.chown(kept, 12345, -1)
    assert machine_code._loaded("encode_pixels") is None


@usual
def test_a_mask_that_lets_others_write_does_not_hold_for_code(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    before = os.umask(0)
    try:
        machine_code._keep("name", b"code", "symbol")
    finally:
        os.umask(before)
    assert machine_code._stored("name") == (b"code", "symbol")


@usual
def test_processes_that_keep_the_same_code_at_once_leave_it_whole(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", CHILD]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for each in running:
        assert each.communicate()[0].split()[0] == WANT
        assert each.returncode == 0

    assert len(list(tmp_path.glob("encode_pixels-*.code"))) == 1
    assert not list(tmp_path.glob(LEFT_OVER))
    assert not child(tmp_path)


def test_settings_of_numba_leave_the_work_to_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".numba_config.yaml").write_text("opt: 0\n")
    assert not machine_code._is_usual()


def test_without_sources_or_a_home_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_code, "__file__", str(tmp_path / "in.zip" / "machine_code.py"))
    assert machine_code._identity.__wrapped__() is None

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert machine_code._folders() == [tmp_path / "in.zip" / "__pycache__"]


def test_the_oldest_code_goes(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    for i in range(10):
        monkeypatch.setattr(machine_code, "_identity", lambda i=i: f"{i}")
        machine_code._keep("name", b"code", "symbol")
        os.utime(tmp_path / f"name-{i}.code", (i, i))
    assert {path.name for path in tmp_path.iterdir()} == {f"name-{i}.code" for i in range(2, 10)}


@usual
def test_code_of_other_sources_is_not_loaded(folder, monkeypatch):
    assert machine_code._loaded("encode_pixels") is not None
    monkeypatch.setattr(machine_code, "_identity", lambda: "of another processor")
    assert machine_code._loaded("encode_pixels") is None


@usual
def test_code_that_needs_what_is_not_there_is_not_loaded(folder, monkeypatch):
    content, symbol = machine_code._stored("encode_pixels")
    assert machine_code._linked(content, symbol) is not None
    assert machine_code._linked(content, "another") is None

    monkeypatch.setattr(machine_code, "_outside", lambda *_: ["NRT_MemInfo_alloc_aligned_and_more"])
    assert machine_code._linked(content, symbol) is None


def test_folders_that_cannot_be_written_do_no_harm(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "below"))

    machine_code._keep("name", b"code", "symbol")

    assert machine_code._loaded("name") is None
    assert (tmp_path / "file").read_text() == ""
