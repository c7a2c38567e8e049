from __future__ import annotations

from pathlib import Path

import pytest

from fullwell.errors import UnreadableFile
from fullwell.sorting import find


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names_in(folder: Path, **options: object) -> list[str]:
    found = find(folder, **options)  # type: ignore[arg-type]
    return [found.name_of(path) for path in found.files]


def test_fits_names_in_natural_order(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "b10.FIT",
        "b9.fit",
        "a.fits.fz",
        "a.Fits.GZ",
        "sub/c.fts",
        "notes.txt",
        ".hidden.fit",
        ".git/x.fit",
    )
    assert names_in(tmp_path) == ["a.fits.fz", "a.Fits.GZ", "b9.fit", "b10.FIT", "sub/c.fts"]
    assert find(tmp_path).ignored == ("notes.txt",)


def test_output_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a.fit", "out/masters/bias.fits", "out2/b.fit", "c.fit")
    assert names_in(tmp_path, exclude=[tmp_path / "out", tmp_path / "c.fit"]) == ["a.fit", "out2/b.fit"]


def test_one_level(tmp_path: Path) -> None:
    touch(tmp_path, "a.fit", "sub/b.fit")
    assert names_in(tmp_path, recursive=False) == ["a.fit"]


def test_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "bias.fits/inner.fit")
    assert names_in(tmp_path) == ["bias.fits"]


def test_links(tmp_path: Path) -> None:
    touch(tmp_path, "night/a.fit")
    (tmp_path / "night" / "loop").symlink_to(tmp_path / "night")
    (tmp_path / "night" / "b.fit").symlink_to(tmp_path / "nowhere.fit")
    assert names_in(tmp_path / "night") == ["a.fit", "b.fit"]
    found = find(tmp_path / "night")
    assert found.ignored == ("loop/ (a link to a folder)",)
    assert found.links == ("loop",)


def test_no_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.fit")
    with pytest.raises(UnreadableFile, match="no such folder"):
        find(tmp_path / "nothing")
    with pytest.raises(UnreadableFile, match="a file, not a folder"):
        find(tmp_path / "a.fit")
