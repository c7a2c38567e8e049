"""Files that lie, break off, burst or are something else: each gets one of our errors, with its reason."""

from __future__ import annotations

import gzip
import os
import re
import socket
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from fits_bytes import card, compressed, header, image_cards, padded, pixels, table_cards, valid
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fullwell import errors
from fullwell.errors import FullwellError
from fullwell.frame import Frame
from fullwell.io import ChecksumMemory, FileSummary, Limits, read, scan

SMALL = Limits(max_pixels=10_000, max_bytes=100_000)


def primary(*cards: bytes) -> bytes:
    return header(card("SIMPLE", True), card("BITPIX", 8), card("NAXIS", 0), *cards)


def extension(*cards: bytes, axes: tuple[int, ...] = (4, 3)) -> bytes:
    return header(*image_cards(axes, extension=True), *cards) + pixels(axes)


def with_checksum(flip: int | None = None) -> bytes:
    unit = fits.PrimaryHDU(np.arange(12, dtype=np.int16).reshape(3, 4))
    unit.add_checksum(when="")
    content = bytearray(unit.header.tostring().encode() + padded(unit.data.astype(">i2").tobytes()))
    if flip is not None:
        content[flip] ^= 1
    return bytes(content)


ROW = gzip.compress(np.arange(4, dtype=">i2").tobytes(), mtime=0)

