"""The frame viewer: what stands on the screen is what stands in the file."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from asking import Asking
from astropy import units as u
from astropy.io import fits

from fullwell.frame import Frame
from fullwell.io import write
from fullwell.night import reduce
from fullwell.simulation import Scenario, simulate

pytestmark = pytest.mark.browser


def brightness(value, low, high, how):
    x = np.clip((value - low) / (high - low), 0, 1)
    curves = {
        "linear": lambda: x,
        "log": lambda: np.log1p(1000 * x) / np.log1p(1000),
        "asinh": lambda: np.arcsinh(x / 0.1) / np.arcsinh(10),
        "sqrt": lambda: np.sqrt(x),
    }
    return int(np.floor(curves[how]() * 255 + 0.5))


@pytest.mark.parametrize("how", ["linear", "log", "asinh", "sqrt"])
def test_pixels_have_the_gray_of_their_value(look, ids, folder, how):
    data = fits.getdata(folder / "field_1.fits")
    look.open("frame", frame=ids["field_1.fits"], how=how, limits="manual", lo=950, hi=1400)
    for x, y in [(0, 0), (50, 20), (95, 63), (100, 40)]:
        gray = brightness(float(data[y, x]), 950, 1400, how)
        assert look.color(x, y) == [gray] * 3


def test_stretch_changes_without_the_server(look, ids):
    look.open("frame", frame=ids["field_1.fits"])
    before = look.color(40, 30)
    asked = []
    look.page.on("request", lambda request: asked.append(request.url))
    look.choose("stretch", "log")
    after = look.color(40, 30)
    assert after != before
    look.click("invert")
    inverted = look.color(40, 30)
    assert [a + b for a, b in zip(after, inverted, strict=True)] == [255] * 3
    look.choose("map", "viridis")
    assert len(set(look.color(40, 30))) > 1
    assert [url for url in asked if "/tile/" in url] == []


def test_limits_come_from_the_frame_or_by_hand(look, ids, folder):
    data = fits.getdata(folder / "bias_001.fits")
    look.open("frame", frame=ids["bias_001.fits"])
    look.choose("limits", "minmax")
    assert look.pane["window"] == [data.min(), data.max()]
    look.get("high").fill("1234.5")
    look.get("high").press("Enter")
    look.settle()
    assert look.state["limits"] == "manual"
    assert look.pane["window"] == [data.min(), 1234.5]


def test_the_value_is_that_of_the_file(look, ids, folder):
    data = fits.getdata(folder / "field_1.fits")
    look.open("frame", frame=ids["field_1.fits"])
    for x, y in [(0, 0), (95, 3), (107, 63)]:
        look.hover(x, y)
        assert look.text("read-value") == f"{data[y, x]} adu"
        assert look.text("read-fits") == f"{x + 1}, {y + 1}"
        assert look.text("read-numpy") == f"[{y}, {x}]"
    look.hover(3, 5)
    assert look.text("read-section") == "data"
    look.hover(105, 5)
    assert look.text("read-section") == "overscan"
    assert look.text("read-amplifier").startswith("1 ")


def test_flags_have_names(look, ids):
    look.open("frame", frame=ids["clean.fits"])
    look.hover(20, 10)
    assert look.text("read-flags") == "HOT SUSPECT"
    look.hover(21, 10)
    assert look.text("read-flags") == "none"
    look.hover(4, 3)
    assert look.text("read-value") == "no value"


def test_wheel_zooms_about_the_cursor(look, ids):
    look.open("frame", frame=ids["large.fits"])
    place = [round(part) for part in look.where(801, 700)]  # the browser rounds as well
    before, (x0, y0) = look.pane["zoom"], look.where(0, 0)
    look.page.mouse.move(*place)
    look.page.mouse.wheel(0, -720)
    look.settle()
    assert look.pane["zoom"] == pytest.approx(8 * before)
    x1, y1 = look.where(0, 0)
    assert place[0] - x1 == pytest.approx(8 * (place[0] - x0), abs=8)
    assert y1 - place[1] == pytest.approx(8 * (y0 - place[1]), abs=8)


def test_one_to_one_fit_and_drag(look, ids):
    look.open("frame", frame=ids["large.fits"])
    look.click("one-to-one")
    assert look.pane["zoom"] == 1
    before = look.where(600, 500)
    x, y = look.where(650, 550)
    look.page.mouse.move(x, y)
    look.page.mouse.down()
    look.page.mouse.move(x + 30, y - 20, steps=3)
    look.page.mouse.up()
    look.settle()
    assert look.where(600, 500) == pytest.approx([before[0] + 30, before[1] - 20], abs=0.1)
    look.click("fit")
    assert look.state["zoom"] is None


def test_max_pooling_keeps_a_single_bright_pixel(look, ids):
    state = {"frame": ids["large.fits"], "limits": "manual", "lo": 900, "hi": 60000, "how": "linear"}
    look.open("frame", **state, pool="max")
    assert look.pane["zoom"] < 1

    def brightest():
        return max(look.color(801 + dx, 700 + dy)[0] for dx in range(-4, 5) for dy in range(-4, 5))

    assert brightest() == 255
    look.choose("pool", "mean")
    assert brightest() < 200


def test_masks_lie_over_the_picture(look, ids):
    look.open("frame", frame=ids["clean.fits"], panel="masks", opacity=1)
    plain = look.color(20, 10)
    assert plain[0] == plain[1] == plain[2]
    assert look.text("mask-count-HOT") == "1"
    look.get("mask-HOT").check()
    look.settle()
    assert look.color(20, 10) == [0xF5, 0x82, 0x31]
    assert look.color(30, 30)[0] == look.color(30, 30)[1]
    look.get("mask-color-HOT").fill("#00ff00")
    look.settle()
    assert look.color(20, 10) == [0, 255, 0]
    look.press("m")
    assert look.color(20, 10) == plain


def test_next_previous_and_blink(look, ids):
    stack = [ids[f"bias_00{i}.fits"] for i in (1, 2, 3)]
    look.open("frame", frame=stack[0], stack=",".join(stack), rate=8)
    assert look.text("place") == "1 / 3"
    look.press("n")
    assert look.state["frame"] == stack[1]
    look.press("p").press("p")
    assert look.state["frame"] == stack[2]
    look.get("blink").click()
    for place in ("1 / 3", "2 / 3", "3 / 3"):
        look.get("place").filter(has_text=place).wait_for()
    look.press("b")
    assert look.state["blink"] is False


def test_the_view_is_kept_from_frame_to_frame(look, ids):
    look.open("frame", frame=ids["bias_001.fits"], zoom=8, cx=30, cy=20)
    look.press("n")
    assert [look.pane[name] for name in ("zoom", "cx", "cy")] == [8, 30, 20]
    look.get("lock-view").uncheck()
    look.settle()
    look.press("n")
    assert look.state["zoom"] is None
    look.press("p")
    assert look.state["zoom"] == 8


def test_locked_stretch_is_that_of_the_first_frame(look, ids):
    look.open("frame", frame=ids["bias_001.fits"])
    window = look.pane["window"]
    look.click("lock-stretch")
    look.press("n")
    assert look.state["frame"] != ids["bias_001.fits"]
    assert look.pane["window"] == window


def test_side_by_side_and_difference(look, ids, folder):
    one, two = (fits.getdata(folder / f"flat_3s_{i}.fits").astype(float) for i in (1, 2))
    stack = {"frame": ids["flat_3s_1.fits"], "other": ids["flat_3s_2.fits"], "mode": "side"}
    look.open("frame", **stack)
    assert [pane["frame"] for pane in look.state["panes"]] == [stack["frame"], stack["other"]]
    look.hover(40, 30, "two")
    assert look.text("read-value") == f"{int(two[30, 40])} adu"
    look.click("mode-difference")
    look.hover(40, 30)
    assert look.text("read-value") == f"{int(one[30, 40] - two[30, 40])} adu"
    look.page.evaluate("location.hash += '&limits=manual&lo=-1000&hi=1000&how=linear'")
    look.settle()
    assert look.color(40, 30) == [brightness(one[30, 40] - two[30, 40], -1000, 1000, "linear")] * 3


def test_raw_beside_calibrated_shows_the_same_sky(window, start_server, tmp_path):
    scenario = {
        "detector": {"shape": [64, 96], "prescan": 9, "overscan": 12, "gain": 1.5, "read_noise": 5.0},
        "bias": {"level": 1000.0},
        "sky": {"": {"level": 1.0}},
        "stars": {"number": 3, "flux": [2000.0, 3000.0]},
        "sequence": [
            {"type": "bias", "count": 3},
            {"type": "light", "count": 1, "exposure_time": 10.0, "name": "field.fits"},
        ],
    }
    simulate(Scenario.from_dict(scenario), tmp_path / "raw")
    reduce(tmp_path / "raw", tmp_path / "out")
    url = start_server(tmp_path)
    Asking(url).frames()
    listed = Asking(url).get("frames")["frames"]
    (raw,) = (f["id"] for f in listed if f["name"] == "field.fits" and f["kind"] == "raw")
    look = window(url).open("frame", frame=raw)
    look.click("mode-side")
    first, second = (Asking(url).get(f"frames/{pane['frame']}") for pane in look.state["panes"])
    assert first["shape"] == second["shape"] == [64, 96]
    y, x = np.unravel_index(fits.getdata(tmp_path / "out" / "calibrated" / "field.fits").argmax(), (64, 96))
    look.hover(int(x), int(y), "one")
    assert (
        float(look.text("read-value").split()[0]) == fits.getdata(tmp_path / "raw" / "field.fits")[y, x + 9]
    )


def test_a_difference_of_other_units_is_refused(window, start_server, night, tmp_path):
    shutil.copy(night / "bias_001.fits", tmp_path)
    data = fits.getdata(night / "bias_001.fits")
    write(Frame(data.astype(np.float32), unit=u.electron), tmp_path / "electrons.fits")
    url = start_server(tmp_path)
    ids = {name: frame["id"] for name, frame in Asking(url).frames().items()}
    look = window(url).open(
        "frame", frame=ids["bias_001.fits"], other=ids["electrons.fits"], mode="difference"
    )
    assert "there is no difference" in look.text("error-one")
    assert "adu and electron" in look.text("error-one")


def test_a_difference_of_unlike_frames_is_refused(look, ids):
    look.open("frame", frame=ids["bias_001.fits"], other=ids["clean.fits"], mode="difference")
    assert "there is no difference" in look.text("error-one")
