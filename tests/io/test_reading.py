from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty
from fits_bytes import card, extension_file, header, image_cards, pixels, valid

from fullwell.detector import Detector
from fullwell.errors import ChecksumMismatch, FrameError, NoImage, UnreadableFile
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.io import ChecksumMemory, content_hash, frames, read, read_image, scan

REAL = Path(__file__).parents[2] / ".." / "shared" / "data"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real frames (../shared/data) are not here")


def saved(tmp_path: Path, data: np.ndarray, name: str = "a.fits", **cards: object) -> Path:
    path = tmp_path / name
    fits.PrimaryHDU(data, fits.Header(list(cards.items()))).writeto(path)
    return path


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_types_survive_in_native_order(dtype: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        data = rng.normal(size=(5, 7)).astype(kind)
    else:
        info = np.iinfo(kind)
        data = rng.integers(info.min, info.max, (5, 7), dtype=kind, endpoint=True)
        data[0, :2] = info.min, info.max
    path = saved(tmp_path, data)
    frame = read(path)
    assert frame.data.dtype == kind
    assert frame.data.dtype.isnative
    assert np.array_equal(frame.data, data)
    assert scan(path).dtype == kind


def test_scaled_integers_become_floats(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(valid(card("BSCALE", 0.5), card("BZERO", 100.0)))
    frame = read(path)
    assert frame.data.dtype == np.float32
    assert np.array_equal(frame.data, np.arange(12).reshape(3, 4) * 0.5 + 100)


def test_blank_pixels_have_no_data_and_keep_their_value(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(valid(card("BLANK", 7)))
    frame = read(path)
    assert frame.data[1, 3] == 7
    assert np.argwhere(frame.flags).tolist() == [[1, 3]]
    assert frame.flags[1, 3] == Flags.NO_DATA


def test_nan_and_infinity_have_no_data_and_keep_their_value(tmp_path: Path) -> None:
    data = np.ones((3, 4), np.float32)
    data[0, 1], data[2, 2], data[1, 1] = np.nan, np.inf, -np.inf
    frame = read(saved(tmp_path, data))
    assert np.array_equal(frame.data, data, equal_nan=True)
    assert np.array_equal(frame.flags == Flags.NO_DATA, ~np.isfinite(data))


def test_file_with_almost_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(valid())
    frame = read(path)
    assert frame.data.tolist() == np.arange(12).reshape(3, 4).tolist()
    assert frame.unit == u.adu
    assert frame.exposure_time is None
    assert frame.detector is None
    assert len(frame.header) == 0
    assert frame.source == "a.fits"


def test_axes_of_length_one_are_squeezed(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(header(*image_cards((4, 3, 1, 1))) + pixels())
    assert read(path).shape == (3, 4)
    assert scan(path).shape == (3, 4)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("adu", u.adu),
        ("ADU", u.adu),
        ("count", u.adu),
        ("counts", u.adu),
        ("DN", u.adu),
        ("", u.adu),
        ("electron", u.electron),
        ("ELECTRONS", u.electron),
        ("e-", u.electron),
        ("electron/s", u.electron / u.s),
        ("1", u.dimensionless_unscaled),
    ],
)
def test_units(text: str, unit: u.UnitBase, tmp_path: Path) -> None:
    assert read(saved(tmp_path, np.ones((2, 2), "f4"), BUNIT=text)).unit == unit


def test_times_come_from_the_header(tmp_path: Path) -> None:
    frame = read(saved(tmp_path, np.ones((2, 2), "f4"), EXPTIME=10.0, DARKTIME=12.5))
    assert (frame.exposure_time, frame.dark_time) == (10.0, 12.5)


def test_gzip_by_content_whatever_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(gzip.compress(valid(), mtime=0))
    assert read(path).data[2, 3] == 11
    assert scan(path).kind == "gzip"


@pytest.mark.parametrize("algorithm", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "NOCOMPRESS"])
def test_tiles_without_loss(algorithm: str, tmp_path: Path) -> None:
    data = np.random.default_rng(1).integers(0, 65535, (40, 51)).astype(np.uint16)
    path = tmp_path / "a.fits.fz"
    tile = {"tile_shape": (20, 51)} if algorithm == "HCOMPRESS_1" else {}
    image = fits.CompImageHDU(data, fits.Header([("OBJECT", "M 31")]), compression_type=algorithm, **tile)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(path, checksum=True)
    frame = read(path)
    assert np.array_equal(frame.data, data)
    assert frame.data.dtype == np.uint16
    assert frame.header["OBJECT"] == "M 31"
    assert not [key for key in frame.header if key.startswith(("Z", "T", "NAXIS"))]
    summary = scan(path)
    assert (summary.kind, summary.shape, summary.dtype) == ("compressed", (40, 51), np.uint16)


@pytest.mark.parametrize("algorithm", ["RICE_1", "GZIP_1"])
def test_quantized_tiles_agree_with_astropy_nan_included(algorithm: str, tmp_path: Path) -> None:
    data = np.random.default_rng(1).normal(100, 5, (40, 51)).astype(np.float32)
    data[3, 4] = np.nan
    path = tmp_path / "a.fits.fz"
    image = fits.CompImageHDU(data, compression_type=algorithm, quantize_level=16)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(path)
    frame = read(path)
    assert np.array_equal(frame.data, fits.getdata(path), equal_nan=True)
    assert np.argwhere(frame.flags).tolist() == [[3, 4]]


def test_amplifiers_in_extensions_become_one_raw_frame(tmp_path: Path) -> None:
    path = tmp_path / "raw.fits"
    path.write_bytes(
        extension_file(
            (card("EXTNAME", "A"), card("DATASEC", "[1:3,1:3]"), card("DETSEC", "[1:3,1:3]")),
            (card("EXTNAME", "B"), card("DATASEC", "[1:3,1:3]"), card("DETSEC", "[6:4,1:3]")),
            primary=(card("EXPTIME", 5.0),),
        )
    )
    frame = read(path)
    assert frame.detector is not None
    assert [amp.name for amp in frame.detector.amplifiers] == ["A", "B"]
    assert frame.layout == "raw"
    part = np.arange(12).reshape(3, 4)[:, :3]
    assert frame.detector.assemble(frame.data).tolist() == np.hstack([part, part[:, ::-1]]).tolist()
    assert frame.exposure_time == 5.0
    assert "DATASEC" not in frame.header
    assert "EXTNAME" not in frame.header
    summary = scan(path)
    assert (summary.kind, summary.shape, summary.number_of_images) == ("mosaic", frame.shape, 2)
    assert read(path, hdu="B").shape == (3, 4)


def test_overscan_of_a_single_image_makes_a_detector(tmp_path: Path) -> None:
    path = saved(tmp_path, np.ones((3, 6), "u2"), DATASEC="[  1:   4,  1: 3]", BIASSEC="[  5:   6,  1: 3]")
    frame = read(path)
    assert frame.detector is not None
    assert frame.detector.shape == (3, 4)
    given = Detector.single((3, 5), overscan=1)
    assert read(path, detector=given).detector is given


def test_detector_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, np.ones((3, 6), "u2"))
    with pytest.raises(FrameError, match=r"a\.fits.*\(9, 9\)"):
        read(path, detector=Detector.single((9, 9)))