FILES: dict[str, tuple[bytes, type[FullwellError], str]] = {
    "empty": (b"", errors.NotFits, "empty file"),
    "text": (b"these are not the bytes you look for\n" * 100, errors.NotFits, "text file"),
    "one byte": (b"S", errors.NotFits, "not a FITS file"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(3000), errors.NotFits, "PNG"),
    "jpeg": (b"\xff\xd8\xff\xe0" + bytes(3000), errors.NotFits, "JPEG"),
    "zeros": (bytes(5760), errors.NotFits, "not a FITS file"),
    "extension alone": (extension(), errors.NotFits, "without its primary"),
    "SIMPLE = F": (
        valid().replace(b"=                    T", b"=                    F"),
        errors.NotFits,
        "SIMPLE",
    ),
    "header cut": (valid()[:300], errors.CorruptFile, "END"),
    "no END": (header(*image_cards(), end=b"") + pixels(), errors.CorruptFile, "no END card"),
    "broken END": (header(*image_cards(), end=b"ENDE") + pixels(), errors.CorruptFile, "no END card"),
    "no END in sight": (
        padded(image_cards()[0], b" ") + b" " * 2880 * 40,
        errors.TooLarge,
        "max_header_bytes",
    ),
    "data cut": (valid()[:2890], errors.CorruptFile, "truncated"),
    "no data at all": (valid()[:2880], errors.CorruptFile, "truncated"),
    "promises terabytes": (
        header(*image_cards((10**6, 10**6))),
        errors.CorruptFile,
        "promises 2000000000000 bytes",
    ),
    "promises beyond 64 bits": (header(*image_cards((10**15, 10**15))), errors.CorruptFile, "truncated"),
    "over the limit": (
        header(*image_cards((200, 200))) + pixels((200, 200)),
        errors.TooLarge,
        "40000 pixels, the limit is 10000",
    ),
    "bytes over the limit": (
        header(*image_cards((130, 70), bitpix=64), card("BSCALE", 2.0)) + pixels((130, 70), ">i8"),
        errors.TooLarge,
        "72800 bytes, the limit is 70000",
    ),
    "negative axis": (header(*image_cards((-4, 3))) + pixels(), errors.CorruptFile, "NAXIS1 = -4"),
    "negative NAXIS": (header(*image_cards((), naxis=-1)), errors.CorruptFile, "NAXIS = -1"),
    "NAXIS of 1000": (header(*image_cards((), naxis=1000)), errors.CorruptFile, "NAXIS = 1000"),
    "axis missing": (header(*image_cards((4,), naxis=2)) + pixels(), errors.CorruptFile, "NAXIS2 is missing"),
    "axis a float": (
        header(*image_cards()[:3], card("NAXIS1", b"4.0"), card("NAXIS2", 3)),
        errors.CorruptFile,
        "NAXIS1",
    ),
    "axis a text": (
        header(*image_cards()[:3], card("NAXIS1", "four"), card("NAXIS2", 3)),
        errors.CorruptFile,
        "'four'",
    ),
    "BITPIX 17": (header(*image_cards(bitpix=17)) + pixels(), errors.CorruptFile, "BITPIX = 17"),
    "BITPIX complex": (header(*image_cards(bitpix=-128)) + pixels(), errors.CorruptFile, "BITPIX = -128"),
    "BITPIX missing": (
        header(card("SIMPLE", True), card("NAXIS", 0)),
        errors.CorruptFile,
        "BITPIX is missing",
    ),
    "BITPIX garbage": (header(*image_cards(bitpix="x")) + pixels(), errors.CorruptFile, "BITPIX is 'x"),
    "no image": (primary(), errors.NoImage, "no image"),
    "zero axis": (header(*image_cards((0, 3))), errors.NoImage, "no image"),
    "table alone": (
        primary() + header(*table_cards(4, 1, 0, 1), card("TFORM1", "1J")) + padded(bytes(4)),
        errors.NoImage,
        "no image",
    ),
    "cube": (header(*image_cards((4, 3, 2))) + pixels((4, 3, 2)), errors.UnsupportedImage, "3 dimensions"),
    "spectrum": (header(*image_cards((12,))) + pixels(), errors.UnsupportedImage, "1 dimensions"),
    "Bayer": (valid(card("BAYERPAT", "RGGB")), errors.UnsupportedImage, "Bayer"),
    "Bayer true": (valid(card("BAYERPAT", "TRUE")), errors.UnsupportedImage, "Bayer"),
    "color type": (valid(card("COLORTYP", "GRBG")), errors.UnsupportedImage, "COLORTYP"),
    "color CCD": (valid(card("COLORCCD", 1)), errors.UnsupportedImage, "COLORCCD"),
    "random groups": (
        header(*image_cards((0, 3)), card("GROUPS", True), card("PCOUNT", 0), card("GCOUNT", 1)),
        errors.UnsupportedImage,
        "random groups",
    ),
    "PCOUNT in an image": (
        primary() + header(*image_cards(extension=True)[:5], card("PCOUNT", 2), card("GCOUNT", 1)) + pixels(),
        errors.UnsupportedImage,
        "PCOUNT 2",
    ),
    "negative PCOUNT": (
        primary()
        + header(*image_cards(extension=True)[:5], card("PCOUNT", -2), card("GCOUNT", 1))
        + pixels(),
        errors.CorruptFile,
        "PCOUNT = -2",
    ),
    "damaged extension": (
        primary() + b"XTENSIOM" + extension()[8:],
        errors.CorruptFile,
        "behind the last HDU",
    ),
    "junk behind": (valid() + b"junk" * 720, errors.CorruptFile, "behind the last HDU"),
    "second image cut": (valid() + extension()[:2890], errors.CorruptFile, "HDU 1 promises 24 bytes"),
    "BSCALE 0": (valid(card("BSCALE", 0.0)), errors.CorruptFile, "BSCALE = 0"),
    "BZERO text": (valid(card("BZERO", "low")), errors.CorruptFile, "BZERO = 'low"),
    "BSCALE infinite": (valid(card("BSCALE", b"1E999")), errors.CorruptFile, "BSCALE"),
    "unit": (valid(card("BUNIT", "furlong")), errors.FrameError, "furlong"),
    "unit of light": (valid(card("BUNIT", "Jy")), errors.FrameError, "'Jy"),
    "unit a number": (valid(card("BUNIT", 7)), errors.FrameError, "BUNIT = 7"),
    "sections outside": (
        valid(card("DATASEC", "[1:900,1:3]"), card("BIASSEC", "[901:999,1:3]")),
        errors.FrameError,
        "BIASSEC .*outside",
    ),
    "planes of another shape": (
        valid() + extension(card("EXTNAME", "MASK"), axes=(3, 3)),
        errors.FrameError,
        "MASK",
    ),
    "uncertainty of unknown kind": (
        valid() + extension(card("EXTNAME", "UNCERT"), card("UTYPE", "GUESS")),
        errors.FrameError,
        "GUESS",
    ),
    "wrong DATASUM": (with_checksum(flip=2881), errors.ChecksumMismatch, "DATASUM"),
    "wrong CHECKSUM": (with_checksum(flip=0x50 * 10), errors.ChecksumMismatch, "CHECKSUM"),
    "DATASUM no number": (valid(card("DATASUM", "many")), errors.ChecksumMismatch, "many"),
    "gzip cut": (gzip.compress(valid(), mtime=0)[:-20], errors.CorruptFile, "gzip stream ends early"),
    "gzip damaged": (
        gzip.compress(valid(), mtime=0)[:30] + b"\xff" * 40,
        errors.CorruptFile,
        "gzip",
    ),
    "gzip of nothing": (gzip.compress(b"", mtime=0), errors.NotFits, "empty file"),
    "gzip of text": (gzip.compress(b"hello" * 99, mtime=0), errors.NotFits, "text file"),
    "gzip bomb": (gzip.compress(bytes(10**6), mtime=0), errors.TooLarge, "unpacks from"),
    "tile bomb": (
        compressed([gzip.compress(bytes(10**6), mtime=0), ROW, ROW]),
        errors.TooLarge,
        "tile 1 .* unpacks to more than its 32 bytes",
    ),
    "tile bomb in gzip 2": (
        compressed([ROW, gzip.compress(bytes(10**6), mtime=0), ROW], algorithm="GZIP_2"),
        errors.TooLarge,
        "tile 2",
    ),
    "tiles promise too much": (
        compressed([ROW], axes=(10**6, 10**6), tiles=(10**6, 10**6)),
        errors.TooLarge,
        "pixels",
    ),
    "huge tile": (compressed([ROW], tiles=(10**9, 10**9)), errors.TooLarge, "a tile"),
    "tile of 0": (compressed([ROW], tiles=(0, 1)), errors.CorruptFile, "ZTILE1 = 0"),
    "tile cut": (compressed([ROW[:-12], ROW, ROW]), errors.CorruptFile, "tile 1"),
    "tile damaged": (compressed([b"\x07" * 30, ROW, ROW]), errors.CorruptFile, "tile 1 .* damaged"),
    "tile too small": (
        compressed([ROW, ROW, gzip.compress(b"12", mtime=0)]),
        errors.CorruptFile,
        "cannot be decoded|tile 3",
    ),
    "tile missing": (compressed([ROW, ROW]), errors.CorruptFile, "2 compressed tiles, the image needs 3"),
    "tile empty": (compressed([ROW, b"", ROW]), errors.CorruptFile, "tile 2 .* is empty"),
    "tile outside": (
        compressed([ROW, ROW, ROW], descriptors=[(20, 0), (20, 10**6), (20, 0)]),
        errors.CorruptFile,
        "tile 2 .* outside of the heap",
    ),
    "tile of negative length": (
        compressed([ROW, ROW, ROW], descriptors=[(20, 0), (-20, 0), (20, 0)]),
        errors.CorruptFile,
        "outside of the heap",
    ),
    "unknown compression": (
        compressed([ROW] * 3, algorithm="ZIP_9"),
        errors.CorruptFile,
        "ZCMPTYPE = 'ZIP_9'",
    ),
    "rice of block 0": (
        compressed([ROW] * 3, algorithm="RICE_1", more=(card("ZNAME1", "BLOCKSIZE"), card("ZVAL1", 0))),
        errors.CorruptFile,
        "BLOCKSIZE = 0",
    ),
    "hcompress of other size": (
        compressed([b"\xdd\x99" + bytes(4 * 2) + bytes(30)] * 3, algorithm="HCOMPRESS_1"),
        errors.CorruptFile,
        "its stream is for",
    ),
    "plio too long": (
        compressed([np.array([0, 7, -100, 9000, 0, 0, 0], ">i2").tobytes()] * 3, algorithm="PLIO_1"),
        errors.CorruptFile,
        "longer than its place",
    ),
    "compressed cube": (
        compressed([ROW] * 6, axes=(4, 3, 2), tiles=(4, 1, 1)),
        errors.UnsupportedImage,
        "3 dimensions",
    ),
}


