from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.errors import CorruptFile, FullwellError, TooLarge
from fullwell.frame import Frame
from fullwell.io import Limits, gunzip, read, write
from fullwell.io.gunzip import unpacked

NAME = Path("some.fits.gz")


@pytest.fixture
def fast(monkeypatch):
    """Everything that can goes through libdeflate, and what it gave is told."""
    pytest.importorskip("imagecodecs", reason="imagecodecs, the extra 'fast', is not installed")
    monkeypatch.setattr(gunzip, "_WORTH_IT", 0)
    return spied(monkeypatch)


def spied(patch):
    given_back: list[bytes | None] = []
    original = gunzip._at_once

    def spy(*args):
        given_back.append(original(*args))
        return given_back[-1]

    patch.setattr(gunzip, "_at_once", spy)
    return given_back


def outcome(stream: bytes, limits: Limits) -> bytes | tuple[type, str]:
    try:
        return unpacked(io.BytesIO(stream), len(stream), limits=limits, path=NAME).getvalue()
    except FullwellError as error:
        return type(error), str(error)


def both_ways(stream: bytes, monkeypatch, limits: Limits | None = None):
    """What comes out with libdeflate and without, which has to be the same."""
    quick = outcome(stream, limits or Limits())
    with monkeypatch.context() as patch:
        patch.setattr(gunzip, "_imagecodecs", lambda: None)
        assert quick == outcome(stream, limits or Limits())
    return quick


CONTENT = np.random.default_rng(1).integers(0, 50, 30_000, np.uint8).tobytes()
PACKED = gzip.compress(CONTENT, mtime=0)
OTHER = gzip.compress(CONTENT[::-1], mtime=0)  # as long, another sum


def test_one_member_is_decoded_at_once(fast, monkeypatch):
    assert both_ways(PACKED, monkeypatch) == CONTENT
    assert fast == [CONTENT]


def test_a_member_with_a_name_is_decoded_at_once(fast, monkeypatch):
    stream = io.BytesIO()
    with gzip.GzipFile("long name.fits", "wb", fileobj=stream) as packer:
        packer.write(CONTENT)
    assert both_ways(stream.getvalue(), monkeypatch) == CONTENT
    assert fast == [CONTENT]


@pytest.mark.parametrize(
    ("stream", "content"),
    [
        (PACKED + PACKED, CONTENT * 2),
        (PACKED + OTHER, CONTENT + CONTENT[::-1]),
        (PACKED + gzip.compress(b"", mtime=0), CONTENT),
        (gzip.compress(b"", mtime=0) + PACKED, CONTENT),
        (gzip.compress(CONTENT[:999], mtime=0) + gzip.compress(CONTENT[999:], mtime=0), CONTENT),
        (PACKED + bytes(512), CONTENT),
        (gzip.compress(b"", mtime=0), b""),
    ],
)
def test_several_members_take_the_standard_path(fast, monkeypatch, stream, content):
    assert both_ways(stream, monkeypatch) == content
    assert fast == [None]


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (PACKED[:-1], CorruptFile),
        (PACKED[: len(PACKED) // 2], CorruptFile),
        (PACKED[:12], CorruptFile),
        (PACKED[:300] + b"\xff" * 40 + PACKED[340:], CorruptFile),
        (PACKED[:-8] + bytes(4) + PACKED[-4:], CorruptFile),
        (PACKED[:-4] + struct.pack("<I", len(CONTENT) + 1), CorruptFile),
        (PACKED[:-4] + struct.pack("<I", len(CONTENT) - 1), CorruptFile),
        (PACKED[:-4] + b"\xff" * 4, CorruptFile),
        (PACKED + b"no gzip", CorruptFile),
    ],
)
def test_damaged_files_are_refused_alike(fast, monkeypatch, stream, error):
    assert both_ways(stream, monkeypatch)[0] is error
    assert set(fast) == {None}


def test_no_more_is_unpacked_than_allowed(fast, monkeypatch):
    bomb = gzip.compress(bytes(10**6), mtime=0)
    assert both_ways(bomb, monkeypatch, Limits(max_bytes=999_999))[0] is TooLarge
    assert len(both_ways(bomb, monkeypatch, Limits(max_bytes=10**6))) == 10**6


def test_a_length_that_lies_allocates_nothing(fast, monkeypatch):
    import imagecodecs

    def never(*args, **kwargs):
        raise AssertionError("decoded")

    monkeypatch.setattr(imagecodecs, "gzip_decode", never)
    lie = PACKED[:-4] + struct.pack("<I", 2**31)
    assert both_ways(lie, monkeypatch, Limits(max_bytes=2**31 - 1))[0] is CorruptFile
    # Within the limits, but more than deflate can hold in so few bytes.
    assert both_ways(lie, monkeypatch, Limits(max_bytes=2**32, expansion=1e9))[0] is CorruptFile


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.binary(max_size=60), min_size=1, max_size=4),
    level=st.integers(0, 9),
    cut=st.integers(0, 20),
    flip=st.none() | st.integers(0, 10**6),
)
def test_the_bytes_are_those_of_the_standard_path(parts, level, cut, flip):
    pytest.importorskip("imagecodecs", reason="imagecodecs, the extra 'fast', is not installed")
    stream = bytearray(b"".join(gzip.compress(part, level, mtime=0) for part in parts))
    if cut < 5:
        stream = stream[: len(stream) - cut]
    if flip is not None:
        stream[flip // 8 % len(stream)] ^= 1 << flip % 8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gunzip, "_WORTH_IT", 0)
        both_ways(bytes(stream), patch)


def test_a_frame_is_the_same_either_way(tmp_path, monkeypatch):
    pytest.importorskip("imagecodecs", reason="imagecodecs, the extra 'fast', is not installed")
    data = np.random.default_rng(2).normal(100, 10, (600, 700)).astype(np.float32)
    write(Frame(data, variance=data), tmp_path / "a.fits")
    path = tmp_path / "a.fits.gz"
    path.write_bytes(gzip.compress((tmp_path / "a.fits").read_bytes(), 1))
    assert path.stat().st_size > gunzip._WORTH_IT
    gave = spied(monkeypatch)
    quick = read(path)
    assert len(gave) == 1
    assert gave[0] is not None
    monkeypatch.setattr(gunzip, "_imagecodecs", lambda: None)
    plain = read(path)
    assert len(gave) == 1
    for name in ("data", "variance", "flags"):
        np.testing.assert_array_equal(getattr(quick, name), getattr(plain, name))
    np.testing.assert_array_equal(quick.data, data)


def test_the_trailer_is_what_the_docstring_says():
    assert PACKED[-8:] == struct.pack("<II", zlib.crc32(CONTENT), len(CONTENT))
