from __future__ import annotations

import gzip
import warnings

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import fullwell as fw
from fullwell.combining import inputs, stack, stack_files, stack_to_file, to_file
from fullwell.errors import FrameError, FullwellError, NotEnoughFrames, ParameterError
from fullwell.io import frames_ahead
from fullwell.io.plain_images import plain_image

SHAPE = (300, 70)


@pytest.fixture
def paths(tmp_path):
    random = np.random.default_rng(8)
    names = []
    for i in range(9):
        data = np.rint(random.normal(1000, 6, SHAPE)).astype(np.uint16)
        data[i, i] = 50_000
        names.append(tmp_path / f"{i}.fits")
        fits.writeto(names[-1], data)
    return names


def same(path, want):
    frame = fw.read(path)
    np.testing.assert_array_equal(frame.data, want.frame.data)
    np.testing.assert_allclose(frame.variance, want.frame.variance, rtol=2e-7)
    np.testing.assert_array_equal(frame.flags, want.frame.flags)
    np.testing.assert_array_equal(fits.getdata(path, "USED"), want.used)


@pytest.mark.parametrize("open_files", [5, 500])
@pytest.mark.parametrize("method", ["mean", "median"])
def test_the_file_holds_what_stack_returns_mapped_or_read(paths, tmp_path, monkeypatch, method, open_files):
    monkeypatch.setattr(inputs, "_most_mapped", lambda: open_files)
    options = {"method": method, "clip": 3.0, "spread": "mad", "memory": 2**20}

    outcome = stack_to_file(frames_ahead(paths), tmp_path / "out.fits", **options)

    want = stack([fw.read(path) for path in paths], **options)
    same(tmp_path / "out.fits", want)
    assert outcome.rejected_fraction == want.rejected_fraction
    assert (outcome.shape, outcome.spread, outcome.without_value) == (SHAPE, "mad", 0)


def test_compressed_files_give_the_same(paths, tmp_path):
    packed = []
    for path in paths:
        packed.append(tmp_path / f"{path.name}.gz")
        packed[-1].write_bytes(gzip.compress(path.read_bytes(), 1))
    tiles = [tmp_path / f"{path.name}.fz" for path in paths]
    for path, name in zip(paths, tiles, strict=True):
        fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(fits.getdata(path))]).writeto(name)
    want = stack([fw.read(path) for path in paths], spread="std", clip=2.0)

    for files in (packed, tiles, [*packed[:4], *tiles[4:]], [*paths[:4], *tiles[4:]]):
        out = tmp_path / "out.fits"
        stack_to_file(frames_ahead(files), out, spread="std", clip=2.0, overwrite=True, memory=2**20)
        same(out, want)


def test_frames_with_variance_masked_pixels_and_noise_in_common(tmp_path):
    random = np.random.default_rng(2)
    frames = []
    for _ in range(5):
        flags = np.zeros(SHAPE, np.uint16)
        flags[random.random(SHAPE) < 0.2] = int(fw.Flags.HOT)
        flags[3, 4] = int(fw.Flags.HOT)
        data = random.normal(50, 2, SHAPE).astype(np.float32)
        shared = {"bias": fw.frame.Shared(-1.0, np.full(SHAPE, 0.25, np.float32))}
        frames.append(fw.Frame(data, variance=np.full(SHAPE, 4, np.float32), flags=flags, shared=shared))

    outcome = stack_to_file(frames, tmp_path / "out.fits", clip=2.5, spread="std")

    want = stack(frames, clip=2.5, spread="std")
    frame = fw.read(tmp_path / "out.fits")
    np.testing.assert_allclose(frame.variance, want.frame.settled().variance, rtol=3e-7)
    np.testing.assert_array_equal(frame.data, want.frame.data)
    np.testing.assert_array_equal(frame.flags, want.frame.flags)
    assert outcome.without_value == (want.used == 0).sum() > 0


