"""The page as a whole: permalinks, keyboard, narrow screens, themes, and files that are not there."""

from __future__ import annotations

import re
import shutil

import pytest
from astropy.io import fits

pytestmark = pytest.mark.browser


def test_an_address_shows_the_same_again(look, window, inspector, folder, ids):
    look.open("frame", frame=ids["field_1.fits"])
    look.choose("stretch", "log").choose("limits", "p99").choose("map", "viridis")
    look.page.mouse.move(*look.where(50, 30))
    look.page.mouse.wheel(0, -480)
    look.pin(40, 20)
    look.drag_box(45, 25, 60, 35)
    # The address is written when the state rests.
    look.page.wait_for_url(re.compile("#.*zoom=.*region="))
    before, color = look.state, look.color(50, 30)
    again = window(inspector(folder))
    again.page.goto(look.page.url)
    again.settle()
    after = again.state
    for name in ("view", "frame", "how", "limits", "map", "px", "py", "region", "panel"):
        assert after[name] == before[name], name
    for name in ("cx", "cy", "zoom"):
        assert after[name] == pytest.approx(before[name], rel=1e-6)
    assert again.color(50, 30) == color


def test_back_and_forward(look, ids):
    look.open()
    look.click("view-headers").click("view-frame")
    look.page.go_back()
    assert look.settle().state["view"] == "headers"
    look.page.go_forward()
    assert look.settle().state["view"] == "frame"


def test_keys(look, ids):
    look.open("frame", frame=ids["field_1.fits"])
    assert look.press("1").pane["zoom"] == 1
    assert look.press("4").pane["zoom"] == 4
    assert look.press("z").pane["zoom"] == 2
    assert look.press("Z").pane["zoom"] == 4
    assert look.press("f").state["zoom"] is None
    assert look.press("i").state["invert"] is True
    look.get("above-one").focus()
    look.press("ArrowRight").press("ArrowRight").press("ArrowUp")
    assert [look.state["px"], look.state["py"]] == [55, 33]
    look.press("Escape")
    assert look.state["px"] is None
    look.press("h")
    assert look.get("help-dialog").is_visible()
    look.press("Escape")
    assert not look.get("help-dialog").is_visible()


def test_keys_in_a_box_are_text(look, ids):
    look.open("frame", frame=ids["field_1.fits"], panel="cards")
    look.get("cards-search").focus()
    look.press("n").press("i")
    assert look.state["frame"] == ids["field_1.fits"]
    assert look.state["invert"] is False


def test_a_narrow_screen_has_all_of_it(window, inspector, folder, ids):
    look = window(inspector(folder), width=390, height=844, has_touch=True)
    for view in ("night", "frame", "headers", "transfer", "masters", "reports", "displays"):
        look.open(view, frame=ids["field_1.fits"])
        assert look.page.evaluate("document.documentElement.scrollWidth") <= 390, view
    look.open("frame", frame=ids["field_1.fits"])
    assert look.pane["complete"]
    assert look.pane["width"] > 380
    look.page.touchscreen.tap(*look.where(40, 30))
    look.settle()
    assert [look.state["px"], look.state["py"]] == [40, 30]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out(window, inspector, folder, ids, theme):
    look = window(inspector(folder), color_scheme=theme).open("frame", frame=ids["field_1.fits"])
    for testid in ("view-night", "place", "read-value", "stat-mean", "low-one", "panel-series", "blink"):
        assert contrast(look, testid) >= 4.5, testid
    look.click("theme")
    assert look.page.evaluate("document.documentElement.dataset.theme") != theme
    assert contrast(look, "read-value") >= 4.5


def contrast(look, testid):
    """Contrast of a text to what is behind it, as WCAG counts it."""
    return look.get(testid).first.evaluate(
        """element => {
            const light = (color) => {
                const parts = color.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
                    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
                return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
            };
            let behind = element;
            const back = () => getComputedStyle(behind).backgroundColor;
            while (/^rgba\\(.*, 0\\)$|transparent/.test(back())) behind = behind.parentElement;
            const both = [light(getComputedStyle(element).color), light(back())];
            return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
        }"""
    )


def test_every_control_has_a_name(look, ids):
    for view in ("night", "frame", "headers", "transfer"):
        look.open(view, frame=ids["field_1.fits"], mode="side", other=ids["field_2.fits"])
        nameless = look.page.evaluate(
            """() => [...document.querySelectorAll('button, select, input, a')]
                .filter((e) => e.offsetParent)
                .filter((e) => !(e.ariaLabel || e.innerText?.trim() || e.labels?.length || e.title))
                .map((e) => e.outerHTML)"""
        )
        assert nameless == []


