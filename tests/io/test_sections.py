from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from fullwell.detector import Box
from fullwell.detector.presets import load_detector
from fullwell.errors import FrameError
from fullwell.io.sections import detector_from_headers, mosaic

REAL = Path(__file__).parents[2] / ".." / "shared" / "data"


def header(**cards: object) -> fits.Header:
    return fits.Header(list(cards.items()))


def four_corners() -> tuple[list[fits.Header], list[np.ndarray], np.ndarray]:
    """A 6 x 8 detector read out through its four corners, each amplifier with 2 + 1 overscan."""
    truth = np.arange(48, dtype=np.int32).reshape(6, 8)
    headers, images = [], []
    for x in ("1:4", "8:5"):
        for y in ("1:3", "6:4"):
            part = np.full((4, 6), -1, np.int32)
            columns = slice(0, 4) if x == "1:4" else slice(7, 3, -1)
            rows = slice(0, 3) if y == "1:3" else slice(5, 2, -1)
            part[:3, :4] = truth[rows, columns]
            headers.append(header(EXTNAME=f"im{x}{y}", DATASEC="[1:4,1:3]", DETSEC=f"[{x},{y}]"))
            images.append(part)
    return headers, images, truth


def test_four_amplifiers_become_one_image():
    headers, images, truth = four_corners()
    detector = detector_from_headers(headers, [image.shape for image in images])

    assert detector.raw_shape == (8, 12)
    np.testing.assert_array_equal(detector.assemble(mosaic(images, detector)), truth)
    for amp in detector.amplifiers:
        assert amp.overscan.shape == (3, 2)
        assert amp.parallel.shape == (1, 4)
        assert amp.prescan is None
        raw = mosaic(images, detector)
        assert (raw[amp.overscan.slices] == -1).all()
        assert (raw[amp.parallel.slices] == -1).all()


def test_the_order_of_the_extensions_does_not_matter():
    headers, images, truth = four_corners()
    headers, images = headers[::-1], images[::-1]
    detector = detector_from_headers(headers, [image.shape for image in images])
    np.testing.assert_array_equal(detector.assemble(mosaic(images, detector)), truth)


@pytest.mark.parametrize("detsec", ["[1:8,1:6]", "[101:108,201:206]"])
def test_a_binned_detector_counts_in_binned_pixels(detsec):
    detector = detector_from_headers([header(DATASEC="[3:6,1:2]", DETSEC=detsec, CCDSUM="2 3")], [(2, 8)])
    (amp,) = detector.amplifiers
    assert detector.shape == (2, 4)
    assert amp.prescan.shape == amp.overscan.shape == (2, 2)


def test_amplifiers_of_a_binned_detector_meet():
    headers = [
        header(DATASEC="[1:4,1:2]", DETSEC="[1:8,1:4]", CCDSUM="2 2"),
        header(DATASEC="[1:4,1:2]", DETSEC="[17:9,1:4]", CCDSUM="2 2"),  # one column left over
    ]
    detector = detector_from_headers(headers, [(2, 6), (2, 6)])
    assert detector.shape == (2, 8)
    assert detector.amplifiers[1].flip_x


def test_sections_in_binned_pixels_are_understood():
    detector = detector_from_headers(
        [header(DATASEC="[1:4,1:2]", CCDSEC="[5:8,1:2]", CCDSUM="2 2")], [(2, 6)]
    )
    assert detector.shape == (2, 4)


@pytest.mark.parametrize(
    ("detsec", "box"),
    [("[1:8,1:4]", Box(0, 5, 0, 4)), ("[8:1,1:4]", Box(0, 5, 0, 4)), ("[11:15,1:4]", Box(0, 5, 0, 4))],
)
def test_trimming_may_keep_less_than_the_data(detsec, box):
    cards = header(DATASEC="[1:8,1:4]", TRIMSEC="[3:7,1:4]", DETSEC=detsec)
    detector = detector_from_headers([cards], [(4, 10)])
    (amp,) = detector.amplifiers
    assert amp.box == box
    assert amp.data == Box(2, 7, 0, 4)
    assert amp.overscan == Box(8, 10, 0, 4), "columns 1 and 2 are lit, so they are no prescan"
    assert amp.prescan is None


