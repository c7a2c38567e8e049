"""What is wrong with a file is said, and changes nothing else."""

from __future__ import annotations

import gzip
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from fullwell.errors import FileError, UnreadableFile
from fullwell.night import NoFrames, reduce


def header_only(**cards):
    header = fits.Header([("SIMPLE", True), ("BITPIX", 16), ("NAXIS", 2), ("NAXIS1", 64), ("NAXIS2", 48)])
    header.update({"IMAGETYP": "Dark Frame", "EXPTIME": 60.0, "CCD-TEMP": -10.0} | cards)
    return header.tostring(sep="", endcard=True, padding=True).encode()


def bomb(path):
    """A compressed tile that promises far more pixels than it has bytes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = fits.CompImageHDU(np.zeros((48, 64), np.int16), compression_type="GZIP_1")
        image.writeto(path)
    content = path.read_bytes()
    path.write_bytes(
        content.replace(b"ZNAXIS1 =                   64", b"ZNAXIS1 =            640000000").replace(
            b"ZTILE1  =                   64", b"ZTILE1  =            640000000"
        )
    )


def add_bad_files(night):
    """One bad file of each kind; returns a word of the reason for each."""
    raw = night.folder
    good = (raw / "dark_60s_1.fits").read_bytes()
    pixels = night.pixels("bad", "dark", seconds=60.0)
    expected = {}

    def put(name, reason, content=None):
        expected[name] = reason
        if content is not None:
            (raw / name).write_bytes(content)

    put("not-fits.fits", "not", b"GIF89a" + bytes(5000))
    put("text.fit", "not", b"this is a text\n" * 300)
    put("empty.fits", "empty", b"")
    put("truncated.fits", "trunc", good[: len(good) - 2880])
    put("half-header.fits", "", good[:1000])
    put(
        "no-data.fits",
        "image",
        header_only().replace(b"NAXIS   =                    2", b"NAXIS   =                    0"),
    )
    put("promises.fits", "", header_only(NAXIS1=60000, NAXIS2=60000))
    put("beyond-memory.fits", "", header_only(NAXIS1=2000000000, NAXIS2=2000000000))
    put("damaged.fits.gz", "gzip", gzip.compress(good)[:-400])
    put("folder.fits", "folder")
    (raw / "folder.fits").mkdir()
    put("cube.fits", "3")
    night.add("cube.fits", "dark", seconds=60.0, data=np.stack([pixels] * 3))
    put("bayer.fits", "ayer")
    night.add("bayer.fits", "science", seconds=60.0, data=pixels, BAYERPAT="RGGB")
    put("no-time.fits", "expos")
    night.add("no-time.fits", "dark", data=pixels, EXPTIME=None)
    put("negative.fits", "")
    night.add("negative.fits", "dark", seconds=-5.0, data=pixels)
    put("nan.fits", "finite")
    night.add("nan.fits", "science", seconds=60.0, data=np.full((48, 64), np.nan, np.float32))
    put("other-size.fits", "size")
    night.add("other-size.fits", "science", seconds=60.0, data=pixels[:20, :30])
    put("other-binning.fits", "binning")
    night.add("other-binning.fits", "science", seconds=60.0, data=pixels + 1, XBINNING=2, YBINNING=2)
    put("z-copy.fits", "same content as")
    shutil.copy(raw / "field_1.fits", raw / "z-copy.fits")
    put("saturated.fits", "saturated flat")
    night.add("saturated.fits", "flat", seconds=4.0, data=np.full((48, 64), 65535, np.uint16))
    put("lamp-off.fits", "lamp off")
    night.add("lamp-off.fits", "flat", seconds=4.0, data=night.pixels("lamp", "flat", seconds=4.0))
    put("leak.fits", "light leak")
    night.add("leak.fits", "dark", seconds=60.0, data=pixels + 500)
    put("noisy.fits", "odd bias")
    noise = np.random.default_rng(3).normal(0, 40, pixels.shape)
    night.add("noisy.fits", "bias", data=(night.pixels("noisy", "bias") + noise).astype(np.uint16))
    put("reduced.fits", "already calibrated")
    night.add("reduced.fits", "science", seconds=60.0, data=pixels + 2, CALSTAT="BDF")
    put("pedestal.fits", "calibrated before")
    night.add("pedestal.fits", "science", seconds=60.0, data=(pixels - 550).astype(np.uint16))
    put("unknown.fits", "type is not known")
    night.add("unknown.fits", "science", data=pixels + 3, IMAGETYP=None)
    put("complex.fits", "")
    (raw / "complex.fits").write_bytes(header_only(BITPIX=13))
    put("checksum.fits", "SUM")
    night.add("checksum.fits", "dark", seconds=60.0, data=pixels + 4)
    with fits.open(raw / "checksum.fits") as hdus:
        hdus.writeto(raw / "checksum.fits", checksum=True, overwrite=True)
    content = bytearray((raw / "checksum.fits").read_bytes())
    content[-3000] ^= 1
    (raw / "checksum.fits").write_bytes(content)
    put("bomb.fits", "")
    bomb(raw / "bomb.fits")
    put("dangling.fits", "exist")
    (raw / "dangling.fits").symlink_to(raw / "nowhere.fits")
    put("loop.fits", "")
    (raw / "loop.fits").symlink_to(raw / "loop.fits")
    put("pipe.fits", "not a regular file")
    os.mkfifo(raw / "pipe.fits")
    return expected


@pytest.fixture
def bad_night(night):
    night.whole()
    return night, add_bad_files(night)


def test_bad_files_among_good_ones(bad_night, out, run, tree, whole):
    night, expected = bad_night
    ran = run(night.folder, out)
    assert ran.code == 1
    named = ran.aside
    assert set(expected) <= set(named)
    for name, word in expected.items():
        assert word.casefold() in named[name].casefold(), (name, named[name])
    report = (out / "report.html").read_text()
    assert [name for name in expected if name not in report] == []
    used = {name for one in ran.data["masters"] for name in one["inputs"]}
    used |= {one["raw"] for one in ran.data["calibrated"]}
    assert used.isdisjoint(expected)
    ours, theirs = tree(out), tree(whole.out)
    products = {name for name in theirs if name.endswith(".fits")}
    # The same night without the bad files gives the same bits.
    assert {name: ours.get(name) for name in products} == {name: theirs[name] for name in products}
    assert {name for name in ours if name.endswith(".fits")} == products


def test_nothing_but_bad_files(bad_night, out, run):
    night, expected = bad_night
    for path in night.folder.glob("*"):
        if path.name not in expected:
            path.unlink()
    with pytest.raises(NoFrames, match="none of the") as raised:
        reduce(night.folder, out)
    assert raised.value.result.exit_code == 3
    assert (out / "report.html").is_file()
    named = {one["name"] for one in raised.value.result.data["set_aside"]}
    # Of two files with the same pixels one is no copy any more; it is of no use either way.
    assert set(expected) <= named


def test_an_empty_folder(night, out, run):
    with pytest.raises(NoFrames, match="no FITS file found"):
        reduce(night.folder, out)
    assert (out / "report.html").is_file()
    assert run(night.folder, out).code == 3


def test_no_folder(tmp_path, out):
    with pytest.raises(UnreadableFile, match="does not exist"):
        reduce(tmp_path / "nowhere", out)
    (tmp_path / "file").write_text("")
    with pytest.raises(UnreadableFile, match="is no folder"):
        reduce(tmp_path / "file", out)
    assert not out.exists()


def test_a_few_pixels_without_a_value(night, out, run):
    night.whole()
    data = night.pixels("x", "science", seconds=60.0, light=300.0).astype(np.float32)
    data[3, 4], data[5, 6] = np.nan, np.inf
    night.add("holes.fits", "science", seconds=60.0, data=data)
    ran = run(night.folder, out)
    assert any("holes.fits: 2 pixels have no finite value" in text for text in ran.warnings)
    assert ran.code == 1
    path = out / "calibrated" / "holes.fits"
    flags = fits.getdata(path, "MASK")
    assert flags[3, 4]
    assert flags[5, 6]


def test_unreadable(night, out, run):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    night.whole()
    (night.folder / "bias_2.fits").chmod(0)
    assert "permission" in run(night.folder, out).aside["bias_2.fits"]


def test_loops_of_links_to_folders(night, out, run, tree, whole):
    night.whole()
    (night.folder / "again").symlink_to(night.folder)
    ran = run(night.folder, out)
    assert ran.code == 0
    assert any("again" in name for name in ran.data["ignored"])


def _when(monkeypatch, number, action):
    """Do something in between: before the pixels of the n-th raw frame are read."""
    from fullwell.night import raw_files

    read, count = raw_files.read, iter(range(10**6))

    def reading(path, **options):
        if next(count) == number:
            action()
        return read(path, **options)

    monkeypatch.setattr(raw_files, "read", reading)


@pytest.mark.parametrize("number", [0, 22, 24, 50])
def test_a_file_that_disappears(raw, out, run, tree, whole, monkeypatch, number, tmp_path):
    """Before it is looked at, or after; frames are read once to be looked at, then for the masters."""
    path = raw / "field_2.fits" if number in (0, 50) else raw / "bias_1.fits"
    kept = Path(shutil.copy2(path, tmp_path / "kept"))
    _when(monkeypatch, number, path.unlink)
    ran = run(raw, out)
    monkeypatch.undo()
    assert ran.code != 0
    told = "\n".join([f"{name}: {why}" for name, why in ran.aside.items()] + ran.warnings)
    assert path.name in told
    assert "does not exist" in told
    shutil.copy2(kept, path)
    run(raw, out)
    assert tree(out) == tree(whole.out)


@pytest.mark.parametrize("number", [0, 23])
def test_a_file_that_changes(raw, out, run, tree, whole, monkeypatch, number):
    path = raw / "bias_1.fits"
    content = path.read_bytes()

    def change():
        new = bytearray(content)
        new[-2000] ^= 3
        path.write_bytes(new)

    _when(monkeypatch, number, change)
    ran = run(raw, out)
    monkeypatch.undo()
    told = "\n".join([f"{name}: {why}" for name, why in ran.aside.items()] + ran.warnings)
    assert "changed while the night was reduced" in told
    # Nothing that was made of other bytes than its cards say is there.
    for product in (out / "masters").glob("bias*"):
        name = f"masters/{product.name}"
        assert fits.getheader(product)["NINPUT"] == 4 or tree(out)[name] == tree(whole.out)[name]
    path.write_bytes(content)
    run(raw, out)
    assert tree(out) == tree(whole.out)


class FullDisk:
    """A disk that takes so many writes, then no more."""

    def __init__(self, monkeypatch, allowed):
        self.left = allowed
        fsync = os.fsync

        def full(descriptor):
            self.left -= 1
            if self.left < 0:
                raise OSError(28, "No space left on device")
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", full)


@pytest.mark.parametrize("allowed", [0, 1, 6, 11, 14, 17])
def test_a_full_disk(raw, out, run, tree, whole, monkeypatch, allowed):
    """Each file costs two calls of fsync: a manifest, 6 products, two reports; notes are not waited for."""
    with monkeypatch.context() as patched:
        FullDisk(patched, allowed)
        with pytest.raises(FileError, match="No space left"):
            reduce(raw, out)
    assert not list(out.rglob("*.tmp"))
    for path in out.rglob("*.fits"):
        with fits.open(path, checksum=True) as hdus:  # a wrong sum is a warning, and that an error
            hdus.verify("exception")
    run(raw, out)
    assert tree(out) == tree(whole.out)


def test_a_disk_that_is_full_for_a_moment(raw, out, run, tree, whole, monkeypatch):
    """Products fail and are named; the rest goes on, and the next run mends it."""
    from fullwell.night import calibrating

    def fail(path, content):
        raise FileError(path, "cannot be written: No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(calibrating, "write_whole", fail)
        ran = run(raw, out)
    assert ran.code == 1
    assert [one["status"] for one in ran.data["calibrated"]] == ["failed", "failed"]
    assert sum("No space left" in text for text in ran.warnings) == 2
    assert not (out / "calibrated" / "field_1.fits").exists()
    run(raw, out)
    assert tree(out) == tree(whole.out)


def test_an_outdated_product_does_not_stay_where_the_new_one_failed(raw, reduced, run, Night, monkeypatch):
    from fullwell.night import calibrating

    Night(raw).biases(1, stem="more")

    def fail(path, content):
        raise FileError(path, "cannot be written: No space left on device")

    monkeypatch.setattr(calibrating, "write_whole", fail)
    ran = run(raw, reduced)
    assert "calibrated/field_1.fits" in ran.result.removed
    assert not (reduced / "calibrated" / "field_1.fits").exists()


def test_a_defect_of_the_program_is_raised_and_leaves_the_folder_good(
    raw, out, run, tree, whole, monkeypatch
):
    from fullwell.night import calibrating

    def broken(path, content):
        raise TypeError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(calibrating, "write_whole", broken)
        with pytest.raises(TypeError, match="a defect"):
            reduce(raw, out)
    run(raw, out)
    assert tree(out) == tree(whole.out)
