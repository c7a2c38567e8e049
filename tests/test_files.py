from __future__ import annotations

import os

import pytest

from fullwell.errors import AlreadyExists, FileError
from fullwell.files import write_whole


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