def test_an_unreadable_file_says_so(look, ids):
    look.open("frame", frame=ids["field_1.fits"])
    look.open("frame", frame=ids["broken.fits"])
    assert look.get("statistics").count() == 0  # those of the frame before would mislead
    assert look.text("no-measurement") == "There is nothing to measure."
    assert look.text("error-one")
    look.press("f")
    assert look.get("retry-one").is_visible()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"zoom": "1e99", "cx": "1e300", "cy": "-1e300"}, ["cx", "cy", "zoom"]),
        ({"how": "__proto__", "limits": "constructor", "map": "toString"}, ["how", "limits", "map"]),
        ({"__proto__": "1", "constructor": "2"}, ["__proto__", "constructor"]),
        ({"limits": "manual", "lo": "5", "hi": "5"}, ["limits"]),
        (
            {"rate": "0", "planes": "-1", "opacity": "7", "panel": "none", "px": "1.5"},
            ["rate", "planes", "opacity", "panel", "px"],
        ),
    ],
)
def test_an_address_that_is_wrong_shows_the_usual(look, ids, values, told):
    look.open("frame", frame=ids["field_1.fits"], **values)
    state = look.state
    usual = {"zoom": None, "how": "asinh", "limits": "zscale", "map": "gray", "rate": 2, "planes": 0}
    assert {name: state[name] for name in usual} == usual
    assert look.pane["complete"]
    assert all(name in look.text("odd-address") for name in told)
    look.open("frame", frame=ids["field_1.fits"], zoom=4, cx=30, cy=20)
    assert not look.get("odd-address").is_visible()


def test_an_address_of_no_view_shows_the_night(look):
    look.open("constructor")
    assert look.state["view"] == "night"
    assert "view" in look.text("odd-address")


def test_an_address_of_nothing_says_so(look):
    look.open("frame", frame="nothing-here")
    assert look.text("error-one")


def test_a_file_that_disappears_and_comes_back(window, start_server, night, tmp_path):
    path = tmp_path / "bias_001.fits"
    shutil.copy(night / "bias_001.fits", path)
    look = window(start_server(tmp_path)).open()
    path.rename(tmp_path / "away")
    look.click("open-frame")
    assert look.text("error-one")
    assert look.pane["frame"] is None
    (tmp_path / "away").rename(path)
    look.click("retry-one")
    assert look.get("error-one").all_inner_texts() == []
    assert look.pane["complete"]


def test_a_file_that_is_written_anew_is_shown_anew(window, start_server, night, tmp_path):
    path = tmp_path / "bias_001.fits"
    shutil.copy(night / "bias_001.fits", path)
    look = window(start_server(tmp_path)).open()
    look.click("open-frame")
    with fits.open(night / "bias_001.fits") as hdus:
        hdus[0].data[:] = 4321
        hdus.writeto(tmp_path / "new.tmp")
    (tmp_path / "new.tmp").replace(path)
    look.get("above-one").click(position={"x": 300, "y": 200})
    look.get("read-value").filter(has_text="4321 adu").wait_for()
    look.hover(20, 10)
    assert look.text("read-value") == "4321 adu"


def test_a_file_that_is_cut_short_and_whole_again(window, start_server, night, tmp_path):
    path = tmp_path / "bias_001.fits"
    whole = (night / "bias_001.fits").read_bytes()
    path.write_bytes(whole)
    look = window(start_server(tmp_path)).open()
    look.click("open-frame")
    path.write_bytes(whole[: len(whole) // 2])
    look.hover(20, 10)
    look.get("error-one").wait_for()
    assert look.text("read-flags") == look.text("read-value") == "–"
    path.write_bytes(whole)
    look.get("error-one").wait_for(state="detached")
    look.settle().hover(21, 10)
    assert look.text("read-value") == f"{fits.getdata(path)[10, 21]} adu"
    assert not look.get("read-trouble").is_visible()


def test_why_there_is_no_value_has_a_line_of_its_own(look, ids):
    look.open("frame", frame=ids["field_1.fits"])
    sentence = "field_1.fits: the file ends early."
    look.page.route(
        "**/value?*", lambda route: route.fulfill(status=422, json={"error": sentence, "code": "unreadable"})
    )
    look.hover(20, 10)
    assert look.text("read-trouble") == sentence
    fields = ("value", "electrons", "sigma", "amplifier", "section", "flags", "fits", "numpy")
    assert {look.text(f"read-{name}") for name in fields} == {"–"}
    look.page.unroute("**/value?*")
    look.hover(21, 10)
    assert not look.get("read-trouble").is_visible()
    assert look.text("read-section") == "data"


def test_a_server_that_stopped_says_so(window, night, tmp_path):
    from fullwell.web.app import create_app
    from fullwell.web.server import running

    shutil.copy(night / "bias_001.fits", tmp_path)
    with running(create_app([tmp_path])) as url:
        look = window(url).open()
    look.click("open-frame")
    assert "does not answer" in look.text("error-one")
