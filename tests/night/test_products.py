"""What is in the files: cards, names, bytes; and that they depend on the content of the inputs alone."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData

import fullwell
from fullwell.io import read, write


def products(run):
    return [path for path in sorted(run.out.rglob("*.fits")) if ".fullwell" not in path.parts]


def test_every_product_says_what_it_is(whole):
    kinds = {path.stem: fits.getheader(path)["PRODUCT"] for path in products(whole)}
    assert set(kinds.values()) == {"bias", "dark", "flat", "defects", "calibrated"}
    for stem, kind in kinds.items():
        if kind != "calibrated":
            assert stem.startswith(f"{kind}-")


def test_every_product_names_its_origin(whole):
    content = {
        one["hash"]: one["type"] for one in whole.data["frames"]
    }  # sixteen hex digits of the SHA-256 of each raw file
    for path in products(whole):
        header = fits.getheader(path)
        assert header["FWVERS"] == fullwell.__version__
        assert header["FWCONF"] == whole.data["configuration"]["hash"]
        assert len(header["FWKEY"]) == 16
        inputs = [header[f"INPUT{i}"] for i in range(1, header["NINPUT"] + 1)]
        assert set(inputs) <= set(content)
        kinds = {content[name] for name in inputs}
        kind = {"calibrated": {"science"}, "defects": {"dark", "flat"}}.get(header["PRODUCT"])
        assert kinds == (kind or {header["PRODUCT"]})
        assert header["HISTORY"]


def test_hashes_are_those_of_the_files(whole, whole_folder):
    digest = hashlib.sha256((whole_folder / "field_1.fits").read_bytes()).hexdigest()[:16]
    assert whole.header("calibrated/field_1.fits")["INPUT1"] == digest


def test_a_calibrated_header_is_true(whole):
    header = whole.header("calibrated/field_1.fits")
    assert (header["BUNIT"], header["EGAIN"], header["RAWEGAIN"]) == ("electron", 1.0, 1.5)
    assert header["RDNOISE"] == pytest.approx(6.0, rel=0.03)
    assert {"bias", "gain", "read_noise", "dark", "shot_noise", "flat"} <= set(header["FWAPPLY"].split())
    assert header["BIASFILE"].startswith("bias-")
    for kind in ("bias", "dark", "flat"):
        file = header[f"{kind.upper()}FILE"]
        assert header[f"{kind.upper()}ID"] == whole.header(f"masters/{file}")["FWKEY"]
    assert (header["FILTER"], header["EXPTIME"], header["VARMODEL"]) == ("V", 60.0, "model")


def test_trimmed_frames_lose_the_cards_of_the_overscan(night, out, run):
    def wide(name, kind, **options):
        data = night.pixels(name, kind, **options)
        rng = np.random.default_rng(len(name))
        scan = np.rint(night.level + rng.normal(0, 4, (48, 16))).astype(np.uint16)
        return np.hstack([data, scan])

    cards = {"BIASSEC": "[65:80,1:48]", "TRIMSEC": "[1:64,1:48]", "SATURATE": 60000.0, "CRPIX1": 10.0}
    for i in range(3):
        night.add(f"bias_{i}.fits", "bias", data=wide(f"bias_{i}", "bias"), **cards)
        night.add(f"d_{i}.fits", "dark", seconds=60.0, data=wide(f"d_{i}", "dark", seconds=60.0), **cards)
    data = wide("field", "science", seconds=60.0, light=300.0)
    night.add("field_1.fits", "science", seconds=60.0, data=data, **cards)
    ran = run(night.folder, out)
    header = ran.header("calibrated/field_1.fits")
    assert ran.image("calibrated/field_1.fits").shape == (48, 64)
    assert "BIASSEC" not in header
    assert "TRIMSEC" not in header
    assert (header["SATURATE"], header["RAWSATUR"]) == (pytest.approx(90000), 60000)
    assert ran.image(ran.master("bias")["path"]).shape == (48, 64)


def test_ccddata_reads_every_product(whole):
    for path in products(whole):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # astropy comments on cards that it translates
            ccd = CCDData.read(path)
        ours = read(path)
        assert np.array_equal(ccd.data, ours.data, equal_nan=True)
        assert ccd.unit == ours.unit
        if ours.variance is not None:
            assert ccd.uncertainty.array**2 == pytest.approx(ours.variance, rel=1e-5)
            assert np.array_equal(ccd.mask, ours.mask)


def test_masters_know_no_clock_no_path_and_no_name(whole, whole_folder):
    for path in products(whole):
        content = path.read_bytes()
        assert b"/tmp" not in content
        assert str(whole_folder).encode() not in content
        if path.parent.name == "masters":
            assert not any(name.encode() in content for name in ("bias_1", "dark_60s", "flat_1", "field_"))
        header = fits.getheader(path)
        assert "DATE" not in header
        if path.parent.name == "masters":
            assert not any(str(value).startswith("2024-03") for value in header.values())


def test_renamed_raw_frames_give_the_same_masters(whole, raw, out, run, tree):
    for i, path in enumerate(sorted(raw.glob("[bdf][ia][ar]*.fits"))):
        path.rename(raw / f"{path.name.split('_')[0]}_{99 - i:03d}.fit")
    for i, path in enumerate(sorted(raw.glob("flat_*.fits"))):
        path.rename(raw / f"x{99 - i:03d}.fit")
    shutil.move(raw / "field_2.fits", raw / "zz.fits")
    renamed = run(raw, out)
    ours, theirs = tree(out), tree(whole.out)
    masters = {name for name in theirs if name.startswith("masters/")}
    assert {name: ours[name] for name in masters} == {name: theirs[name] for name in masters}
    assert ours["calibrated/zz.fits"] == theirs["calibrated/field_2.fits"]
    assert renamed.code == 0 or renamed.aside == {}


def test_remarks_in_a_master_name_its_inputs_by_card(night, out, run):
    night.biases()
    night.darks(60.0)
    flats = night.flats()
    data = fits.getdata(flats[2])
    rng = np.random.default_rng(1)
    # A tenth of the pixels far off: the noise model does not hold, and a remark names the frame.
    data = np.where(rng.random(data.shape) < 0.1, data + 3000, data).astype(np.uint16)
    night.add("flat_3.fits", "flat", seconds=4.0, data=data)
    night.science(1)
    ran = run(night.folder, out)
    flat = ran.master("flat")
    assert any("flat_3.fits" in text for text in flat["remarks"])
    history = "".join(fits.getheader(out / flat["path"])["HISTORY"])
    assert "INPUT" in history
    assert b"flat_3" not in (out / flat["path"]).read_bytes()


def test_two_raw_files_with_one_calibrated_name(night, out, run):
    night.biases()
    night.darks(60.0)
    night.science(1, stem="a")
    other = night.add("a_1.fit", "science", seconds=60.0, light=500.0)
    night.science(1, stem="sub/a")
    ran = run(night.folder, out)
    digest = hashlib.sha256(other.read_bytes()).hexdigest()[:8]
    names = sorted(one["path"] for one in ran.data["calibrated"])
    assert f"calibrated/a_1-{digest}.fits" in names
    assert "calibrated/sub/a_1.fits" in names
    assert len(set(names)) == 3
    assert all((out / name).is_file() for name in names)


def test_output_inside_of_the_input_folder(whole, raw, run, tree):
    first = run(raw, raw / "out")
    assert first.data["frames"] == whole.data["frames"]
    before = tree(raw / "out")
    assert tree(whole.out) == before
    run(raw, raw / "out")
    assert tree(raw / "out") == before


def test_output_folder_that_is_the_raw_folder(whole, raw, run):
    first = run(raw, raw, overwrite=True)
    assert len(first.data["frames"]) == len(whole.data["frames"])
    again = run(raw, raw)
    assert again.data == first.data


def test_results_are_strict_json_and_say_nothing_of_place_or_time(whole, whole_folder):
    text = (whole.out / "results.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert str(whole_folder) not in text
    assert json.loads(text)["exit_code"] == 0


def test_products_written_elsewhere_are_no_raw_frames(night, out, run, whole):
    night.whole()
    clean = read(whole.out / "calibrated" / "field_1.fits")
    write(clean, night.folder / "field_9.fits")
    shutil.copy(whole.out / whole.master("bias")["path"], night.folder / "bias_9.fits")
    ran = run(night.folder, out)
    assert {"field_9.fits", "bias_9.fits"} <= set(ran.aside)
    assert clean.unit == u.electron
