from __future__ import annotations

import math
import string
import warnings
from pathlib import Path

import attrs
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from fullwell.io.dialects import frame_types, normalize_type, reduced_as, translate
from fullwell.io.metadata import Metadata, Value, iso_time

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def header(**cards: object) -> fits.Header:
    """Header with the given cards; ``_`` stands for ``-``, a tuple is (value, comment)."""
    return fits.Header(
        [(key.replace("_", "-"), *(v if isinstance(v, tuple) else (v,))) for key, v in cards.items()]
    )


def broken(text: str, **cards: object) -> fits.Header:
    """Header that begins with one card exactly as written."""
    with warnings.catch_warnings():  # reading it may warn, translating it may not
        warnings.simplefilter("ignore")
        result = fits.Header.fromstring(text.ljust(80) + "END".ljust(80))
    result.extend(header(**cards).cards)
    return result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bias Frame", "bias"),
        ("zero", "bias"),
        ("Dark Frame          ", "dark"),
        ("Flat Field", "flat"),
        ("Flat Frame", "flat"),
        ("dome  flat", "flat"),
        ("SKY_FLAT", "flat"),
        ("FLAT,LAMP", "flat"),
        ("Light Frame", "science"),
        ("object", "science"),
        ("DARKFLAT", "darkflat"),
        ("Master Flat", "flat"),
        ("comp", "arc"),
        ("FK5", "unknown"),
        ("", "unknown"),
    ],
)
def test_type_vocabulary(text: str, expected: str) -> None:
    assert normalize_type(text) == expected


def test_types_are_known_to_each_other() -> None:
    assert {"bias", "dark", "flat", "science", "darkflat", "arc", "unknown"} <= set(frame_types())
    assert reduced_as("darkflat") == "dark"
    assert reduced_as("flat") == "flat"


def test_type_falls_through_to_a_card_that_is_understood() -> None:
    found = translate(header(IMAGETYP="FK5", OBSTYPE="BIAS")).frame_type
    assert (found.value, found.keyword) == ("bias", "OBSTYPE")
    assert "FK5" in found.rule
    unknown = translate(header(IMAGETYP="quux")).frame_type
    assert (unknown.value, unknown.raw) == ("unknown", "quux")
    assert translate(header()).frame_type.value is None


@pytest.mark.parametrize(
    ("cards", "seconds"),
    [
        ({"EXPTIME": 10.0}, 10.0),
        ({"EXPTIME": "10.5"}, 10.5),
        ({"EXPOSURE": 3}, 3.0),
        ({"EXPMS": 1500}, 1.5),
        ({"EXPTIME": (250, "[ms] exposure")}, 0.25),
        ({"EXPTIME": 0.0}, 0.0),
        ({"EXPTIME": -1.0, "EXPOSURE": 1.0}, None),
        ({"EXPTIME": "ten"}, None),
        ({"EXPTIME": "NaN"}, None),
        ({"EXPTIME": "inf"}, None),
        ({"EXPTIME": 1e30}, None),
        ({"EXPMS": 2e9}, 2e6),
        ({"EXPTIME": True}, None),
        ({}, None),
    ],
)
def test_exposure_time(cards: dict[str, object], seconds: float | None) -> None:
    found = translate(header(**cards)).exposure_time
    assert found.value == (None if seconds is None else pytest.approx(seconds))
    assert found.rule


def test_blank_exposure_time_leaves_the_word_to_the_next_card() -> None:
    found = translate(header(EXPTIME=None, EXPOSURE=4.0)).exposure_time
    assert found.value == 4.0
    assert "EXPTIME is blank" in found.rule


@pytest.mark.parametrize(
    ("dark_time", "expected"),
    [(12.0, 12.0), (1e30, 10.0), (0.0, 10.0), (9.0, 10.0), ("x", 10.0), (None, 10.0)],
)
def test_dark_time_includes_the_exposure(dark_time: object, expected: float) -> None:
    assert translate(header(EXPTIME=10.0, DARKTIME=dark_time)).dark_time.value == expected


def test_dark_time_of_nothing() -> None:
    assert translate(header()).dark_time.value is None
    assert translate(header(DARKTIME=5.0)).dark_time.value == 5.0


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"CCD_TEMP": -4.8178}, -4.8178),
        ({"CCD_TEMP": 180.2}, -92.95),  # Kelvin
        ({"CCDTEMP": (77.0, "[K] detector")}, -196.15),
        ({"CCD_TEMP": -999.0, "DETTEMP": -20.0}, -20.0),
        ({"CCD_TEMP": 999.0}, None),
        ({"CCD_TEMP": "warm"}, None),
    ],
)
def test_temperature(cards: dict[str, object], expected: float | None) -> None:
    found = translate(header(**cards)).temperature
    assert found.value == (None if expected is None else pytest.approx(expected))


