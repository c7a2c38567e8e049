from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.detector import Amplifier, Box, Detector, parse_section
from fullwell.errors import FrameError, ParameterError

numbers = st.integers(1, 5000)
blanks = st.sampled_from(["", " ", "   "])


@settings(deadline=None)
@given(numbers, numbers, numbers, numbers, blanks)
def test_a_section_is_read_whatever_its_blanks_and_direction(x1, x2, y1, y2, gap):
    box, flip_x, flip_y = parse_section(f"[{gap}{x1}{gap}:{gap}{x2},{gap}{y1}:{y2}{gap}]")

    assert (box.x0 + 1, box.x1) == (min(x1, x2), max(x1, x2))
    assert (box.y0 + 1, box.y1) == (min(y1, y2), max(y1, y2))
    assert (flip_x, flip_y) == (x1 > x2, y1 > y2)
    assert parse_section(box.section) == (box, False, False)


@pytest.mark.parametrize("text", ["", "[1:2]", "[1:2,3:x]", "[0:4,1:4]", "[-3:4,1:4]", "[1:2,3:4,5:6]"])
def test_what_is_no_section_is_refused(text):
    with pytest.raises(ParameterError, match="section"):
        parse_section(text)


def two_amplifiers(*, flip_x: bool, flip_y: bool) -> Detector:
    """Two amplifiers of 3 x 4 pixels with two columns of overscan; the second may be turned."""
    return Detector(
        name="two",
        shape=(3, 8),
        raw_shape=(4, 12),
        amplifiers=(
            Amplifier("L", box=Box(0, 4, 0, 3), data=Box(0, 4, 0, 3), raw=Box(0, 6, 0, 4)),
            Amplifier(
                "R",
                box=Box(4, 8, 0, 3),
                data=Box(6, 10, 0, 3),
                raw=Box(6, 12, 0, 4),
                flip_x=flip_x,
                flip_y=flip_y,
            ),
        ),
    )


@settings(deadline=None)
@given(st.booleans(), st.booleans())
def test_disassembling_undoes_assembling(flip_x, flip_y):
    detector = two_amplifiers(flip_x=flip_x, flip_y=flip_y)
    image = np.arange(24, dtype=np.float32).reshape(3, 8)

    raw = detector.disassemble(image, fill=-1)

    assert np.count_nonzero(raw == -1) == 4 * 12 - 24
    np.testing.assert_array_equal(detector.assemble(raw), image)
    assert detector.assemble(raw).dtype == np.float32


def test_a_flipped_amplifier_is_turned_in_place():
    raw = np.arange(48).reshape(4, 12)
    image = two_amplifiers(flip_x=True, flip_y=True).assemble(raw)

    np.testing.assert_array_equal(image[:, :4], raw[:3, :4])
    np.testing.assert_array_equal(image[:, 4:], raw[2::-1, 9:5:-1])


def test_overlapping_amplifiers_are_refused():
    whole = Amplifier("A", box=Box(0, 4, 0, 4), data=Box(0, 4, 0, 4), raw=Box(0, 4, 0, 4))
    with pytest.raises(ParameterError, match="no overlap with A"):
        Detector(name="x", shape=(4, 4), raw_shape=(4, 4), amplifiers=[whole, whole])


def test_an_amplifier_outside_of_the_detector_is_refused():
    outside = Amplifier("A", box=Box(0, 4, 0, 5), data=Box(0, 4, 0, 5), raw=Box(0, 4, 0, 5))
    with pytest.raises(ParameterError, match="within"):
        Detector(name="x", shape=(4, 4), raw_shape=(5, 4), amplifiers=[outside])


def test_layouts_are_told_apart_by_shape():
    detector = Detector.single((10, 20), overscan=4, prescan=2, parallel=3)
    assert detector.raw_shape == (13, 26)
    assert detector.layout_of((10, 20)) == "assembled"
    assert detector.layout_of((13, 26)) == "raw"
    with pytest.raises(FrameError, match="13, 26"):
        detector.layout_of((10, 26))


def test_values_spread_to_the_pixels_of_their_amplifier():
    detector = two_amplifiers(flip_x=False, flip_y=False)
    image = detector.spread([1.5, 2.5])
    assert image.dtype == np.float32
    assert (image[:, :4] == 1.5).all()
    assert (image[:, 4:] == 2.5).all()
    assert detector.spread(3.0).shape == ()
    with pytest.raises(ParameterError, match="1 or 2"):
        detector.spread([1, 2, 3])


@pytest.mark.parametrize("gain", [0.0, -1.0, float("nan")])
def test_impossible_gains_are_refused(gain):
    with pytest.raises(ParameterError, match="gain"):
        Detector.single((4, 4), gain=gain)


def test_pixel_size_has_a_unit():
    assert Detector.single((4, 4), pixel_size=9 * u.um).pixel_size == 9.0
    assert Detector.single((4, 4), pixel_size=0.01 * u.mm).pixel_size == pytest.approx(10.0)
    assert Detector.single((4, 4), pixel_size=7.4).pixel_size == 7.4
    for bad in (0.0, -9 * u.um, float("nan"), 9 * u.s, "large"):
        with pytest.raises(ParameterError, match="pixel_size"):
            Detector.single((4, 4), pixel_size=bad)


@pytest.mark.parametrize("wrong", [{"overscan": -1}, {"prescan": -1}, {"parallel": -2}, {"shape": (0, 4)}])
def test_negative_sizes_are_refused(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        Detector.single(**({"shape": (4, 4)} | wrong))
