"""What the browser is sent; and, where there is a Chromium, what it draws of it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import fullwell as fw
from fullwell.picture import pool_blocks, stretch
from fullwell.testing import DisplayBackendContract

pytest.importorskip("anywidget")

from fullwell.display.widget import WidgetBackend


class TestWidget(DisplayBackendContract):
    def open(self, number):
        return WidgetBackend(number)


def test_bytes_and_bits_are_what_the_browser_expects():
    frame = fw.Frame(np.arange(12, dtype=np.uint16).reshape(3, 4), source="a.fits")
    frame.flags[1, 2] = fw.Flags.BAD
    frame.flags[0, 0] = fw.Flags.BAD | fw.Flags.EDGE
    with fw.Display(70, backend="widget") as display:
        display.mtv(frame)
        widget = display.backend.widget
        assert widget.pixels == np.arange(12, dtype="<u2").tobytes()
        assert widget.image["planes"] == ["BAD", "EDGE"]
        bits = np.frombuffer(widget.bits, "<u2").reshape(3, 4)
        assert (bits[1, 2], bits[0, 0], np.count_nonzero(bits)) == (1, 3, 2)
        display.mtv(frame.data.astype(np.float64))
        assert widget.pixels == np.arange(12, dtype="<f4").tobytes()
        assert widget.bits == b""


def test_a_large_image_is_sent_by_blocks():
    data = np.random.default_rng(1).integers(0, 5000, (50, 90)).astype(np.uint16)
    with fw.Display(71, backend="widget", side=40, pool="max") as display:
        display.mtv(data)
        np.testing.assert_array_equal(display.seen().data, pool_blocks(data, step=3, pool="max")[0])
        assert display.backend.widget.image["step"] == 3


def test_a_view_turned_by_hand_is_seen():
    with fw.Display(72, backend="widget") as display:
        display.mtv(np.eye(9))
        display.backend.widget.view = {"zoom": 7.5, "center": [3.25, 4.0]}
        view = display.seen().view
        assert (view.zoom, view.center) == (7.5, (3.25, 4.0))


def test_a_notebook_gets_the_widget_and_a_picture():
    with fw.Display(73, backend="widget") as display:
        bundle = display.mtv(np.eye(9))._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in bundle
        assert bundle["image/png"].startswith(b"\x89PNG")


PAGE = """<!doctype html><div id="here" style="width: 400px"></div><script type="module">
const blob = new Blob([%s], { type: "text/javascript" });
const { default: widget, paint } = await import(URL.createObjectURL(blob));
const state = %s;
const bytes = (list) => new DataView(new Uint8Array(list).buffer);
state.pixels = bytes(state.pixels);
state.bits = bytes(state.bits);
const listeners = {};
const model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; for (const f of listeners[`change:${name}`] || []) f(); },
  on: (name, f) => { (listeners[name] = listeners[name] || []).push(f); },
  off: () => {},
  save_changes: () => { document.body.dataset.zoom = state.view.zoom; },
};
widget.render({ model, el: document.getElementById("here") });
window.change = (name, value) => model.set(name, value);
window.painted = () => {
  const image = state.image, out = new Uint8ClampedArray(4 * image.rows * image.columns);
  const Kind = image.type === "uint16" ? Uint16Array : Float32Array;
  const bits = state.bits.byteLength ? new Uint16Array(state.bits.buffer) : null;
  paint(image, new Kind(state.pixels.buffer), bits, state.scale, state.styles, out);
  return Array.from(out);
};
</script>"""


def page_of(browser, display):
    widget = display.backend.widget
    names = ("image", "scale", "view", "marks", "styles")
    state = {name: getattr(widget, name) for name in names}
    state |= {"pixels": list(widget.pixels), "bits": list(widget.bits)}
    page = browser.new_page(viewport={"width": 600, "height": 600})
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.set_content(PAGE % (json.dumps(widget._esm), json.dumps(state)))
    page.wait_for_selector(".fullwell-display[data-drawn]")
    return page


@pytest.mark.browser
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("how", ["linear", "asinh", "log", "sqrt"])
def test_the_browser_stretches_as_python_does(browser, dtype, how):
    frame = fw.Frame((np.arange(20 * 30).reshape(20, 30) * 7).astype(dtype))
    frame.flags[4, 6] = fw.Flags.HOT
    with fw.Display(74, backend="widget") as display:
        display.mask_color("HOT", "#ff0000").mask_transparency(0).scale(how, (300.0, 3000.0)).mtv(frame)
        page = page_of(browser, display)
        drawn = np.array(page.evaluate("painted()")).reshape(20, 30, 4)[::-1]
        expected = stretch(frame.data, how=how, limits=(300.0, 3000.0)).astype(int)
        assert drawn[4, 6].tolist() == [255, 0, 0, 255]
        drawn[4, 6] = expected[4, 6]
        # Floats go through a table of 4096 steps, which logarithms stretch: black is a few levels off.
        far = 1 if dtype == np.uint16 or how in ("linear", "asinh") else 12
        assert np.abs(drawn[..., 0] - expected).max() <= far
        assert page.errors == []
        page.close()


@pytest.mark.browser
def test_wheel_drag_keys_and_read_out(browser):
    from playwright.sync_api import expect

    frame = fw.Frame(np.arange(20 * 30, dtype=np.uint16).reshape(20, 30))
    frame.flags[10, 15] = fw.Flags.HOT
    with fw.Display(75, backend="widget") as display:
        display.mtv(frame, title="a <b> frame").dot(15, 10, label="here").line([(1, 1), (5, 5)]).box(
            fw.Box(2, 6, 3, 8)
        )
        page = page_of(browser, display)
    canvas = page.get_by_test_id("display-canvas")
    box = canvas.bounding_box()
    # Column 15 of 30 is half a pixel right of the middle, row 10 of 20 half a pixel above it.
    scale = box["width"] / 30
    x, y = box["x"] + box["width"] / 2 + scale / 2, box["y"] + box["height"] / 2 - scale / 2
    page.mouse.move(x, y)
    words = page.get_by_test_id("display-values")
    assert words.text_content() == "(15, 10) = 315 ADU HOT"
    assert page.locator(".fullwell-title").text_content() == "a <b> frame"
    page.mouse.wheel(0, -500)
    expect(page.locator("body")).to_have_attribute("data-zoom", re.compile(r"[2-9]\d\."))  # 13.3 fits
    page.mouse.move(x + 1, y)
    assert words.text_content().startswith("(15, 10) = 315")  # the place under the pointer stays
    page.mouse.down()
    page.mouse.move(x + 60, y)
    page.mouse.up()
    assert words.text_content().startswith("(15, 10) = 315")  # and is dragged along
    canvas.focus()
    page.keyboard.press("f")
    expect(page.locator("body")).to_have_attribute("data-zoom", "null")
    page.evaluate("change('marks', [])")
    assert page.errors == []
    page.close()