def test_kelvin_is_said_in_the_rule() -> None:
    assert "kelvin" in translate(header(CCD_TEMP=180.2)).temperature.rule


@pytest.mark.parametrize(
    ("cards", "gain", "setting"),
    [
        ({"GAIN": 1.9}, 1.9, None),
        ({"GAIN": (1.9, "e-/ADU")}, 1.9, None),
        ({"GAIN": (0.5, "ADU/e-")}, 2.0, None),
        ({"GAIN": (0.5, "conversion from electrons to ADU")}, 2.0, None),
        ({"EGAIN": 2.06, "GAIN": 120}, 2.06, 120.0),
        ({"GAIN": 120}, None, 120.0),
        ({"GAIN": 0}, None, 0.0),
        ({"GAIN": -1.0}, None, -1.0),
        ({"GAIN": 30, "OFFSET": 10}, None, 30.0),
        ({"GAIN": 1.5, "OFFSET": 10}, 1.5, None),
        ({"GAIN": "HIGH"}, None, "HIGH"),
        ({"GAIN1": 3.1, "GAIN2": 3.3}, 3.1, None),
        ({}, None, None),
    ],
)
def test_gain_and_its_double(cards: dict[str, object], gain: float | None, setting: object) -> None:
    found = translate(header(**cards))
    assert found.gain.value == (None if gain is None else pytest.approx(gain))
    assert found.gain_setting.value == setting


def test_eso_gain_is_decided_by_the_comment() -> None:
    def of(keyword: str, value: float, comment: str) -> float:
        cards = fits.Header()
        cards[f"HIERARCH {keyword}"] = (value, comment)
        result: float = translate(cards).gain.value
        return result

    assert of("ESO DET OUT1 CONAD", 1.25, "Conversion from ADUs to electrons") == 1.25
    assert of("ESO DET OUT1 GAIN", 0.8, "Conversion from electrons to ADU") == pytest.approx(1.25)
    assert of("ESO DET OUT1 GAIN", 1.25, "Conversion ADU to e-") == 1.25
    assert of("ESO DET OUT1 CONAD", 0.8, "[ADU/e-]") == pytest.approx(1.25)
    assert of("ESO DET OUT1 GAIN", 0.8, "") == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"XBINNING": 1, "YBINNING": 2}, (1, 2)),
        ({"CCDSUM": "2 2"}, (2, 2)),
        ({"BINNING": "2x4"}, (2, 4)),
        ({"BINNING": 3}, (3, 3)),
        ({"XBINNING": 2}, None),
        ({"XBINNING": 0, "YBINNING": 0}, None),
        ({"XBINNING": 1.5, "YBINNING": 1}, None),
        ({"XBINNING": 0, "YBINNING": 0, "CCDSUM": "1 1"}, (1, 1)),
        ({}, None),
    ],
)
def test_binning(cards: dict[str, object], expected: tuple[int, int] | None) -> None:
    assert translate(header(**cards)).binning.value == expected


def test_window_counts_from_zero() -> None:
    assert translate(header(XORGSUBF=10, YORGSUBF=20)).window.value == (10, 20)
    eso = fits.Header()
    eso["HIERARCH ESO DET WIN1 STRX"], eso["HIERARCH ESO DET WIN1 STRY"] = 1, 33
    assert translate(eso).window.value == (0, 32)


@pytest.mark.parametrize(
    ("cards", "origin"),
    [
        ({}, None),
        ({"XORGSUBF": 0, "YORGSUBF": 0, "LTV1": -5.0, "LTV2": -6.0}, (0, 0)),
        ({"CCDSUBFL": 3, "CCDSUBFT": 4}, (3, 4)),
        ({"LTV1": -5.0, "LTV2": -6.0}, (5, 6)),
        ({"LTV1": -49.75, "LTV2": -99.75, "LTM1_1": 0.5, "LTM2_2": 0.5}, (50, 100)),
        ({"LTV1": 16.0, "LTV2": 0.0, "DATASEC": "[17:528,1:512]"}, (0, 0)),
        ({"LTV1": 16.0, "LTV2": 0.0}, None),
        ({"CCDSEC": "[101:300,51:150]", "DATASEC": "[1:200,1:100]"}, (100, 50)),
        ({"CCDSEC": "[101:300,51:150]", "DATASEC": "[17:116,1:50]"}, (50, 25)),
        ({"CCDSEC": "[101:300,51:150]"}, None),
        ({"CCDSEC": "[101:300,51:150]", "DATASEC": "[1:130,1:100]"}, None),
        ({"CCDSEC": "all", "DATASEC": "[1:130,1:100]"}, None),
        ({"XORGSUBF": 10}, None),
        ({"XORGSUBF": "left", "YORGSUBF": 3}, None),
    ],
)
def test_window_from_whatever_says_it(cards: dict[str, object], origin: tuple[int, int] | None) -> None:
    assert translate(header(**cards)).window.value == origin


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"SATURATE": 60000}, 60000.0),
        ({"DATAMAX": 65535}, 65535.0),
        ({"DATAMAX": 20628}, None),
        ({"DATAMAX": (50000, "saturation level")}, 50000.0),
        ({"SATURATE": 0, "DATAMAX": 4095}, 4095.0),
    ],
)
def test_saturation(cards: dict[str, object], expected: float | None) -> None:
    assert translate(header(**cards)).saturation.value == expected


