from __future__ import annotations

import numpy as np
import pytest

import fullwell as fw
from fullwell.display.shown import Dot, Picture, PlaneStyle, Scale, View
from fullwell.display.virtual import VirtualBackend
from fullwell.errors import DisplayError, FrameError, ParameterError


@pytest.fixture
def display():
    with fw.Display(77, backend="virtual") as display:
        yield display


def calls(display):
    names = [name for name, _ in display.backend.calls]
    display.backend.calls.clear()
    return names


def image():
    return np.random.default_rng(1).normal(100, 5, (20, 30)).astype(np.float32)


def test_the_same_number_is_the_same_display(display):
    again = fw.Display(frame=77)
    again.mtv(image())
    assert again.backend is display.backend
    assert display.seen().data is not None
    with fw.Display(78, backend="virtual") as other:
        assert other.backend is not display.backend
    assert not other.is_open
    assert repr(other) == "<Display 78: closed>"
    with pytest.raises(ParameterError, match="close it first"):
        fw.Display(77, backend="matplotlib")
    with pytest.raises(ParameterError, match="close it first"):
        fw.Display(77, pool="max")


def test_a_new_image_brings_scale_styles_and_view_along(display):
    data = image()
    display.mtv(data)
    assert calls(display) == ["show", "set_styles", "set_scale", "set_view", "flush"]
    low, high = fw.show_image(data).facts["limits"]
    assert display.seen().scale == Scale("linear", low, high)
    display.zoom(4).pan(10, 5)
    assert display.seen().view == View(4.0, (10.0, 5.0))
    assert display.mtv(image() + 1).seen().view == View(4.0, (10.0, 5.0))
    assert display.mtv(image()[:9]).seen().view == View()


def test_masked_pixels_do_not_count_for_the_limits(display):
    frame = fw.Frame(image())
    frame.data[0, 0], frame.flags[0, 0] = 1e6, fw.Flags.HOT
    assert display.scale("linear", "minmax").mtv(frame).seen().scale.high < 1000


def test_buffering_draws_once_whatever_happens(display):
    display.mtv(image())
    calls(display)
    with display.buffering():
        with display.buffering():
            display.dot(1, 2, symbol="+", size=3, color="red", label="a")
        display.erase()
        assert calls(display) == ["draw", "erase"]
    assert calls(display) == ["flush"]
    with pytest.raises(RuntimeError), display.buffering():
        raise RuntimeError
    assert calls(display) == ["flush"]
    with display.buffering():
        display.close()


def test_marks_are_checked_and_plain(display):
    with pytest.raises(DisplayError, match="mtv"):
        display.dot(1, 2)
    display.mtv(image()).dot(1, 2, symbol="+", size=3, color="red", label="a")
    assert display.backend.calls[-2] == ("draw", (Dot(1.0, 2.0, "+", 3.0, "#ff0000", "a"),))
    for wrong in (
        lambda: display.dot(1, 2, symbol="star"),
        lambda: display.dot(1, 2, size=0),
        lambda: display.dot("a", 2),
        lambda: display.line([(1, 2)]),
        lambda: display.line([(1, 2), (3, np.inf)]),
        lambda: display.box((1, 2, 3, 4)),
        lambda: display.box(fw.Box(1, 1, 2, 3)),
        lambda: display.zoom(0),
        lambda: display.zoom(float("nan")),
        lambda: display.mask_transparency(1.5),
        lambda: display.scale("linear", (5.0, 1.0)),
        lambda: display.scale("linear", "zscal"),
    ):
        with pytest.raises(ParameterError):
            wrong()
    with pytest.raises(FrameError, match="mask"):
        display.mtv(image(), mask=np.zeros((2, 2), bool))


def test_colors_and_transparency_of_planes(display):
    frame = fw.Frame(image())
    frame.flags[1, 1] = fw.Flags.HOT | fw.Flags.SUSPECT
    mask = frame.data > 100
    display.mask_transparency(0.2, "HOT").mtv(frame, mask=mask)
    planes = display.seen().planes
    assert list(planes) == ["HOT", "SUSPECT", "MASK"]
    assert planes["HOT"] == PlaneStyle(fw.display.PLANE_COLORS["HOT"], 0.8)
    assert planes["MASK"].opacity == 0.5
    display.mask_transparency(0.9)
    assert [style.opacity for style in display.seen().planes.values()] == pytest.approx([0.1] * 3)
    (picture,) = [value for name, value in display.backend.calls if name == "show"]
    np.testing.assert_array_equal(picture.planes["MASK"], mask)


@pytest.mark.parametrize("number", [-1, 1.5, "a", True, None])
def test_impossible_numbers_are_refused(number):
    with pytest.raises(ParameterError, match="frame"):
        fw.Display(number, backend="virtual")


def test_a_backend_can_be_given_as_an_object():
    mine = VirtualBackend(5)
    with fw.Display(5, backend=mine) as display:
        assert display.backend is mine
        assert fw.Display(5, backend=mine).backend is mine
    with pytest.raises(ParameterError):
        fw.Display(6, backend=mine)
    assert mine.calls == [("close", None)]


def test_a_notebook_shows_it(display):
    assert display._repr_mimebundle_() == {"text/plain": "<Display 77: virtual>"}
    with fw.Display(79, backend="matplotlib") as pictures:
        assert list(pictures._repr_mimebundle_()) == ["text/plain"]
        assert pictures.mtv(image())._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")
    assert pictures._repr_mimebundle_() == {"text/plain": "<Display 79: closed>"}


def test_there_is_no_magic():
    for name in ("__del__", "__getattr__"):
        assert name not in vars(fw.Display)


def test_whole_numbers_that_float32_cannot_hold_are_shown_with_a_warning():
    exact = Picture(fw.Frame(np.array([[2**24, -5]], np.int32)), {})
    assert exact.pixels.tolist() == [[2**24, -5]]
    with pytest.warns(fw.FullwellWarning, match="16777216"):
        assert Picture(fw.Frame(np.array([[2**24 + 1]], np.int32)), {}).pixels.tolist() == [[2**24]]


def test_whole_numbers_travel_exactly_where_64_bits_may():
    assert Picture(fw.Frame(np.array([[2**24]], np.int32)), {}).wide_pixels.dtype == "<f4"
    wide = Picture(fw.Frame(np.array([[-(2**24) - 1, 2**53]], np.int64)), {}).wide_pixels
    assert wide.tolist() == [[-(2**24) - 1, 2**53]]
    with pytest.warns(fw.FullwellWarning, match="53 bits"):
        assert Picture(fw.Frame(np.array([[2**53 + 1]], np.int64)), {}).wide_pixels.tolist() == [[2**53]]
