from __future__ import annotations

import os

import numpy as np
import pytest

from fullwell.errors import AlreadyExists, FileError
from fullwell.files import LARGE, write_whole
from fullwell.kernels.buffers import room


def test_a_file_is_written_whole(tmp_path):
    write_whole(tmp_path / "x", b"1")
    write_whole(tmp_path / "x", lambda stream: stream.write(b"22"))

    assert (tmp_path / "x").read_bytes() == b"22"
    assert os.listdir(tmp_path) == ["x"]


def test_and_replaces_nothing_where_that_is_not_allowed(tmp_path):
    write_whole(tmp_path / "x", b"mine", overwrite=False)

    with pytest.raises(AlreadyExists):
        write_whole(tmp_path / "x", b"yours", overwrite=False)

    assert (tmp_path / "x").read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["x"]


def test_or_not_at_all(tmp_path, monkeypatch):
    write_whole(tmp_path / "x", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left"):
        write_whole(tmp_path / "x", b"new")

    assert (tmp_path / "x").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_a_file_in_place_of_a_folder_is_our_own_error(tmp_path):
    (tmp_path / "f").write_text("")

    with pytest.raises(FileError, match="cannot be written"):
        write_whole(tmp_path / "f" / "x", b"")


@pytest.mark.parametrize("beyond", [0, 1, 4095, 4096])
@pytest.mark.parametrize("shift", [0, 8])
def test_large_content_is_written_as_it_is_wherever_it_lies(tmp_path, beyond, shift):
    size = 2 * LARGE + beyond
    content = room((size + shift,), np.uint8)[shift:]
    content[:] = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)

    write_whole(tmp_path / "x", content.data)

    assert (tmp_path / "x").read_bytes() == content.tobytes()


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="this system always copies")
def test_where_the_cache_cannot_be_passed_it_is_used(tmp_path, monkeypatch):
    written = []

    def refuse(_, __, place):
        written.append(place)
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "pwrite", refuse)
    content = room((2 * LARGE,), np.uint8)
    content[:] = 7

    write_whole(tmp_path / "x", content.data)

    assert written == [0]
    assert (tmp_path / "x").read_bytes() == content.tobytes()
