from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io.fits import Header
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from fullwell.detector import Box
from fullwell.errors import ParameterError, UnitError
from fullwell.frame import Frame
from fullwell.io import electron_header, read, trimmed_header, write
from fullwell.io.hygiene import legal_header

SHAPE = (520, 536)
KEPT = Box(16, 528, 4, 520)


def header(**cards: object) -> Header:
    return Header(list(cards.items()))


def test_reference_pixels_and_alternates_move_along() -> None:
    cards = header(CRPIX1=100.5, CRPIX2=50, CRPIX1A=1.0, CRPIX2Z=-3)
    trimmed = trimmed_header(cards, KEPT, shape=SHAPE)
    assert cards["CRPIX1"] == 100.5
    assert (trimmed["CRPIX1"], trimmed["CRPIX2"]) == (84.5, 46)
    assert (trimmed["CRPIX1A"], trimmed["CRPIX2Z"]) == (-15.0, -7)


def test_a_star_keeps_its_place_in_the_sky() -> None:
    cards = header(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=150.0, CRVAL2=2.0, CRPIX1=260.0, CRPIX2=250.0)
    cards.update({"CDELT1": -1e-4, "CDELT2": 1e-4})
    before = WCS(cards).pixel_to_world_values(300, 200)
    after = WCS(trimmed_header(cards, KEPT, shape=SHAPE)).pixel_to_world_values(300 - KEPT.x0, 200 - KEPT.y0)
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-12)


def test_logical_offsets() -> None:
    assert trimmed_header(header(LTV1=-100.0), KEPT, shape=SHAPE)["LTV1"] == -116
    fresh = trimmed_header(header(), KEPT, shape=SHAPE)
    assert (fresh["LTV1"], fresh["LTV2"]) == (-16, -4)
    assert "LTV1" not in trimmed_header(header(), Box(0, 512, 0, 520), shape=SHAPE)


def test_sections_of_overscan_go_and_datasec_is_everything() -> None:
    cards = header(
        BIASSEC="[4:13,1:520]",
        TRIMSEC="[17:528,1:520]",
        DATASEC="[17:528,5:520]",
        PRESCAN=16,
        OVRSCAN1=8,
        BIASSEC2="[529:536,1:520]",
        NAXIS1=536,
        OBJECT="M 31",
        OVERSCAN=True,
    )
    trimmed = trimmed_header(cards, KEPT, shape=SHAPE)
    assert sorted(trimmed) == ["DATASEC", "LTV1", "LTV2", "OBJECT", "OVERSCAN"]
    assert trimmed["DATASEC"] == "[1:512,1:516]"
    assert cards["BIASSEC"] == "[4:13,1:520]"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[1:512,1:516]", "[11:20,1:7]"),
        ("[512:1,1:516]", "[502:493,1:7]"),
        ("[513:1024,516:1]", "[523:532,516:510]"),
        ("[1:1024,1:1032]", "[21:40,1:14]"),  # unbinned
        ("[1:500,1:516]", None),  # cannot be followed
        ("nonsense", None),
    ],
)
def test_place_on_the_detector(before: str, after: str | None) -> None:
    cards = header(DATASEC="[17:528,5:520]", CCDSEC=before, DETSEC=before)
    trimmed = trimmed_header(cards, Box(26, 36, 4, 11), shape=SHAPE)
    assert trimmed.get("CCDSEC") == trimmed.get("DETSEC") == after


def test_whole_data_section_keeps_its_place() -> None:
    cards = header(DATASEC="[17:528,5:520]", CCDSEC="[1:512,1:516]")
    assert trimmed_header(cards, KEPT, shape=SHAPE)["CCDSEC"] == "[1:512,1:516]"


