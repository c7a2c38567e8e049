from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
from astropy.io import fits

from fullwell.io import map_frame, read
from fullwell.io.card_text import UNIT_NAMES
from fullwell.io.checks import Limits
from fullwell.io.checksums import ChecksumMemory
from fullwell.io.plain_images import plain_image

DATA = np.arange(12).reshape(3, 4)


def written(path, dtype="u2", cards=(), **options):
    fits.PrimaryHDU(DATA.astype(dtype), fits.Header(list(cards))).writeto(path, **options)
    return path


@pytest.mark.parametrize("dtype", ["u2", "i2", "f4"])
@pytest.mark.parametrize("bunit", [None, *UNIT_NAMES])
def test_what_is_found_is_what_is_mapped(tmp_path, dtype, bunit):
    path = written(tmp_path / "a.fits", dtype, [] if not bunit else [("BUNIT", bunit)])

    plain, mapped = plain_image(path), map_frame(path)

    assert plain is not None
    assert mapped is not None
    assert (plain.shape, plain.name) == (mapped.frame.shape, mapped.frame.source)
    assert plain.unit == mapped.frame.unit.to_string() == read(path).unit.to_string()
    assert plain.image.plane.unsigned == mapped.image.plane.unsigned
    np.testing.assert_array_equal(plain.image.plane.array, mapped.image.plane.array)
    assert [str(card) for card in plain.cards] == [str(card) for card in mapped.frame.header.cards]


@pytest.mark.parametrize(
    "cards",
    [
        [("BUNIT", "Jy")],
        [("BUNIT", 3)],
        [("BAYERPAT", "RGGB")],
        [("BLANK", 7)],
        [("BIASSEC", "[1:1,1:3]"), ("TRIMSEC", "[2:4,1:3]")],
        [("DATASEC", "no section")],
        [("EXTNAME", "FLAGS")],
        [("FWAPPLY", "bias")],
        [("HIERARCH ESO GAIN", 1.0)],
    ],
)
def test_what_needs_a_closer_look_is_left(tmp_path, cards):
    assert plain_image(written(tmp_path / "a.fits", "i2", cards)) is None


@pytest.mark.parametrize("dtype", ["u1", "i4", "f8"])
def test_other_types_are_left(tmp_path, dtype):
    assert plain_image(written(tmp_path / "a.fits", dtype)) is None


def test_more_than_one_image_is_left(tmp_path):
    units = [fits.PrimaryHDU(DATA.astype("i2")), fits.ImageHDU(DATA.astype("f4"), name="UNCERT")]
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    assert plain_image(tmp_path / "a.fits") is None


def test_wrong_sums_are_left_to_who_tells_them(tmp_path):
    path = written(tmp_path / "a.fits", checksum=True)
    assert plain_image(path, memory=ChecksumMemory()) is not None
    content = bytearray(path.read_bytes())
    content[2900] ^= 1
    path.write_bytes(content)
    assert plain_image(path, memory=ChecksumMemory()) is None


def test_files_that_are_none_are_left(tmp_path):
    good = written(tmp_path / "a.fits").read_bytes()
    (tmp_path / "packed").write_bytes(gzip.compress(good))
    (tmp_path / "short").write_bytes(good[:2890])
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "junk").write_bytes(good + b"junk" * 720)
    (tmp_path / "text").write_text("SIMPLE  = 3")
    os.mkfifo(tmp_path / "pipe")
    for name in ("packed", "short", "empty", "junk", "text", "pipe", "nothing", "."):
        assert plain_image(tmp_path / name) is None


def test_limits_hold(tmp_path):
    path = written(tmp_path / "a.fits")
    assert plain_image(path, limits=Limits(max_pixels=11)) is None
    assert plain_image(path, limits=Limits(max_pixels=12)) is not None
