"""Raw frames as cameras write them: compressed, one extension an amplifier, windows, bits shifted left."""

from __future__ import annotations

import gzip
import warnings

import numpy as np
import pytest
from astropy.io import fits

from fullwell.flags import Flags
from fullwell.io import read


def test_gzipped_and_tile_compressed_frames(raw, out, run, whole, tree):
    for path in sorted(raw.glob("bias*")):
        (raw / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()
    for path in [*sorted(raw.glob("dark*")), *sorted(raw.glob("field*"))]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(path) as hdus:
                header = hdus[0].header.copy()
                packed = fits.CompImageHDU(hdus[0].data, header, compression_type="RICE_1")
                packed.writeto(path.with_suffix(".fits.fz"))
        path.unlink()
    ran = run(raw, out)
    assert ran.code == 0
    for name in ("field_1.fits", "field_2.fits"):
        assert np.array_equal(ran.image(f"calibrated/{name}"), whole.image(f"calibrated/{name}"))
    for mine, theirs in zip(ran.data["masters"], whole.data["masters"], strict=True):
        assert np.array_equal(ran.image(mine["path"]), whole.image(theirs["path"]))


@pytest.fixture
def two_amplifiers(night):
    """One extension for each half, the right one stored mirrored; gains 1.5 and 3 e-/ADU."""
    gains, noises = (1.5, 3.0), (6.0, 9.0)
    columns = (slice(0, 32), slice(32, 64))

    def add(name, kind, *, seconds=0.0, light=0.0):
        header = night.header(kind, seconds, {"EGAIN": None})
        header["DETSIZE"] = "[1:64,1:48]"
        hdus = [fits.PrimaryHDU(header=header)]
        rng = np.random.default_rng([ord(letter) for letter in name])
        charge = light * night.response + (0.0 if kind == "bias" else night.rate * seconds + 5.0)
        electrons = rng.poisson(charge)
        drift = 20 * rng.normal(size=2)
        for i, part in enumerate(columns):
            level = 500 + 100 * i + drift[i]
            data = level + night.structure[:, part] + electrons[:, part] / gains[i]
            block = np.hstack([data, np.full((48, 12), level)])
            block += rng.normal(0, noises[i] / gains[i], block.shape)
            hdu = fits.ImageHDU(np.rint(block).astype(np.uint16), name=f"AMP{i + 1}")
            hdu.header["GAIN"] = (gains[i], "e-/ADU")
            hdu.header["DATASEC"] = "[1:32,1:48]"
            hdu.header["BIASSEC"] = "[33:44,1:48]"
            hdu.header["DETSEC"] = ("[1:32,1:48]", "[64:33,1:48]")[i]
            hdus.append(hdu)
        fits.HDUList(hdus).writeto(night.folder / name)

    for i in range(4):
        add(f"bias_{i}.fits", "bias")
        add(f"dark_{i}.fits", "dark", seconds=60.0)
        add(f"flat_{i}.fits", "flat", seconds=4.0, light=20000.0)
    add("field_1.fits", "science", seconds=60.0, light=300.0)
    return night


def test_one_extension_an_amplifier(two_amplifiers, out, run):
    ran = run(two_amplifiers.folder, out)
    one = ran.science("field_1.fits")
    assert one["gain"] == [1.5, 3.0]
    assert one["gain_source"] == "headers of the amplifiers"
    assert ran.data["overscan"][0]["used"]
    assert "it helps" in ran.data["overscan"][0]["why"]
    noise = np.array(ran.master("bias")["read_noise"])
    assert noise == pytest.approx([4.0, 3.0], rel=0.05)
    image = ran.image(one["path"])
    assert image.shape == (48, 64)
    # The mirrored half is at its place: both halves have the same light, within 5 sigma of their means.
    for part in (slice(0, 32), slice(32, 64)):
        assert np.median(image[:, part]) == pytest.approx(300, abs=6)
    clean = read(out / one["path"])
    residual = ((clean.data - 300) ** 2 / clean.variance)[~clean.mask]
    assert np.median(residual) == pytest.approx(0.455, rel=0.15)  # of chi^2 with one degree of freedom


def test_gain_for_each_amplifier_from_pairs(two_amplifiers, out, run):
    for path in two_amplifiers.folder.glob("*.fits"):
        with fits.open(path, mode="update") as hdus:
            for hdu in hdus[1:]:
                del hdu.header["GAIN"]
    one = run(two_amplifiers.folder, out).science("field_1.fits")
    assert one["gain_source"] == "pairs of flats"
    # Two pairs of 1536 pixels: one sigma is sqrt(2/1536)/sqrt(2) = 2.6 %.
    assert one["gain"] == pytest.approx([1.5, 3.0], rel=0.1)


def test_a_gain_list_of_the_wrong_length_is_told(two_amplifiers, out, run):
    ran = run(two_amplifiers.folder, out, detector={"gain": [1.5, 2.0, 3.0]})
    assert ran.code == 1
    assert ran.science("field_1.fits")["status"] == "failed"


def scanned(night, *, follows):
    """Frames whose overscan follows the level of the data, or tells nothing about it."""

    def add(name, kind, **options):
        rng = np.random.default_rng(sum(name.encode()))
        drift = 8 * rng.normal()
        data = night.pixels(name, kind, level=drift, **options)
        level = night.level + (drift if follows else 8 * rng.normal())
        scan = np.rint(level + rng.normal(0, 4, (48, 16))).astype(np.uint16)
        cards = {"BIASSEC": "[65:80,1:48]", "TRIMSEC": "[1:64,1:48]"}
        seconds = options.get("seconds", 0.0)
        night.add(name, kind, seconds=seconds, data=np.hstack([data, scan]), **cards)

    for i in range(8):
        add(f"bias_{i}.fits", "bias")
        add(f"dark_{i}.fits", "dark", seconds=60.0)
    add("field_1.fits", "science", seconds=60.0, light=300.0)


@pytest.mark.parametrize("follows", [True, False])
def test_the_overscan_is_used_where_it_helps(night, out, run, follows):
    scanned(night, follows=follows)
    ran = run(night.folder, out)
    decision = ran.data["overscan"][0]
    assert decision["used"] is follows
    assert ("it helps" if follows else "it does not help") in decision["why"]
    one = ran.science("field_1.fits")
    assert ("overscan" in one["steps"]) is follows
    assert ran.image(one["path"]).shape == (48, 64)
    if follows:
        assert one["after"]["background"] == pytest.approx(300, abs=8)


def test_what_the_user_says_of_the_overscan_holds(night, out, run, tmp_path):
    scanned(night, follows=False)
    assert run(night.folder, out, overscan={"method": "row"}).data["overscan"][0]["used"]
    none = run(night.folder, tmp_path / "none", overscan={"method": "none"})
    assert not none.data["overscan"][0]["used"]
    narrow = run(night.folder, tmp_path / "narrow", overscan={"skip": [10, 6]})
    assert "wider than the 16 columns to skip" in narrow.data["overscan"][0]["why"]
    assert narrow.science("field_1.fits")["status"] == "done"


@pytest.mark.parametrize("keys", [("XORGSUBF", "YORGSUBF")])
def test_a_window_gets_the_crop_of_the_masters(night, out, run, keys, tmp_path):
    night.whole()
    full = fits.getdata(night.folder / "field_1.fits")
    cards = dict(zip(keys, (20, 8), strict=True))
    night.add("window.fits", "science", seconds=60.0, data=full[8:38, 20:60], **cards)
    # Cosmic rays are told from their surroundings, which a window cuts off at its edge.
    ran = run(night.folder, out, cosmic_rays={"find": "no"})
    assert ran.science("window.fits")["dark_rule"] == "same length"
    whole, part = read(out / "calibrated" / "field_1.fits"), read(out / "calibrated" / "window.fits")
    where = np.s_[8:38, 20:60]
    assert np.array_equal(part.data, whole.data[where])
    assert np.array_equal(part.variance, whole.variance[where])
    assert np.array_equal(part.flags, whole.flags[where])


def test_windowed_flats_get_the_crop_of_bias_and_dark(night, out, run):
    night.biases()
    night.darks(60.0)
    cards = {"XORGSUBF": 20, "YORGSUBF": 8}
    for i in range(1, 6):
        data = night.pixels(f"flat_{i}", "flat", seconds=4.0, light=20000.0)[8:38, 20:60]
        night.add(f"flat_{i}.fits", "flat", seconds=4.0, data=data, **cards)
    data = night.pixels("field", "science", seconds=60.0, light=300.0)[8:38, 20:60]
    night.add("field_1.fits", "science", seconds=60.0, data=data, **cards)
    ran = run(night.folder, out)
    assert ran.master("flat")["status"] == "done"
    # The window has a brighter median than the whole: 300 e- through the response over its own median.
    response = night.response[8:38, 20:60]
    expected = 300 * np.median(response)
    assert ran.science("field_1.fits")["after"]["background"] == pytest.approx(expected, abs=8)


def twelve_bits(night, name, kind, **options):
    values = night.pixels(name, kind, **options)
    return (np.minimum(values // 16, 4095) * 16).astype(np.uint16)


def test_twelve_bits_shifted_left(night, out, run):
    night.level, night.gain, night.read_noise = 3000.0, 0.1, 6.0
    for i in range(1, 6):
        night.add(f"bias_{i}.fits", "bias", data=twelve_bits(night, f"b{i}", "bias"))
        data = twelve_bits(night, f"d{i}", "dark", seconds=60.0)
        night.add(f"dark_{i}.fits", "dark", seconds=60.0, data=data)
    data = twelve_bits(night, "field", "science", seconds=60.0, light=300.0)
    data[20:22, 30:32] = 4095 * 16
    night.add("field_1.fits", "science", seconds=60.0, data=data)
    burnt = np.full((48, 64), 4095 * 16, np.uint16)
    for i in range(1, 4):
        night.add(f"flat_{i}.fits", "flat", seconds=4.0, data=burnt)
    ran = run(night.folder, out)
    # A flat that holds but one value tells no shift; the other frames of the camera do.
    assert "saturated flat: 100.0 %" in ran.aside["flat_1.fits"]
    assert ran.science("field_1.fits")["flagged"]["SATURATED"] == 4
    flags = read(out / "calibrated" / "field_1.fits").flags
    assert (flags[20:22, 30:32] & Flags.SATURATED).all()


def test_bits_that_the_user_told(night, out, run):
    night.level, night.gain = 3000.0, 0.1
    for i in range(1, 6):
        night.add(f"bias_{i}.fits", "bias", data=twelve_bits(night, f"b{i}", "bias"))
        data = twelve_bits(night, f"d{i}", "dark", seconds=60.0)
        night.add(f"dark_{i}.fits", "dark", seconds=60.0, data=data)
    data = twelve_bits(night, "field", "science", seconds=60.0, light=300.0)
    data[20:22, 30:32] = 4095 * 16
    night.add("field_1.fits", "science", seconds=60.0, data=data)
    ran = run(night.folder, out, detector={"adc_bits": 12})
    assert ran.science("field_1.fits")["flagged"]["SATURATED"] == 4


def test_saturation_of_the_header_and_of_the_user(night, out, run, tmp_path):
    night.whole()
    data = night.pixels("x", "science", seconds=60.0, light=300.0)
    data[5, 5:9] = 40000
    night.add("star.fits", "science", seconds=60.0, data=data, SATURATE=40000.0)
    assert run(night.folder, out).science("star.fits")["flagged"]["SATURATED"] == 4
    told = run(night.folder, tmp_path / "told", detector={"saturation": 50000})
    assert "SATURATED" not in told.science("star.fits")["flagged"]


def test_a_preset_that_does_not_fit_is_told(night, out, run):
    night.whole()
    ran = run(night.folder, out, detector={"preset": "sbig-st402"})
    assert any("the geometry of sbig-st402 does not fit 22 of the frames" in text for text in ran.warnings)
