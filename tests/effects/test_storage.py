"""Products on disk: what was measured comes back, and others can read it."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits import Header
from astropy.nddata import CCDData
from simulated_frames import SHAPE, adu, expose, two_amplifiers

from fullwell import (
    ADC,
    Bias,
    Dark,
    Defects,
    Flat,
    Gain,
    ReadNoise,
    ShotNoise,
    SignalChain,
    load_product,
    save_product,
)
from fullwell.detector import Box
from fullwell.effects.cropping import cropped
from fullwell.effects.parts import take_apart
from fullwell.errors import AlreadyExists, FileError, FrameError, ParameterError
from fullwell.flags import Flags

GAINS = (1.5, 2.0)
EXACT = (
    *("applied", "count", "id", "filter", "level", "unit", "bias_time", "bias_included", "statistics"),
    *("counts", "dark_time", "times"),
)


def truth(*effects):
    return SignalChain(
        [ReadNoise(8.0), Gain(GAINS), Bias([1000.0, 1100.0]), ADC(), Dark(0.5, 4.0), ShotNoise(), *effects]
    )


def frames(n, **options):
    return expose(truth(), n, detector=two_amplifiers(overscan=0), **options)


@pytest.fixture(scope="module")
def products():
    bias = Bias.measure(frames(4))
    gain = Gain(GAINS)
    one = Dark.measure(frames(4, seconds=50.0, seed=2), known=SignalChain([bias]), gain=GAINS)
    two = Dark.measure(
        frames(4, seconds=50.0, seed=2) + frames(3, seconds=0.1 + 0.2, seed=3),
        known=SignalChain([bias, gain]),
    )
    alone = Dark.measure(frames(4, seconds=50.0, seed=2))
    flat = Flat.measure(
        frames(4, seconds=1.0, light=9000.0, seed=4), known=SignalChain([bias, two, gain]), filter="V"
    )
    defects = Defects.from_products(two, flat)
    defects.flags[3, 3] = int(Flags.HOT)
    return {"bias": bias, "one": one, "two": two, "alone": alone, "flat": flat, "defects": defects}


def same(first, second, *, rtol=0.0):
    np.testing.assert_allclose(np.asarray(first), np.asarray(second), rtol=rtol, atol=0)


@pytest.mark.parametrize("kind", ["bias", "one", "two", "alone", "flat", "defects"])
def test_each_product_comes_back(products, kind, tmp_path):
    product = products[kind]
    save_product(product, tmp_path / "p.fits")
    back = load_product(tmp_path / "p.fits")

    assert type(back) is type(product)
    same(back.flags, product.flags)
    for name in EXACT:
        if hasattr(product, name):
            assert getattr(back, name) == getattr(product, name), name
    for name in ("read_noise", "read_noise_error"):  # a card has 20 places
        if hasattr(product, name):
            assert getattr(back, name) == pytest.approx(getattr(product, name), rel=1e-12)
    for name in ("structure", "response", "rate", "offset"):
        if hasattr(product, name):
            same(getattr(back, name), getattr(product, name))
    if hasattr(product, "variance"):
        same(back.variance, product.variance, rtol=3e-7)
    for level, other in zip(getattr(back, "levels", ()), getattr(product, "levels", ()), strict=True):
        assert (level.time, level.count, level.id) == (other.time, other.count, other.id)
        same(level.level, other.level)
        same(level.variance, other.variance, rtol=3e-7)
    shared = getattr(product, "shared", {})
    assert set(getattr(back, "shared", {})) == set(shared)
    for key, share in shared.items():
        same(back.shared[key].coefficient, share.coefficient, rtol=1e-7)
        same(back.shared[key].variance, share.variance, rtol=1e-7)


def test_what_comes_back_corrects_alike(products, tmp_path):
    chain = [products["bias"], products["two"], products["flat"], products["defects"]]
    loaded = []
    for i, product in enumerate(chain):
        save_product(product, tmp_path / f"{i}.fits")
        loaded.append(load_product(tmp_path / f"{i}.fits"))
    rest = [Gain(GAINS), ReadNoise(8.0), ShotNoise(), ADC()]
    raw = frames(1, seconds=20.0, light=300.0, seed=5)[0]

    ours, theirs = SignalChain([*chain, *rest]).correct(raw), SignalChain([*loaded, *rest]).correct(raw)

    np.testing.assert_array_equal(ours.data, theirs.data)
    np.testing.assert_array_equal(ours.flags, theirs.flags)
    np.testing.assert_allclose(ours.variance, theirs.variance, rtol=1e-6)


@pytest.mark.parametrize("kind", ["bias", "two", "flat", "defects"])
def test_astropy_reads_it(products, kind, tmp_path):
    save_product(products[kind], tmp_path / "p.fits")
    unit = None if kind in ("bias", "two") else "dimensionless_unscaled"
    try:
        ccd = CCDData.read(tmp_path / "p.fits")
    except ValueError:
        ccd = CCDData.read(tmp_path / "p.fits", unit=unit)

    data = {"bias": "structure", "flat": "response"}.get(kind)
    if data:
        np.testing.assert_array_equal(ccd.data, getattr(products[kind], data))
        np.testing.assert_allclose(ccd.uncertainty.array**2, products[kind].variance, rtol=1e-6)
    mask = ccd.mask if ccd.mask is not None else np.zeros(SHAPE, bool)
    np.testing.assert_array_equal(mask, Defects(products[kind].flags).correct(adu(1.0)).mask)
    with fits.open(tmp_path / "p.fits") as file:
        file.verify("exception")
        assert file[0].header["PRODUCT"] in ("bias", "dark", "flat", "defects")


def test_the_same_product_gives_the_same_bytes(products, tmp_path):
    for name in "ab":
        save_product(products["flat"], tmp_path / name, history=["made in a test"])

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_cards_and_the_header_of_a_raw_frame_go_along(products, tmp_path):
    header = Header(
        {"INSTRUME": "cam", "DATASEC": "[3:122,1:100]", "BIASSEC": "[123:140,1:100]", "PRODUCT": "x"}
    )
    save_product(products["bias"], tmp_path / "p.fits", header=header, cards={"NIGHT": 3})
    back = load_product(tmp_path / "p.fits")

    np.testing.assert_array_equal(back.structure, products["bias"].structure)
    stored = fits.getheader(tmp_path / "p.fits")
    assert (stored["INSTRUME"], stored["NIGHT"], stored["PRODUCT"]) == ("cam", 3, "bias")
    assert header["PRODUCT"] == "x"


def test_what_is_no_product_is_refused(products, tmp_path):
    strange = attrs.evolve(products["bias"], structure=None, statistics={"what": object()})
    with pytest.raises(ParameterError, match="object"):
        save_product(strange, tmp_path / "p.fits")
    assert not (tmp_path / "p.fits").exists()
    fits.writeto(tmp_path / "raw.fits", np.zeros(SHAPE, np.float32))
    with pytest.raises(FrameError, match="no calibration product"):
        load_product(tmp_path / "raw.fits")
    save_product(products["bias"], tmp_path / "p.fits")
    with pytest.raises(AlreadyExists):
        save_product(products["bias"], tmp_path / "p.fits")
    save_product(products["bias"], tmp_path / "p.fits", overwrite=True)


@pytest.mark.parametrize("effect", [Gain([1.5, 1.25]), Bias(1000.0), Dark(1.0)], ids=lambda e: e.name)
def test_what_was_not_measured_is_stored_as_its_parts(effect, tmp_path):
    save_product(effect, tmp_path / "p.fits", cards={"NIGHT": 3}, history=["made up"])
    assert take_apart(load_product(tmp_path / "p.fits")) == take_apart(effect)
    header = fits.getheader(tmp_path / "p.fits")
    assert (header["PRODUCT"], header["NIGHT"], list(header["HISTORY"])) == (effect.name, 3, ["made up"])
    with pytest.raises(AlreadyExists):
        save_product(effect, tmp_path / "p.fits")
    with fits.open(tmp_path / "p.fits", checksum=True) as hdus:  # a wrong sum is a warning, and that an error
        hdus.verify("exception")


def test_files_of_parts_that_are_not_whole_are_refused(tmp_path):
    path = tmp_path / "p.fits"
    fits.PrimaryHDU(header=fits.Header([("FWPARTS", 2)])).writeto(path)
    with pytest.raises(FrameError, match="FWPARTS = 2"):
        load_product(path)
    fits.PrimaryHDU(header=fits.Header([("FWPARTS", 1)])).writeto(path, overwrite=True)
    with pytest.raises(FrameError, match="PARAMETERS"):
        load_product(path)
    path.write_bytes(b"no FITS at all")
    with pytest.raises(FileError):
        load_product(path)


# --- windows


def test_a_cropped_chain_corrects_a_window_like_the_whole(products):
    box = Box(40, 90, 10, 60)
    raw = frames(1, seconds=20.0, light=300.0, seed=5)[0]
    # One gain, since a window has no amplifiers of its own here.
    chain = [products["bias"], products["one"], Defects(products["defects"].flags)]
    whole = SignalChain(chain).correct(raw)
    # The second amplifier is read out backwards.
    window = raw.with_(data=raw.detector.assemble(raw.data)[box.slices], flags=None, detector=None)

    part = SignalChain([cropped(product, box) for product in chain]).correct(window)

    np.testing.assert_array_equal(part.data, whole.data[box.slices])
    np.testing.assert_array_equal(part.flags, whole.flags[box.slices])
    np.testing.assert_array_equal(part.variance, whole.variance[box.slices])


@pytest.mark.parametrize("kind", ["bias", "one", "two", "alone", "flat", "defects"])
def test_every_image_of_a_product_is_cropped(products, kind):
    box = Box(40, 90, 10, 60)
    part = cropped(products[kind], box)

    images = [part.flags]
    images += [getattr(part, name, None) for name in ("structure", "response", "variance", "rate", "offset")]
    images += [image for level in getattr(part, "levels", ()) for image in (level.level, level.variance)]
    images += [image for s in getattr(part, "shared", {}).values() for image in (s.coefficient, s.variance)]
    assert {np.shape(image) for image in images if np.ndim(image)} == {(50, 50)}
    np.testing.assert_array_equal(part.flags, products[kind].flags[10:60, 40:90])


def test_a_window_that_leaves_the_product_is_refused(products):
    for kind in ("bias", "two", "flat", "defects"):
        with pytest.raises(ParameterError, match="window"):
            cropped(products[kind], Box(100, 130, 0, 10))