#: These show only when pixels are loaded, which `scan` does not do.
SEEN_BY_READ_ALONE = ("tile too small", "uncertainty of unknown kind")


@pytest.mark.parametrize(
    ("name", "call"),
    [
        (name, call)
        for name in FILES
        for call in (read, scan)
        if call is read or name not in SEEN_BY_READ_ALONE
    ],
)
def test_hostile_file_gets_its_error(name: str, call: Callable[..., object], tmp_path: Path) -> None:
    content, expected, reason = FILES[name]
    path = tmp_path / "hostile.fits"
    path.write_bytes(content)
    limits = Limits(max_pixels=10_000, max_bytes=70_000, max_header_bytes=2880 * 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(FullwellError) as caught:
            call(path, limits=limits, memory=ChecksumMemory())
    assert type(caught.value) is expected, caught.value
    assert re.search(reason, str(caught.value)), caught.value
    assert "hostile.fits" in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(errors.UnreadableFile, match="does not exist"):
        read(tmp_path / "none.fits")


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(errors.UnreadableFile, match="is a folder"):
        read(tmp_path)


def test_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.fits")
    with pytest.raises(errors.UnreadableFile, match="not a regular file"):
        read(tmp_path / "pipe.fits")


def test_device_is_refused() -> None:
    with pytest.raises(errors.UnreadableFile, match="not a regular file"):
        read("/dev/zero")


def test_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets must be short
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("s.fits")
        with pytest.raises(errors.UnreadableFile, match="not a regular file"):
            read("s.fits")


def test_link_to_nothing_and_link_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "dangling.fits").symlink_to(tmp_path / "none")
    (tmp_path / "circle.fits").symlink_to(tmp_path / "circle.fits")
    for name in ("dangling.fits", "circle.fits"):
        with pytest.raises(errors.UnreadableFile):
            read(tmp_path / name)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.fits"
    path.write_bytes(valid())

    def refuse(*args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # chmod does not stop root
    with pytest.raises(errors.UnreadableFile, match="permission denied"):
        read(path)


@pytest.mark.parametrize("name", ["nul\0byte.fits", "x" * 5000 + ".fits"])
def test_impossible_names(name: str) -> None:
    with pytest.raises(errors.UnreadableFile):
        read(name)


def test_not_a_name() -> None:
    with pytest.raises(errors.ParameterError, match="path"):
        read(17)  # type: ignore[arg-type]


def test_out_of_memory_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(valid())

    def full(*args: object, **kwargs: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "empty", full)
    with pytest.raises(errors.TooLarge, match="memory"):
        read(path)


def test_limits_are_checked_before_allocation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hole.fits"
    with path.open("wb") as handle:  # a file of holes: large for `stat`, nothing on disk
        handle.write(header(*image_cards((2**15, 2**15), bitpix=-64)))
        handle.truncate(2880 + 2**33)

    def allocated(*args: object, **kwargs: object) -> None:
        raise AssertionError("allocated")

    monkeypatch.setattr(np, "empty", allocated)
    with pytest.raises(errors.TooLarge, match=r"8589934592 bytes, the limit is 4294967296"):
        read(path)


def test_limits_must_be_positive() -> None:
    with pytest.raises(errors.ParameterError, match="max_pixels"):
        Limits(max_pixels=0)


HARMLESS = {
    "COLORCCD 0": (card("COLORCCD", 0),),
    "no Bayer pattern": (card("BAYERPAT", ""), card("COLORTYP", "NONE")),
    "raft bay": (card("RAFTBAY", "R22"),),
    "non-ASCII": (card("OBSERVER", b"'Jos\xe9 \xff'"),),
    "a value that is none": (card("EXPOSURE", b"1.5 sec"),),
    "NaN": (card("CCD-TEMP", b"NaN"),),
    "infinity": (card("CCD-TEMP", b"-1E999"),),
    "unclosed text": (card("OBJECT", b"'Barnard's star"),),
    "no keyword": (b"".ljust(8) + b"= 3".ljust(72),),
    "blanks in a keyword": (b"MY KEY  = 3".ljust(80),),
    "control characters": (b"BAD\x01KEY = 3".ljust(80),),
    "free text": (b"here was somebody who does not know FITS".ljust(80),),
    "lower case": (b"object  = 'M 31'".ljust(80),),
    "CONTINUE alone": (b"CONTINUE  'lost'".ljust(80),),
    "same keyword twice": (card("FILTER", "V"), card("FILTER", "B")),
    "huge integer": (card("COUNTER", b"9" * 60),),
    "END within": (card("ENDING", 3), card("ENDDATE", "2020")),
    "blank checksum": (card("CHECKSUM", ""), card("DATASUM", "")),
    "nuls": (bytes(80),),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_odd_cards_do_not_hinder(name: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.fits"
    path.write_bytes(valid(*HARMLESS[name], card("EXPTIME", 3.0)))
    frame = read(path)
    assert frame.data.tolist() == np.arange(12).reshape(3, 4).tolist()
    assert frame.exposure_time == 3.0
    for each in frame.header.cards:
        each.verify("exception")


def test_dropped_card_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.fits"
    path.write_bytes(valid(b"MY KEY  = 3".ljust(80)))
    assert "MY KEY" in str(read(path).header["HISTORY"])


def test_missing_fill_and_fill_of_a_tape_are_accepted(tmp_path: Path) -> None:
    for content in (valid()[: 2880 + 24], valid() + bytes(2880 * 3), valid() + b" " * 2880):
        path = tmp_path / "fill.fits"
        path.write_bytes(content)
        assert read(path).shape == (3, 4)


def test_threads_share_the_filters_of_warnings(tmp_path: Path) -> None:
    path = tmp_path / "odd.fits"
    path.write_bytes(valid(*HARMLESS["free text"], *HARMLESS["a value that is none"]))
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read(path).data.sum(), range(64)))
    assert set(found) == {66}
    assert list(warnings.filters) == before


BASES = {
    "plain": valid(card("EXPTIME", 1.0), card("DATASEC", "[1:3,1:3]"), card("BIASSEC", "[4:4,1:3]")),
    "product": None,
    "gzip": gzip.compress(valid(), mtime=0),
    "gzip tiles": compressed([ROW] * 3),
    "amplifiers": primary()
    + extension(card("DATASEC", "[1:3,1:3]"), card("DETSEC", "[1:3,1:3]"))
    + extension(card("DATASEC", "[1:3,1:3]"), card("DETSEC", "[6:4,1:3]")),
}


@pytest.mark.parametrize("base", BASES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_never_surprise(base: str, tmp_path: Path, data: st.DataObject) -> None:
    """A frame or one of our errors, whatever the bytes: nothing else, and no warning."""
    content = bytearray(BASES[base] or _product(tmp_path))
    for _ in range(data.draw(st.integers(1, 4))):
        # Half of the damage goes to the cards that matter, at the start of a block.
        place = data.draw(
            st.one_of(
                st.integers(0, len(content) - 1),
                st.integers(0, len(content) // 2880 - 1).flatmap(
                    lambda block: st.integers(block * 2880, block * 2880 + 800)
                ),
            )
            if len(content) > 2880
            else st.integers(0, len(content) - 1)
        )
        content[min(place, len(content) - 1)] = data.draw(
            st.one_of(st.integers(0, 255), st.sampled_from(list(b"0123456789-+.TF' ")))
        )
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path = tmp_path / "damaged.fits"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for call in (read, scan):
            try:
                result = call(path, limits=SMALL, memory=ChecksumMemory(), verify=data.draw(st.booleans()))
            except FullwellError as error:
                result = str(error)
            assert isinstance(result, (Frame, FileSummary)) or "damaged.fits" in result


def _product(folder: Path) -> bytes:
    from fullwell.io import write

    data = np.arange(12, dtype=np.float32).reshape(3, 4)
    write(Frame(data, variance=data + 1, applied=("bias",)), folder / "product.fits", overwrite=True)
    return (folder / "product.fits").read_bytes()
