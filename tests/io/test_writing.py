from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fullwell.errors import AlreadyExists, FileError, FrameError, ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame, Shared
from fullwell.io import read, read_image, write
from fullwell.io.places import check_place


def product(**changes: object) -> Frame:
    rng = np.random.default_rng(4)
    data = rng.normal(100, 5, (6, 8)).astype(np.float32)
    flags = np.zeros((6, 8), np.uint16)
    flags[1, 2], flags[3, 3] = Flags.SATURATED | Flags.BLEED, Flags.EDGE
    header = fits.Header([("OBJECT", "M 31", "name"), ("EXPTIME", 10.0), ("LONGTEXT", "word " * 40 + "end")])
    header.add_history("made by a telescope")
    fields: dict[str, object] = {
        "variance": (data * 2).astype(np.float32),
        "flags": flags,
        "header": header,
        "applied": ("overscan", "bias", "dark"),
        "unit": u.electron,
        "exposure_time": 10.0,
        "dark_time": 12.5,
    }
    return Frame(data, **{**fields, **changes})  # type: ignore[arg-type]


def test_round_trip(tmp_path: Path) -> None:
    frame = product()
    write(
        frame,
        tmp_path / "a.fits",
        cards={"PRODUCT": ("calibrated", "what this is")},
        history=["bias taken out"],
    )
    back = read(tmp_path / "a.fits")
    assert np.array_equal(back.data, frame.data)
    assert back.data.dtype == np.float32
    assert back.variance is not None
    assert back.variance.dtype == np.float32
    np.testing.assert_allclose(back.variance, frame.variance, rtol=2e-7)
    assert np.array_equal(back.flags, frame.flags)
    assert (back.unit, back.applied) == (u.electron, ("overscan", "bias", "dark"))
    assert (back.exposure_time, back.dark_time) == (10.0, 12.5)
    for each in frame.header.cards:
        if each.keyword != "HISTORY":
            assert (back.header[each.keyword], back.header.comments[each.keyword]) == (
                each.value,
                each.comment,
            )
    assert list(back.header["HISTORY"]) == ["made by a telescope", "bias taken out"]
    assert back.header["PRODUCT"] == "calibrated"


def test_second_trip_gives_the_same_bytes(tmp_path: Path) -> None:
    write(product(), tmp_path / "a.fits")
    write(read(tmp_path / "a.fits"), tmp_path / "b.fits")
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()


def test_same_content_same_bytes_and_no_clock(tmp_path: Path) -> None:
    for name in ("a.fits", "b.fits"):
        write(product(), tmp_path / name, extra={"COUNT": np.full((6, 8), 5, np.uint16)})
    content = (tmp_path / "a.fits").read_bytes()
    assert content == (tmp_path / "b.fits").read_bytes()
    with fits.open(tmp_path / "a.fits") as units:
        assert not any("DATE" in unit.header for unit in units)
        assert {unit.header.comments["CHECKSUM"] for unit in units} == {"ones' complement sum"}


def test_astropy_finds_it_valid(tmp_path: Path) -> None:
    write(product(), tmp_path / "a.fits", extra={"CUBE": np.ones((2, 3, 4), "f4")})
    with fits.open(tmp_path / "a.fits", checksum=True) as units:  # a wrong sum would warn, that is raise
        units.verify("exception")
        assert [unit.name for unit in units] == ["PRIMARY", "UNCERT", "MASK", "FLAGS", "CUBE"]


def test_ccddata_reads_it(tmp_path: Path) -> None:
    frame = product()
    write(frame, tmp_path / "a.fits")
    ccd = CCDData.read(tmp_path / "a.fits", hdu_flags="FLAGS")
    assert np.array_equal(ccd.data, frame.data)
    assert isinstance(ccd.uncertainty, StdDevUncertainty)
    np.testing.assert_allclose(ccd.uncertainty.array**2, frame.variance, rtol=3e-7)
    assert np.array_equal(ccd.mask, frame.mask)
    assert np.array_equal(ccd.flags, frame.flags)
    assert ccd.unit == u.electron
    assert ccd.header["OBJECT"] == "M 31"


def test_ccddata_writes_back_what_it_read(tmp_path: Path) -> None:
    write(product(), tmp_path / "a.fits")
    CCDData.read(tmp_path / "a.fits", hdu_flags="FLAGS").write(tmp_path / "b.fits", hdu_flags="FLAGS")
    first, second = read(tmp_path / "a.fits"), read(tmp_path / "b.fits")
    assert np.array_equal(first.data, second.data)
    assert np.array_equal(first.flags, second.flags)
    assert np.array_equal(first.variance, second.variance)  # type: ignore[arg-type]
    assert first.applied == second.applied