def test_trimmed_neighbors_keep_their_distance():
    headers = [
        header(DATASEC="[1:8,1:4]", TRIMSEC="[3:8,1:4]", DETSEC="[1:8,1:4]"),
        header(DATASEC="[1:8,1:4]", TRIMSEC="[3:8,1:4]", DETSEC="[16:9,1:4]"),
    ]
    left, right = detector_from_headers(headers, [(4, 10), (4, 10)]).amplifiers
    assert (left.box.x0, left.box.x1, right.box.x0, right.box.x1) == (0, 6, 6, 12)


def test_one_image_with_an_overscan_on_its_left():
    cards = header(TRIMSEC="[  17: 528,   1: 520]", BIASSEC="[   4:  13,   1: 520]", GAIN=1.9, RDNOISE=5.0)
    detector = detector_from_headers([cards], [(520, 536)])
    (amp,) = detector.amplifiers
    assert amp.data == Box(16, 528, 0, 520)
    assert amp.overscan == Box(3, 13, 0, 520)
    assert amp.prescan is None
    assert (amp.gain, amp.read_noise) == (1.9, 5.0)
    assert detector.shape == (520, 512)


def test_an_overscan_above_the_data_is_parallel():
    cards = header(DATASEC="[1:10,1:8]", BIASSEC="[1:12,10:12]")
    (amp,) = detector_from_headers([cards], [(12, 12)]).amplifiers
    assert amp.parallel == Box(0, 10, 9, 12)
    assert amp.overscan == Box(10, 12, 0, 8)


def test_an_overscan_of_all_rows_is_cut_to_those_of_the_data():
    cards = header(DATASEC="[1:10,1:8]", BIASSEC="[11:12,1:12]")
    (amp,) = detector_from_headers([cards], [(12, 12)]).amplifiers
    assert amp.overscan == Box(10, 12, 0, 8)
    assert amp.parallel == Box(0, 10, 8, 12)


def test_two_amplifiers_in_one_image():
    cards = header(
        DATASEC="[3:10,1:4]",
        DATASECA="[3:6,1:4]",
        DATASECB="[7:10,1:4]",
        BIASSECA="[1:2,1:4]",
        BIASSECB="[11:12,1:4]",
        DETSECA="[1:4,1:4]",
        DETSECB="[5:8,1:4]",
        GAINA=4.0,
        GAINB=4.2,
        RDNOISEA=6.0,
        SATURATA=40000,
    )
    detector = detector_from_headers([cards], [(4, 12)])
    first, second = detector.amplifiers
    image = np.arange(48).reshape(4, 12)

    assert detector.raw_shape == (4, 12)
    assert (first.overscan, second.overscan) == (Box(0, 2, 0, 4), Box(10, 12, 0, 4))
    assert (first.gain, second.gain, first.read_noise, second.read_noise) == (4.0, 4.2, 6.0, None)
    assert first.saturation == 40000
    assert mosaic([image], detector) is image
    np.testing.assert_array_equal(detector.assemble(image), image[:, 2:10])


@pytest.mark.parametrize(
    "cards",
    [
        header(),
        header(EXPTIME=3.0, GAIN=2.0),
        header(DATASEC="[1:10,1:8]"),
        header(TRIMSEC="[1:10,1:8]", BIASSEC="[0:0,0:0]"),
        header(DATASEC="  ", TRIMSEC="", BIASSEC=""),
    ],
)
def test_an_image_that_is_all_data_needs_no_detector(cards):
    assert detector_from_headers([cards], [(8, 10)]) is None


