from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from fullwell.errors import CorruptFile, UnreadableFile
from fullwell.io import MappedFrame, frames_ahead, map_frame, read


@pytest.mark.parametrize("dtype", ["u2", "i2", "f4"])
def test_pixels_and_header_are_those_of_read(tmp_path, dtype):
    path = tmp_path / "a.fits"
    data = np.arange(12).reshape(3, 4).astype(dtype)
    fits.PrimaryHDU(data, fits.Header([("EXPTIME", 5.0), ("BUNIT", "adu")])).writeto(path)

    mapped, want = map_frame(path), read(path)

    assert mapped is not None
    value = mapped.image.plane.array.astype(np.float64) + 32768 * mapped.image.plane.unsigned
    np.testing.assert_array_equal(value, want.data)
    assert mapped.frame.shape == want.shape
    assert mapped.frame.header == want.header
    assert (mapped.frame.unit, mapped.frame.exposure_time, mapped.frame.source) == (want.unit, 5.0, "a.fits")
    assert mapped.frame.data.dtype == want.data.dtype


def test_what_has_to_be_decoded_is_left_to_read(tmp_path):
    data = np.arange(12, dtype=np.int16).reshape(3, 4)
    scaled = fits.PrimaryHDU(data)
    scaled.header["BSCALE"] = 2.0
    blank = fits.PrimaryHDU(data, fits.Header([("BLANK", 3)]))
    planes = fits.HDUList([fits.PrimaryHDU(data), fits.ImageHDU(np.ones((3, 4), np.float32), name="UNCERT")])
    packed = fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data)])
    wide = fits.PrimaryHDU(data.astype(np.int32))
    for name, units in {"s": scaled, "b": blank, "p": planes, "z": packed, "w": wide}.items():
        units.writeto(tmp_path / f"{name}.fits", output_verify="silentfix")
        assert map_frame(tmp_path / f"{name}.fits") is None
    (tmp_path / "g.fits.gz").write_bytes(gzip.compress((tmp_path / "w.fits").read_bytes()))
    assert map_frame(tmp_path / "g.fits.gz") is None


def test_broken_files_are_refused_as_by_read(tmp_path):
    path = tmp_path / "a.fits"
    fits.writeto(path, np.zeros((100, 100), np.float32))
    path.write_bytes(path.read_bytes()[:9000])

    with pytest.raises(CorruptFile, match="truncated"):
        map_frame(path)
    with pytest.raises(UnreadableFile):
        map_frame(tmp_path / "none.fits")


@pytest.mark.parametrize("dtype", ["u2", "i2", "f4"])
def test_rows_that_are_read_are_those_that_are_mapped(tmp_path, dtype):
    path = tmp_path / "a.fits"
    data = np.arange(200 * 300).reshape(200, 300).astype(dtype)
    fits.writeto(path, data)
    mapped = map_frame(path)
    assert mapped is not None
    plane = mapped.image.unmapped()
    space = np.empty(150 * 300, plane.array.dtype)

    for part in (slice(0, 1), slice(3, 150), slice(199, 200)):
        want = mapped.image.plane.rows(part)
        for read_rows in (plane.rows(part), plane.rows(part, space)):
            np.testing.assert_array_equal(read_rows.array, want.array)
            assert (read_rows.unsigned, read_rows.kind) == (want.unsigned, want.kind)
    assert plane.nbytes == mapped.image.plane.nbytes


def test_rows_that_were_released_come_again_and_take_no_memory_meanwhile(tmp_path):
    path = tmp_path / "a.fits"
    data = np.arange(4000 * 1000).reshape(4000, 1000).astype(np.float32)
    fits.writeto(path, data)
    plane = map_frame(path).image.plane

    for _ in range(2):
        np.testing.assert_array_equal(plane.rows(slice(0, 4000)).array, data)
        if plane.can_release and Path("/proc/self/smaps").exists():
            assert resident(path) > data.nbytes // 2
            plane.release(slice(0, 4000))
            assert resident(path) < data.nbytes // 100
        else:
            plane.release(slice(0, 4000))
    plane.release(slice(3, 4))
    np.testing.assert_array_equal(plane.rows(slice(2, 5)).array, data[2:5])


def resident(path):
    """Bytes of a file that count as memory of this process."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    for line in lines:
        if line.endswith(str(path)):
            return 1024 * int(next(each for each in lines if each.startswith("Rss:")).split()[1])
    return 0


def test_rows_of_a_file_that_has_changed_are_refused(tmp_path):
    path = tmp_path / "a.fits"
    fits.writeto(path, np.zeros((20, 30), np.float32))
    plane = map_frame(path).image.unmapped()
    path.unlink()
    with pytest.raises(UnreadableFile):
        plane.rows(slice(0, 2))

    fits.writeto(path, np.ones((200, 30), np.float32))

    with pytest.raises(UnreadableFile, match="has changed"):
        plane.rows(slice(0, 2))


def test_files_come_in_order_mapped_or_read(tmp_path):
    paths = []
    for i in range(7):
        paths.append(tmp_path / f"{i}.fits")
        fits.writeto(paths[-1], np.full((3, 4), i, np.int32 if i % 2 else np.int16))

    frames = list(frames_ahead(paths))

    assert [isinstance(frame, MappedFrame) for frame in frames] == [True, False] * 3 + [True]
    values = [(f.image.plane.array if isinstance(f, MappedFrame) else f.data)[0, 0] for f in frames]
    assert values == list(range(7))


def test_an_unreadable_file_is_told_in_its_turn(tmp_path):
    fits.writeto(tmp_path / "a.fits", np.zeros((3, 4), np.int16))
    frames = frames_ahead([tmp_path / "a.fits", tmp_path / "none.fits"])

    assert next(frames).image.plane.array.shape == (3, 4)
    with pytest.raises(UnreadableFile):
        next(frames)