def test_a_model_that_does_not_hold_is_told_and_the_file_is_that_of_the_second_try(paths, tmp_path):
    model = fw.NoiseModel(1.0)

    outcome = stack_to_file(
        frames_ahead(paths),
        tmp_path / "out.fits",
        noise=model,
        clip=4.0,
        history=lambda spread: [f"clipped by {spread}"],
    )

    want = stack([fw.read(path) for path in paths], noise=model, clip=4.0)
    assert outcome.spread == want.spread == "std"
    assert any("does not hold" in remark for remark in outcome.remarks)
    same(tmp_path / "out.fits", want)
    assert "clipped by std" in str(fits.getheader(tmp_path / "out.fits")["HISTORY"])


def test_what_cannot_be_done_leaves_nothing_behind(paths, tmp_path):
    with pytest.raises(ParameterError, match="spread"):
        stack_to_file(frames_ahead(paths), tmp_path / "out.fits")

    assert not (tmp_path / "out.fits").exists()


WORDS = st.text(st.sampled_from("ABZ az09.:'/=&_-"), max_size=30)
CARDS = st.one_of(
    st.tuples(
        st.sampled_from(["OBJECT", "EXPTIME", "BUNIT", "NCOMBINE", "CCD-TEMP", "DARKTIME", "GAIN", "EXTEND"]),
        st.sampled_from(["adu", "ADU", "electron", 2.5, 3, True, 1e-7, -0.0, 2**40, "V  ", ""]) | WORDS,
        WORDS,
    ),
    st.tuples(st.sampled_from(["COMMENT", "HISTORY", ""]), WORDS, st.just("")),
)


@given(cards=st.lists(CARDS, max_size=8), lines=st.lists(st.text(max_size=150), max_size=3))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_give_the_same_bytes_with_and_without_astropy(tmp_path, monkeypatch, cards, lines):
    header = fits.Header()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cards that are cut off
        for card in cards:
            header.append(card, end=True)
        for i in range(3):
            fits.writeto(
                tmp_path / f"{i}.fits",
                np.full((2, 3), i, np.uint16),
                header,
                overwrite=True,
                output_verify="ignore",
            )
    files = [tmp_path / f"{i}.fits" for i in range(3)]
    options = {"spread": "std", "overwrite": True, "cards": {"NCOMBINE": (3, "frames combined")}}
    found = []

    def combined(name, look):
        monkeypatch.setattr(to_file, "plain_image", look)
        try:
            stack_files(files, tmp_path / name, history=lambda spread: [spread, *lines], **options)
        except FullwellError as error:
            return str(error)
        return (tmp_path / name).read_bytes()

    quick = combined("quick.fits", lambda path: found.append(plain_image(path)) or found[-1])

    assert quick == combined("usual.fits", lambda path: None)
    event(f"plain: {all(found)}")


def test_plain_files_need_no_frame(paths, tmp_path, monkeypatch):
    monkeypatch.setattr(to_file, "stack_to_file", None)
    stack_files(paths, tmp_path / "out.fits", spread="mad", clip=3.0)
    same(tmp_path / "out.fits", stack([fw.read(path) for path in paths], spread="mad", clip=3.0))


def test_plain_files_that_do_not_fit_together_are_refused_as_frames_are(paths, tmp_path):
    fits.writeto(tmp_path / "small.fits", np.zeros((3, 3), np.uint16))
    with pytest.raises(FrameError, match=r"small\.fits has shape"):
        stack_files([*paths, tmp_path / "small.fits"], tmp_path / "out.fits", spread="std")
    with pytest.raises(NotEnoughFrames):
        stack_files([], tmp_path / "out.fits", spread="std")
    assert not (tmp_path / "out.fits").exists()


@pytest.mark.real
@pytest.mark.parametrize("folder", ["stl1001-lab", "st402-spectra"])
def test_plain_frames_of_real_cameras_give_the_same_bytes(data_folder, tmp_path, monkeypatch, folder):
    files = sorted((data_folder / folder).rglob("*.FIT"))
    assert files
    assert all(plain_image(path) for path in files)

    options = {"spread": "std", "clip": 1.3, "history": lambda spread: [spread]}
    stack_files([files[0]] * 3, tmp_path / "quick.fits", **options)
    monkeypatch.setattr(to_file, "plain_image", lambda path: None)
    stack_files([files[0]] * 3, tmp_path / "usual.fits", **options)

    assert (tmp_path / "quick.fits").read_bytes() == (tmp_path / "usual.fits").read_bytes()