START = 58004.950022962963  # 2017-09-08T22:48:01.984


@pytest.mark.parametrize(
    "cards",
    [
        {"DATE_OBS": "2017-09-08T22:48:01.984"},
        {"DATE_OBS": "2017-09-08T22:48:01.984Z"},
        {"DATE_OBS": "2017-09-08", "TIME_OBS": "22:48:01.984"},
        {"DATE_OBS": "2017/09/08", "UT": "22:48:01.984"},
        {"MJD_OBS": START},
        {"DATE_OBS": "2017-09-08", "MJD_OBS": START},
        {"JD": START + 2400000.5},
        {"DATE_OBS": ("2017-09-08T22:48:24.984", "end of exposure")},
        {"DATE_OBS": ("2017-09-08T22:48:13.484", "UT middle of exposure")},
        {"DATE_AVG": "2017-09-08T22:48:13.484"},
    ],
)
def test_start_and_middle_of_the_exposure(cards: dict[str, object]) -> None:
    found = translate(header(EXPTIME=23.0, **cards))
    assert found.start_time.value == pytest.approx(START, abs=1e-8)
    assert found.mid_time.value == pytest.approx(START + 11.5 / 86400, abs=1e-8)
    assert found.start_iso == "2017-09-08T22:48:01.984"
    assert found.mid_iso == "2017-09-08T22:48:13.484"


def test_a_date_alone_is_no_time() -> None:
    found = translate(header(DATE_OBS="2013-07-13", MJD_OBS=56486.0, EXPTIME=1.0))
    assert found.start_time.value is None
    assert "no time of day" in found.start_time.rule
    assert found.mid_iso is None


@pytest.mark.parametrize(
    "date", ["2017-13-01T00:00:00", "08/09/1x", "2017-09-08T25:00:00", "1900-01-01T00:00:00", "now"]
)
def test_impossible_dates(date: str) -> None:
    assert translate(header(DATE_OBS=date)).start_time.value is None


def test_middle_without_exposure_time_is_the_start() -> None:
    found = translate(header(DATE_OBS="2017-09-08T22:48:01.984"))
    assert found.mid_time.value == found.start_time.value
    assert "no exposure time" in found.mid_time.rule


def test_other_time_scales_are_named() -> None:
    assert "TAI" in translate(header(DATE_OBS="2017-09-08T22:48:01", TIMESYS="TAI")).start_time.rule


def test_filter_camera_and_sections() -> None:
    found = translate(
        header(FILTER="Visible   ", INSTRUME=" ST-402 ", SERIAL=7, BIASSEC="[   4:  13,   1: 520]")
    )
    assert found.filter.value == "Visible"
    assert found.camera.value == "ST-402 #7"
    assert found.sections.value == {"BIASSEC": "[4:13,1:520]"}
    assert translate(header(FILTER1="open2-8", FILTER2="r")).filter.value == "r"
    assert translate(header(FILTER1="open", FILTER2="clear")).filter.value == "open"
    assert translate(header(FILTER="   ")).filter.value is None


@pytest.mark.parametrize(
    "cards",
    [
        {"HISTORY": "Auto-Dark Subtraction"},
        {"CALSTAT": "BD"},
        {"ZEROCOR": "Jan  6 12:00 Zero level correction image is Zero"},
        {"DARKCORR": "COMPLETE"},
        {"BUNIT": "electron"},
        {"PRODUCT": "calibrated"},
        {"FLATCOR": True},
        {"IMAGETYP": "Master Dark"},
        {"OVERSCAN": "Jan 6 overscan section is [4:13,1:520]"},
    ],
)
def test_signs_of_earlier_calibration(cards: dict[str, object]) -> None:
    assert len(translate(header(**cards)).already_calibrated.value) == 1


@pytest.mark.parametrize(
    "cards",
    [
        {},
        {"SWMODIFY": "CCDSoft Version 5"},
        {"CALSTAT": ""},
        {"DARKCORR": "OMIT"},
        {"BUNIT": "ADU"},
        {"FLATCOR": False},
        {"OVERSCAN": 32},
        {"HISTORY": "no dark subtraction"},
    ],
)
def test_raw_frames_show_no_signs(cards: dict[str, object]) -> None:
    assert translate(header(**cards)).already_calibrated.value == ()


