from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

import fullwell as fw
from fullwell.io.checksums import encoded, folded
from fullwell.io.streaming import _PIECE, Pixels, file_image, file_size, sum_cards, write_units


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", ">u2", ">f4", "?"]
)
def test_bytes_are_those_that_astropy_writes(tmp_path, dtype):
    data = np.arange(700 * 601).reshape(700, 601).astype(dtype)
    assert data.size > _PIECE
    frame = fw.Frame(np.ones((3, 5), np.float32), variance=np.full((3, 5), 4.0, np.float32))

    fw.write(frame, tmp_path / "a.fits", extra={"X": data}, dtype="f8" if dtype == "f8" else "f4")

    with fits.open(tmp_path / "a.fits", checksum=True) as units:  # a wrong sum would warn, that is raise
        np.testing.assert_array_equal(units["X"].data, data)
        assert (units["UNCERT"].data == 2).all()
        extensions = [fits.ImageHDU(unit.data, unit.header) for unit in units[1:]]
        again = fits.HDUList([fits.PrimaryHDU(units[0].data, units[0].header), *extensions])
        again.update_extend()
        for unit in again:
            unit.add_checksum(when="ones' complement sum")
        again.writeto(tmp_path / "b.fits")
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()


def test_a_cut_out_and_a_cube(tmp_path):
    cube = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    frame = fw.Frame(np.arange(40.0).reshape(5, 8).astype(np.float32)[:, ::2])

    fw.write(frame, tmp_path / "a.fits", extra={"CUBE": cube[:, :, 1:3]})

    np.testing.assert_array_equal(fw.read(tmp_path / "a.fits").data, frame.data)
    np.testing.assert_array_equal(fits.getdata(tmp_path / "a.fits", "CUBE"), cube[:, :, 1:3])


def test_what_is_asked_for_stays_as_it_was():
    data = np.array([[1, 65535]], np.uint16)

    stored = next(Pixels.of(data, np.dtype("f4"), "data").pieces()).content

    assert stored.tobytes() == b"\x80\x01\x7f\xff"
    assert data.tolist() == [[1, 65535]]


@given(st.integers(0, 2**32 - 1))
def test_the_sum_of_its_letters_takes_a_sum_to_zero(total):
    text = encoded(total)

    assert text.isalnum()
    # In a card the 16 letters begin at byte 11: the last of a word.
    words = text[1:] + text[0]
    zeros = sum(int.from_bytes(b"0000", "big") for _ in range(4))
    letters = sum(int.from_bytes(words[i : i + 4].encode(), "big") for i in range(0, 16, 4))
    assert folded(total + letters) in (folded(zeros + 2**32 - 1), folded(zeros))


def test_a_file_is_the_same_put_together_in_memory_and_written_piece_by_piece(tmp_path):
    header = sum_cards().encode().ljust(2880)
    image = np.arange(700 * 601, dtype=np.float32).reshape(700, 601)
    pixels = [Pixels.of(part, np.dtype("f4"), "X") for part in (image, image[:3, :5], image > 7)]

    with (tmp_path / "x").open("wb") as stream:
        write_units(stream, [header] * 3, pixels)
    whole = file_image([header] * 3, pixels)

    assert (tmp_path / "x").read_bytes() == whole.tobytes()
    assert file_size([header] * 3, pixels) == whole.size