@given(
    x0=st.integers(0, 40),
    y0=st.integers(0, 40),
    dx=st.integers(0, 40),
    dy=st.integers(0, 40),
    flip=st.booleans(),
)
def test_trimming_twice_is_trimming_once(x0: int, y0: int, dx: int, dy: int, flip: bool) -> None:
    cards = header(CRPIX1=30.0, CRPIX2=9.0, CCDSEC="[200:101,1:100]" if flip else "[101:200,1:100]")
    first, second = Box(x0, 90, y0, 95), Box(dx, 50, dy, 55)
    twice = trimmed_header(trimmed_header(cards, first, shape=(100, 100)), second, shape=first.shape)
    once = trimmed_header(cards, second.shifted(x0, y0), shape=(100, 100))
    for keyword in ("CRPIX1", "CRPIX2", "DATASEC", "CCDSEC"):
        assert twice[keyword] == once[keyword]
    assert [twice.get("LTV1", 0), twice.get("LTV2", 0)] == [-(x0 + dx), -(y0 + dy)]


@pytest.mark.parametrize("box", [Box(0, 600, 0, 10), Box(5, 5, 0, 10)])
def test_box_must_lie_in_the_image(box: Box) -> None:
    with pytest.raises(ParameterError, match="box"):
        trimmed_header(header(), box, shape=SHAPE)


def test_electrons() -> None:
    raw = header(GAIN=2.0, EGAIN=2.1, RDNOISE=6.0, SATURATE=60000, BUNIT="adu", OBJECT="M 31")
    changed = electron_header(raw, gain=1.5, read_noise=9.0)
    expected = {
        "GAIN": 1.0,
        "EGAIN": 1.0,
        "RDNOISE": 9.0,
        "SATURATE": 90000.0,
        "BUNIT": "electron",
        "RAWGAIN": 2.0,
        "RAWEGAIN": 2.1,
        "RAWRDN": 6.0,
        "RAWSATUR": 60000,
        "OBJECT": "M 31",
    }
    assert dict(changed) == expected
    assert raw["GAIN"] == 2.0


def test_electrons_of_several_amplifiers_and_of_a_bare_header() -> None:
    changed = electron_header(header(SATURATE=100), gain=[2.0, 1.5], read_noise=[3.0, 4.0])
    assert changed["SATURATE"] == 150.0
    assert changed["RDNOISE"] == pytest.approx(np.sqrt(12.5))
    bare = electron_header(header(), gain=2.0)
    assert dict(bare) == {"GAIN": 1.0, "BUNIT": "electron"}
    assert electron_header(header(**{"E-GAIN": 2.5}), gain=2.0)["RAWEGAIN"] == 2.5


@pytest.mark.parametrize(
    ("keyword", "raw_name"), [("DATAMAX", "RAWDATMX"), ("MAXADU", "RAWMXADU"), ("MAXLIN", "RAWMXLIN")]
)
def test_levels_become_electrons(keyword: str, raw_name: str) -> None:
    changed = electron_header(header(**{keyword: 60000}), gain=[2.0, 1.5])
    assert (changed[keyword], changed[raw_name]) == (90000.0, 60000)


def test_electrons_only_once() -> None:
    once = electron_header(header(GAIN=2.0), gain=2.0)
    with pytest.raises(UnitError, match="already"):
        electron_header(once, gain=2.0)


@pytest.mark.parametrize(
    ("gain", "noise"), [(0.0, 1.0), (-1.0, 1.0), (np.nan, 1.0), (1.0, -1.0), (1.0, np.inf)]
)
def test_electrons_need_possible_numbers(gain: float, noise: float) -> None:
    with pytest.raises(ParameterError):
        electron_header(header(), gain=gain, read_noise=noise)


def test_electron_header_survives_a_file(tmp_path: Path) -> None:
    changed = electron_header(header(GAIN=2.0, SATURATE=60000), gain=1.5, read_noise=9.0)
    write(Frame(np.ones((2, 2), np.float32), unit="electron", header=changed), tmp_path / "a.fits")
    assert dict(read(tmp_path / "a.fits").header) == dict(changed)


def test_legal_headers_are_left_as_they_are() -> None:
    cards = Header([("OBJECT", "M 31", "name"), ("LONGTEXT", "x" * 200), ("COUNT", 3), ("LEVEL", 1.25e-7)])
    cards["HIERARCH ESO DET CHIP"] = "yes"
    cards["NOTHING"] = None
    cards.add_history("h" * 100)
    cards.add_comment("c")
    cards.add_blank("b")
    assert legal_header(cards).tostring() == cards.tostring()
