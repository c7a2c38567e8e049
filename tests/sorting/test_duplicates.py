from __future__ import annotations

from pathlib import Path

from sorting_frames import write_frame

from fullwell.sorting.duplicates import Duplicates, pixel_hash


def test_first_of_its_kind_stays() -> None:
    seen = Duplicates()
    assert seen.reason("a", content="1", pixels="p") is None
    assert seen.reason("b", content="1", pixels="p") == "the same content as a, which comes first"
    assert (
        seen.reason("c", content="2", pixels="p")
        == "the same pixels as a, which comes first, under another header"
    )
    assert seen.reason("d", content="3", pixels="q") is None
    assert seen.reason("e", content="4", pixels=None) is None
    assert seen.reason("f", content="5", pixels=None) is None


def test_pixels_under_another_header(tmp_path: Path) -> None:
    one = write_frame(tmp_path / "1.fit", seed=1, EXPTIME=1.0)
    many = {f"KEY{i}": i for i in range(60)}  # a header of another number of blocks
    same = write_frame(tmp_path / "2.fit", seed=1, **many)
    other = write_frame(tmp_path / "3.fit", seed=2, EXPTIME=1.0)
    assert pixel_hash(one) == pixel_hash(same) != pixel_hash(other)
    assert pixel_hash(one) is not None


def test_pixels_that_differ_where_no_sample_is_taken(tmp_path: Path) -> None:
    content = bytearray(b"SIMPLE  =".ljust(80) + b"END".ljust(2800) + bytes(200_000))
    for name in ("1", "2", "3"):
        content[2880 + 8000] = name == "3"
        (tmp_path / name).write_bytes(content)
    one, same, other = (pixel_hash(tmp_path / name) for name in ("1", "2", "3"))
    assert one is not None
    assert other is not None
    assert one == same
    assert one.sample == other.sample
    assert one != other


def test_no_hash_of_what_is_no_plain_frame(tmp_path: Path) -> None:
    for name, content in {"empty": b"", "text": b"x" * 9000, "endless": b"SIMPLE  =".ljust(2880) * 3}.items():
        (tmp_path / name).write_bytes(content)
        assert pixel_hash(tmp_path / name) is None
    assert pixel_hash(tmp_path) is None