def test_raw_frame_is_a_plain_file(tmp_path: Path) -> None:
    data = np.arange(48, dtype=np.uint16).reshape(6, 8) + 65000
    write(Frame(data), tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as units:
        assert len(units) == 1
        assert units[0].data.dtype == np.uint16
        assert np.array_equal(units[0].data, data)


numbers = st.one_of(
    st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False, width=64)
)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200).map(str.rstrip)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.uint16, np.int32, np.float32]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
    ),
    values=st.dictionaries(st.from_regex(r"X[A-Z0-9]{0,7}", fullmatch=True), numbers | texts, max_size=5),
    seed=st.integers(0, 2**32 - 1),
)
def test_anything_survives(data: np.ndarray, values: dict[str, object], seed: int, tmp_path: Path) -> None:
    flags = np.random.default_rng(seed).integers(0, 1 << 13, data.shape).astype(np.uint16)
    header = fits.Header(list(values.items()))
    write(Frame(data, flags=flags, header=header), tmp_path / "a.fits", overwrite=True)
    back = read(tmp_path / "a.fits")
    assert back.data.dtype == data.dtype
    assert np.array_equal(back.data, data, equal_nan=data.dtype.kind == "f")
    gained = np.where(np.isfinite(data), 0, int(Flags.NO_DATA)).astype(np.uint16)
    assert np.array_equal(back.flags, flags | gained)
    for keyword, value in values.items():
        # A card has 20 places for a number, which is 12 digits or more.
        expected = pytest.approx(value, rel=1e-12, abs=0) if isinstance(value, float) else value
        assert back.header[keyword] == expected


def test_structure_of_the_raw_file_does_not_come_along(tmp_path: Path) -> None:
    raw = fits.PrimaryHDU(np.arange(12, dtype=np.uint16).reshape(3, 4))
    raw.header["BLANK"] = -5
    raw.add_checksum()
    for keyword, value in (("ZIMAGE", True), ("ZCMPTYPE", "RICE_1"), ("PCOUNT", 7), ("XTENSION", "IMAGE")):
        raw.header[keyword] = value
    write(Frame(np.ones((5, 5), np.float32), header=raw.header), tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits", checksum=True) as units:
        units.verify("exception")
        kept = set(units[0].header)
    assert not kept & {"BZERO", "BSCALE", "BLANK", "ZIMAGE", "ZCMPTYPE", "PCOUNT", "XTENSION"}


def test_illegal_cards_are_repaired_or_dropped_with_a_line(tmp_path: Path) -> None:
    cards = ["EXPOSURE= 1.5 sec", "CCD-TEMP= NaN", "MY KEY  = 3", "object  = 'M 31'"]
    header = fits.Header.fromstring("".join(line.ljust(80) for line in cards))
    write(Frame(np.ones((2, 2), np.float32), header=header), tmp_path / "a.fits")
    back = read(tmp_path / "a.fits").header
    assert (back["EXPOSURE"], back["CCD-TEMP"], back["OBJECT"]) == ("1.5 sec", "NaN", "M 31")
    assert len(back["HISTORY"]) == 1
    assert "MY KEY" in str(back["HISTORY"])


def test_times_that_the_header_does_not_say_are_added(tmp_path: Path) -> None:
    write(Frame(np.ones((2, 2), np.float32), exposure_time=3.5, dark_time=4.0), tmp_path / "a.fits")
    back = read(tmp_path / "a.fits")
    assert (back.header["EXPTIME"], back.header["DARKTIME"]) == (3.5, 4.0)
    assert (back.exposure_time, back.dark_time) == (3.5, 4.0)


def test_noise_of_masters_is_settled(tmp_path: Path) -> None:
    data = np.ones((2, 2), np.float32)
    frame = Frame(data, variance=data * 4, shared={"bias": Shared(np.float32(-1), np.float32(5))})
    write(frame, tmp_path / "a.fits")
    np.testing.assert_allclose(read(tmp_path / "a.fits").variance, 9, rtol=2e-7)


def test_extras_come_back(tmp_path: Path) -> None:
    own = fits.Header([("MEANING", "used frames")])
    cube = np.arange(24, dtype=np.float64).reshape(2, 3, 4) / 3
    write(product(), tmp_path / "a.fits", extra={"COUNT": (np.full((6, 8), 7, np.uint16), own), "CUBE": cube})
    count, cards = read_image(tmp_path / "a.fits", "COUNT")
    assert count.dtype == np.uint16
    assert (count == 7).all()
    assert cards["MEANING"] == "used frames"
    assert np.array_equal(read_image(tmp_path / "a.fits", "CUBE")[0], cube.astype(np.float32))
    write(product(), tmp_path / "b.fits", extra={"CUBE": cube}, dtype=np.float64)
    assert np.array_equal(read_image(tmp_path / "b.fits", "CUBE")[0], cube)


@pytest.mark.parametrize("name", ["UNCERT", "PRIMARY", "lower", "", " X", "Ä"])
def test_names_of_extras(name: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="name of an extra"):
        write(product(), tmp_path / "a.fits", extra={name: np.ones((2, 2))})
    assert not list(tmp_path.iterdir())


def test_user_arrays_are_left_alone(tmp_path: Path) -> None:
    frame = product(exposure_time=11.0)
    frame.header["BUNIT"], frame.header["FWAPPLY"] = "adu", "nothing"
    before = frame.data.copy(), frame.flags.copy(), frame.header.copy()
    frame.data.flags.writeable = False
    write(frame, tmp_path / "a.fits", cards={"A": 1})
    assert np.array_equal(frame.data, before[0])
    assert np.array_equal(frame.flags, before[1])
    assert frame.header == before[2]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "µ", object()])