def test_hdu_by_number_and_name(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(
        extension_file((card("EXTNAME", "SCI"),), (card("EXTNAME", "VAR"), card("EXPTIME", 9.0)))
    )
    assert read(path).header["EXTNAME"] == "SCI"
    assert read(path, hdu=2).exposure_time == 9.0
    assert read(path, hdu="var").exposure_time == 9.0
    with pytest.raises(NoImage, match=r"no HDU 'DQ'; there are HDU 0, HDU 1 \(SCI\), HDU 2 \(VAR\)"):
        read(path, hdu="DQ")
    with pytest.raises(NoImage, match="HDU 0 is no image"):
        read(path, hdu=0)


def test_cards_of_the_image_win_over_the_primary(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    primary = (card("EXPTIME", 1.0), card("OBJECT", "M 31"))
    path.write_bytes(extension_file((card("EXPTIME", 2.0), card("FILTER", "V")), primary=primary))
    merged = read(path).header
    assert (merged["EXPTIME"], merged["OBJECT"], merged["FILTER"]) == (2.0, "M 31", "V")
    assert scan(path).header == merged


@pytest.mark.parametrize("kind", [StdDevUncertainty, VarianceUncertainty, InverseVariance])
def test_files_of_ccddata(kind: type, tmp_path: Path) -> None:
    data = np.random.default_rng(2).normal(100, 5, (4, 5)).astype(np.float32)
    variance = (data * 2).astype(np.float32)
    mask = data > 105
    array = {"std": np.sqrt(variance), "var": variance, "ivar": 1 / variance}[kind([1]).uncertainty_type]
    ccd = CCDData(data, unit="electron", mask=mask, uncertainty=kind(array), meta={"EXPTIME": 3.0})
    ccd.write(tmp_path / "a.fits")
    frame = read(tmp_path / "a.fits")
    assert np.array_equal(frame.data, data)
    np.testing.assert_allclose(frame.variance, variance, rtol=1e-6)
    assert np.array_equal(frame.flags == Flags.MASKED, mask)
    assert np.array_equal(frame.mask, mask)
    assert frame.unit == u.electron


def test_flags_win_over_mask_and_unknown_planes_are_masked(tmp_path: Path) -> None:
    flags = np.array([[0, 8, 1 << 14, 1 << 20]], np.int32)
    units = [fits.PrimaryHDU(np.ones((1, 4), "f4")), fits.ImageHDU(np.ones((1, 4), "u1"), name="MASK")]
    units.append(fits.ImageHDU(flags, name="FLAGS"))
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    read_back = read(tmp_path / "a.fits").flags
    assert read_back.tolist() == [[0, Flags.SATURATED, Flags.MASKED, Flags.MASKED]]


def test_planes_go_by_name_not_by_bit(tmp_path: Path) -> None:
    names = fits.Header([("FLAG00", "EDGE"), ("FLAG01", "WORMS")])
    units = [fits.PrimaryHDU(np.ones((1, 4), "f4"))]
    units.append(fits.ImageHDU(np.array([[0, 1, 2, 3]], np.int16), names, name="FLAGS"))
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    expected = [[0, Flags.EDGE, Flags.MASKED, Flags.EDGE | Flags.MASKED]]
    assert read(tmp_path / "a.fits").flags.tolist() == expected


def test_checksum_is_verified_once_and_again_when_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(np.arange(12, dtype="i2").reshape(3, 4)).writeto(path, checksum=True)
    memory = ChecksumMemory()
    read(path, memory=memory)
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[2881] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert read(path, memory=memory).data[0, 0] == 1  # as far as anybody can tell, the same file
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    with pytest.raises(ChecksumMismatch):
        read(path, memory=memory)
    with pytest.raises(ChecksumMismatch):  # a failure is not remembered
        scan(path, memory=memory)
    assert read(path, verify=False, memory=memory).data[0, 0] == 1


def test_read_image_of_any_dimensions(tmp_path: Path) -> None:
    cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    units = [fits.PrimaryHDU(), fits.ImageHDU(cube, fits.Header([("A", 1)]), name="CUBE")]
    fits.HDUList(units).writeto(tmp_path / "a.fits")
    data, own = read_image(tmp_path / "a.fits", "CUBE")
    assert np.array_equal(data, cube)
    assert data.dtype == np.float32
    assert own["A"] == 1
    with pytest.raises(NoImage):
        read_image(tmp_path / "a.fits", "NONE")


def test_scan_and_content_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(valid())
    summary = scan(path)
    assert summary.size_bytes == 5760
    assert (summary.shape, summary.kind, summary.number_of_images) == ((3, 4), "plain", 1)
    assert summary.content_hash == content_hash(path)
    # an independent value: sha256sum of the same 5760 bytes
    import hashlib

    assert summary.content_hash == hashlib.sha256(valid()).hexdigest()
    with pytest.raises(UnreadableFile):
        content_hash(tmp_path / "none")


def test_frames_of_a_pattern_are_lazy_and_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        saved(tmp_path, np.full((2, 2), number, "i2"), f"bias_{number}.fits")
    (tmp_path / "bias_3.fits").write_bytes(b"not FITS")
    found = frames(str(tmp_path / "bias_*.fits"))
    assert found.names == ["bias_1.fits", "bias_2.fits", "bias_3.fits", "bias_10.fits"]
    assert found[3].data[0, 0] == 10
    with pytest.raises(OSError, match="not a FITS file"):
        found[2]


def test_frames_of_paths_frames_ccddata_and_arrays(tmp_path: Path) -> None:
    path = saved(tmp_path, np.full((2, 2), 1, "i2"))
    ones = np.ones((2, 2))
    mixed = frames([path, str(path), Frame(ones * 2), CCDData(ones * 3, unit="adu"), ones * 4])
    assert [float(frame.data[0, 0]) for frame in mixed] == [1, 1, 2, 3, 4]
    assert frames(mixed) is mixed
    assert len(frames(Frame(ones))) == 1
    assert len(frames(path)) == 1


def test_frames_hand_their_arguments_to_read(tmp_path: Path) -> None:
    path = saved(tmp_path, np.ones((3, 6), "u2"))
    given = Detector.single((3, 5), overscan=1)
    assert frames([path], detector=given)[0].detector is given


def test_frames_without_match_and_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"none_\*\.fits: no file matches"):
        frames(str(tmp_path / "none_*.fits"))
    with pytest.raises(UnreadableFile, match="does not exist"):
        frames(str(tmp_path / "none.fits"))
    with pytest.raises(UnreadableFile, match="pattern such as"):
        frames(tmp_path)


def test_brackets_in_a_name_are_no_pattern(tmp_path: Path) -> None:
    path = saved(tmp_path, np.ones((2, 2), "i2"), "night[1].fits")
    assert frames(str(path)).names == ["night[1].fits"]


@pytest.mark.real
@real
def test_real_frames_read() -> None:
    names = sorted((REAL / "stl1001-lab").glob("*.FIT")) + sorted((REAL / "st402-spectra").glob("*.FIT"))
    assert names
    for path in names[::7]:
        frame = read(path)
        assert frame.data.dtype == np.uint16
        assert np.array_equal(frame.data, fits.getdata(path))
        assert frame.exposure_time is not None
        assert frame.detector is None


@pytest.mark.real
@real
def test_real_sections_full_of_blanks_and_multi_extension_files() -> None:
    frame = read(REAL / "ccdproc-samples" / "a8280271.fits")
    assert frame.detector is not None
    assert frame.detector.shape == (520, 512)
    assert read(REAL / "ccdproc-samples" / "science-mef.fits").exposure_time == 30.0
    assert scan(REAL / "ccdproc-samples" / "flat-mef.fits").number_of_images == 3
    assert read(REAL / "ccdproc-samples" / "sip-wcs.fit").unit == u.adu


@pytest.mark.real
@real
@pytest.mark.parametrize("name", ["e2v", "itl"])
def test_real_amplifiers_assemble(name: str) -> None:
    path = REAL / "lsst-amplifiers" / f"{name}_spot.fits.gz"
    # The spots were put in without new checksums: the error is right, and so is reading on.
    with pytest.raises(ChecksumMismatch, match="verify=False"):
        scan(path)
    frame = read(path, verify=False)
    assert frame.detector is not None
    expected = read(REAL / "lsst-amplifiers" / f"{name}_expected_assembled.fits.gz").data
    assert np.array_equal(frame.detector.assemble(frame.data), expected[::-1])