def test_extensions_without_sections_are_no_amplifiers():
    assert detector_from_headers([header(EXTNAME="SCI"), header(EXTNAME="VAR")], [(4, 4), (4, 4)]) is None


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        (header(DATASEC="[1:11,1:8]"), r"DATASEC \[1:11,1:8\] reaches outside"),
        (header(DATASEC="[1:8;1:8]"), "DATASEC = "),
        (header(DATASEC="[1:8,1:8]", BIASSEC="[9:12,1:8]"), "BIASSEC .* reaches outside"),
        (header(DATASEC="[1:8,1:8]", BIASSEC="[8:10,1:8]"), "overlaps the data"),
        (header(DATASEC="[1:8,1:8]", DETSEC="[1:9,1:8]"), "does not fit"),
        (header(DATASEC="[1:8,1:8]", CCDSUM="2 x"), "binning"),
        (header(DATASEC="[1:8,1:8]", CCDSUM="0 1"), "binning"),
    ],
)
def test_sections_that_do_not_fit_are_errors(cards, message):
    with pytest.raises(FrameError, match=message):
        detector_from_headers([cards], [(8, 10)])


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (header(DATASEC="[1:4,1:4]"), "neither DETSEC nor CCDSEC"),
        (header(DATASEC="[1:4,1:4]", DETSEC="[3:6,1:4]"), "no overlap"),
        (header(DATASEC="[1:4,1:4]", DETSEC="[900001:900004,1:4]"), "cannot be right"),
    ],
)
def test_amplifiers_that_cannot_be_placed_are_errors(second, message):
    first = header(DATASEC="[1:4,1:4]", DETSEC="[1:4,1:4]")
    with pytest.raises(FrameError, match=message):
        detector_from_headers([first, second], [(4, 6), (4, 6)])


def test_cards_of_the_primary_header_count_for_all_amplifiers():
    headers, images, _ = four_corners()
    detector = detector_from_headers(
        headers, [image.shape for image in images], primary=header(INSTRUME="cam", GAIN=1.5, COMMENT="x")
    )
    assert detector.name == "cam"
    assert {amp.gain for amp in detector.amplifiers} == {1.5}


@pytest.mark.parametrize("gain", [0, -1.0, 139, "2.1", True])
def test_a_gain_that_cannot_be_one_is_left_out(gain):
    (amp,) = detector_from_headers([header(DATASEC="[1:8,1:8]", GAIN=gain)], [(8, 10)]).amplifiers
    assert amp.gain is None


def test_repeated_names_become_numbers():
    headers, images, _ = four_corners()
    for part in headers:
        part["EXTNAME"] = "IM"
    detector = detector_from_headers(headers, [image.shape for image in images])
    assert [amp.name for amp in detector.amplifiers] == ["1", "2", "3", "4"]


def test_a_mosaic_of_other_images_is_refused():
    headers, images, _ = four_corners()
    detector = detector_from_headers(headers, [image.shape for image in images])
    with pytest.raises(FrameError, match="3 images for the 4"):
        mosaic(images[:3], detector)
    with pytest.raises(FrameError, match=r"image of \(3, 6\)"):
        mosaic([image[:3] for image in images], detector)


@pytest.mark.real
@pytest.mark.parametrize("kind", ["e2v", "itl"])
def test_real_amplifiers_assemble_to_the_expected_mosaic(kind):
    folder = REAL / "lsst-amplifiers"
    if not folder.is_dir():
        pytest.skip("no ../shared/data/lsst-amplifiers")
    with fits.open(folder / f"{kind}_spot.fits.gz") as hdus:
        segments = [hdu for hdu in hdus if isinstance(hdu, fits.ImageHDU)]
        headers, images = [hdu.header for hdu in segments], [hdu.data for hdu in segments]
        detector = detector_from_headers(headers, [image.shape for image in images], primary=hdus[0].header)
        assembled = detector.assemble(mosaic(images, detector))
    expected = fits.getdata(folder / f"{kind}_expected_assembled.fits.gz")

    # The expected mosaic has row 1 of DETSEC at its top.
    assert assembled.shape == expected.shape
    assert np.count_nonzero(assembled[::-1] != expected) == 0
    assert np.count_nonzero(expected) > 100_000

    preset = load_detector(f"lsst-{kind}")
    for ours, theirs in zip(preset.amplifiers, detector.amplifiers, strict=True):
        for part in ("box", "data", "raw", "prescan", "overscan", "parallel", "flip_x", "flip_y"):
            assert getattr(ours, part) == getattr(theirs, part), part


@pytest.mark.real
def test_a_real_frame_with_blanks_in_its_sections():
    path = REAL / "ccdproc-samples" / "a8280271.fits"
    if not path.is_file():
        pytest.skip("no ../shared/data/ccdproc-samples")
    with fits.open(path) as hdus:
        detector = detector_from_headers([hdus[0].header], [hdus[0].data.shape])
        data = hdus[0].data
    (amp,) = detector.amplifiers
    assert detector.shape == (520, 512)
    # Overscan lies at the bias level, under all of the sky.
    assert np.median(data[amp.overscan.slices]) < np.percentile(data[amp.data.slices], 1)