def test_cards_must_be_legal(value: object, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="card LEVEL"):
        write(product(), tmp_path / "a.fits", cards={"LEVEL": value})


def test_numpy_values_in_cards(tmp_path: Path) -> None:
    write(product(), tmp_path / "a.fits", cards={"N": np.int64(3), "LEVEL": (np.float32(1.5), "adu")})
    back = read(tmp_path / "a.fits").header
    assert (back["N"], back["LEVEL"], back.comments["LEVEL"]) == (3, 1.5, "adu")


def test_what_cannot_be_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    with pytest.raises(FrameError, match="complex"):
        write(Frame(np.ones((2, 2), complex)), path)
    with pytest.raises(FrameError, match="beyond the range"):
        write(Frame(np.full((2, 2), 1e300)), path)
    with pytest.raises(FrameError, match="negative"):
        write(Frame(np.ones((2, 2)), variance=np.full((2, 2), -1.0)), path)
    with pytest.raises(FrameError, match="single words"):
        write(Frame(np.ones((2, 2)), applied=("two words",)), path)
    with pytest.raises(ParameterError, match="float32 or float64"):
        write(Frame(np.ones((2, 2))), path, dtype=np.int16)
    with pytest.raises(ParameterError, match="without compression"):
        write(Frame(np.ones((2, 2))), tmp_path / "a.fits.gz")
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_text("mine")
    with pytest.raises(AlreadyExists, match="exists already"):
        write(product(), path)
    assert path.read_text() == "mine"
    write(product(), path, overwrite=True)
    assert read(path).shape == (6, 8)
    assert [each.name for each in tmp_path.iterdir()] == ["a.fits"]


def test_of_many_writers_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            write(product(), path)
            outcomes.append("written")
        except AlreadyExists:
            outcomes.append("refused")

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["written"]
    assert [each.name for each in tmp_path.iterdir()] == ["a.fits"]


def test_somebody_faster_is_not_clobbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.fits"
    fsync = os.fsync

    def meanwhile(descriptor: int) -> None:
        path.write_text("mine")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(AlreadyExists):
        write(product(), path)
    assert path.read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["a.fits"]


def test_file_systems_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*args: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    write(product(), tmp_path / "a.fits")
    assert read(tmp_path / "a.fits").shape == (6, 8)
    assert [each.name for each in tmp_path.iterdir()] == ["a.fits"]


@pytest.mark.parametrize("call", ["fsync", "link"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_disk_full_leaves_nothing(
    call: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(FileError, match=f"cannot be written: {os.strerror(number)}"):
        write(product(), tmp_path / "a.fits")
    assert not list(tmp_path.iterdir())


def test_disk_full_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    import resource
    import signal

    path = tmp_path / "a.fits"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, limits[1]))  # a real failure in the middle of a file
    try:
        with pytest.raises(FileError, match="cannot be written"):
            write(Frame(np.ones((100, 100), np.float32)), path, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.fits"]


def test_no_folder_and_folder_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be written: No such file or directory"):
        write(product(), tmp_path / "none" / "a.fits")
    (tmp_path / "a.fits").mkdir()
    with pytest.raises(AlreadyExists):
        write(product(), tmp_path / "a.fits")
    with pytest.raises(FileError, match="cannot be written"):
        write(product(), tmp_path / "a.fits", overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["a.fits"]


def test_a_place_is_checked_before_the_work(tmp_path: Path) -> None:
    there = tmp_path / "there.fits"
    there.touch()

    check_place(tmp_path / "new.fits", overwrite=False)
    check_place(there, overwrite=True)
    with pytest.raises(AlreadyExists):
        check_place(there, overwrite=False)
    with pytest.raises(ParameterError, match="compression"):
        check_place(tmp_path / "new.fits.gz", overwrite=False)
    with pytest.raises(FileError, match="no folder"):
        check_place(tmp_path / "no" / "new.fits", overwrite=False)
    with pytest.raises(FileError, match="is a folder"):
        check_place(tmp_path, overwrite=True)
    assert sorted(tmp_path.iterdir()) == [there]