@pytest.mark.parametrize("text", ["EXPTIME = ' no end", "EXPTIME =   1 2 3", "EXPTIME =", "EXPTIME"])
def test_broken_card_is_absent_and_says_so(text: str) -> None:
    found = translate(broken(text, GAIN=1.5))
    assert found.exposure_time.value is None
    assert found.exposure_time.rule
    assert found.gain.value == 1.5


def test_broken_card_does_not_hide_the_next_one() -> None:
    found = translate(broken("EXPTIME = ' no end", EXPOSURE=5.0)).exposure_time
    assert found.value == 5.0
    assert "EXPTIME cannot be parsed" in found.rule


def test_mapping_serves_as_header() -> None:
    assert translate({"EXPTIME": 3.0, "HISTORY": "flat fielded"}).exposure_time.value == 3.0


KEYWORDS = st.sampled_from(
    [
        "EXPTIME",
        "EXPMS",
        "DARKTIME",
        "DATE-OBS",
        "TIME-OBS",
        "UT",
        "MJD-OBS",
        "JD",
        "DATE-AVG",
        "IMAGETYP",
        "CCD-TEMP",
        "SET-TEMP",
        "GAIN",
        "EGAIN",
        "GAIN1",
        "RDNOISE",
        "XBINNING",
        "YBINNING",
        "CCDSUM",
        "BINNING",
        "XORGSUBF",
        "YORGSUBF",
        "DATASEC",
        "SATURATE",
        "DATAMAX",
        "INSTRUME",
        "SERIAL",
        "FILTER",
        "FILTER1",
        "OBJECT",
        "CALSTAT",
        "ZEROCOR",
        "OVERSCAN",
        "BUNIT",
        "PRODUCT",
        "HISTORY",
        "OFFSET",
        "READOUTM",
        "TIMESYS",
    ]
)
PRINTABLE = st.text(string.ascii_letters + string.digits + " '\"/=:.,[]+-&T", max_size=60)
VALUES = st.one_of(
    PRINTABLE,
    st.floats(),
    st.integers(),
    st.booleans(),
    st.none(),
    st.dates().map(str),
    st.datetimes().map(str),
)


def check_whole(found: Metadata) -> None:
    for field in attrs.fields(Metadata):
        value = getattr(found, field.name)
        assert isinstance(value, Value)
        assert value.rule
        if isinstance(value.value, float):
            assert math.isfinite(value.value)
    for name in ("exposure_time", "dark_time"):
        assert getattr(found, name).value is None or getattr(found, name).value >= 0
    assert found.start_iso is None or "T" in found.start_iso
    assert found.mid_iso is None or "T" in found.mid_iso


@given(st.lists(st.tuples(KEYWORDS, VALUES, PRINTABLE), max_size=12))
def test_translate_never_raises_on_values(cards: list[tuple[str, object, str]]) -> None:
    check_whole(translate({key: value for key, value, _ in cards}))
    result = fits.Header()
    for key, value, comment in cards:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result.append((key, value, comment), end=True)
            except ValueError:  # a value that FITS has no room for
                continue
    check_whole(translate(result))


@given(st.lists(st.tuples(KEYWORDS, PRINTABLE), max_size=12))
def test_translate_never_raises_on_broken_cards(cards: list[tuple[str, str]]) -> None:
    text = "".join(f"{key:8s}= {rest}"[:80].ljust(80) for key, rest in cards)
    check_whole(translate(fits.Header.fromstring(text + "END".ljust(80))))


@given(st.floats())
def test_iso_time_never_raises(mjd: float) -> None:
    text = iso_time(mjd)
    assert text is None or len(text) == 23


@pytest.mark.real
@pytest.mark.skipif(not DATA.exists(), reason="the real frames in ../shared/data are not there")
def test_headers_of_real_frames() -> None:
    def of(name: str) -> Metadata:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return translate(fits.getheader(DATA / name))

    flat = of("stl1001-lab/flat-expos23s-Neg5-Vis.00000000.FIT")
    assert (flat.frame_type.value, flat.exposure_time.value, flat.gain.value) == ("science", 23.0, 2.06)
    assert flat.already_calibrated.value == ()
    arc = of("st402-spectra/L2-arc-neon.00000000.FIT")
    assert arc.binning.value == (1, 2)
    assert arc.already_calibrated.value == ("HISTORY Auto-Dark Subtraction",)
    saao = of("ccdproc-samples/a8280271.fits")
    assert saao.temperature.value == pytest.approx(-92.95)
    assert saao.start_iso == "2013-07-13T00:57:33.000"
    gmos = of("cosmic-rays/gmos.fits")
    assert gmos.dark_time.value > gmos.exposure_time.value
