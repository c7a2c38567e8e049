"""The page of the simulator in a headless Chromium. Nothing sleeps: `window.simulator.idle` tells."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

for needed in ("starlette", "uvicorn", "playwright"):
    pytest.importorskip(needed, reason=f"{needed} is not installed")

import uvicorn  # noqa: E402
from playwright.sync_api import expect  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.routing import Mount  # noqa: E402
from starlette.staticfiles import StaticFiles  # noqa: E402

import fullwell.web  # noqa: E402
from fullwell.simulation.playground import Playground  # noqa: E402
from fullwell.simulation.playground_controls import SLIDERS, SWITCHES, Settings  # noqa: E402
from fullwell.web.simulator import routes  # noqa: E402

STATIC = Path(fullwell.web.__file__).parent / "static"
POLICY = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'"
pytestmark = pytest.mark.browser


class Policy:
    """The inspector's policy, under which the page has to work."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def send_safe(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
            await send(message)

        await self.app(scope, receive, send_safe)


@pytest.fixture(scope="module")
def address():
    files = Mount("/", StaticFiles(directory=STATIC, html=True))
    app = Starlette(routes=[*routes, files], middleware=[Middleware(Policy)])
    with contextlib.closing(socket.socket()) as door:
        door.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", lifespan="off"))
        ready = threading.Event()
        start = server.startup

        async def startup(sockets=None):
            await start(sockets=sockets)
            ready.set()

        server.startup = startup
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        assert ready.wait(60)
        yield f"http://127.0.0.1:{door.getsockname()[1]}/simulator/"
        server.should_exit = True
        thread.join(60)


@pytest.fixture
def opened(browser, address):
    """Open the page in a window; errors of its scripts fail the test."""
    errors, contexts = [], []

    def go(hash="", **window):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | window))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Security Policy" in said.text else None)
        page.goto(address + hash)
        drawn(page)
        return page

    yield go
    for context in contexts:
        context.close()
    assert errors == []


def drawn(page):
    """Wait for the first frame; functions that are polled in the page are against its policy."""
    expect(page.get_by_test_id("number-of-mean")).to_be_visible(timeout=60_000)
    idle(page)


def idle(page):
    page.evaluate("async () => { while (await window.simulator.idle) {} await window.simulator.idle; }")


def state(page):
    return json.loads(page.evaluate("JSON.stringify(window.simulator.state())"))


def pixel(page, x, y):
    return page.evaluate("([x, y]) => window.simulator.state().pixel(x, y)", [x, y])


def slide(page, name, value):
    page.get_by_test_id(f"slider-number-{name}").fill(str(value))
    page.get_by_test_id(f"slider-number-{name}").press("Enter")
    idle(page)


def test_the_frame_on_the_screen_is_that_of_the_model(opened):
    page = opened("#sky=20&seed=3")
    play = Playground().take(Settings.of({"sky": 20, "seed": 3}))
    for x, y in ((0, 0), (499, 0), (17, 430)):
        assert pixel(page, x, y) == play.frame[y, x]
    assert state(page)["reading"] == json.loads(json.dumps(play.reading()))
    # The canvas: row 0 at the bottom, black and white at the limits of the stretch.
    low, high = state(page)["limits"]
    drawn = page.get_by_test_id("image").evaluate(
        "c => Array.from(c.getContext('2d').getImageData(0, 0, 500, 500).data.filter((_, i) => i % 4 === 0))"
    )
    gray = np.clip((play.frame[::-1].astype(float) - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(np.reshape(drawn, (500, 500)), gray, atol=1)


def test_sliders_move_image_histogram_and_expectation(opened):
    page = opened("#stars=0&hot_pixels=0")
    slide(page, "bias", 2000)
    slide(page, "read_noise", 20)
    reading = state(page)["reading"]
    expected = reading["expected"]
    assert expected["mean"] == pytest.approx(2000 + 7.1 * 30)
    assert expected["sigma"] == pytest.approx(np.sqrt(400 + 213 + 1 / 12))
    assert reading["histogram"]["mean"] == pytest.approx(expected["mean"], abs=0.3)
    assert reading["histogram"]["sigma"] == pytest.approx(expected["sigma"], rel=0.01)
    expect(page.get_by_test_id("number-of-expected-mean")).to_have_text("2213.0")
    before = page.get_by_test_id("histogram").evaluate("c => c.toDataURL()")
    page.get_by_test_id("slider-sky").focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    idle(page)
    values = state(page)["values"]
    assert values["sky"] > 7
    reading = state(page)["reading"]
    assert reading["histogram"]["mean"] == pytest.approx(2000 + (values["sky"] + 0.1) * 30, abs=0.5)
    assert page.get_by_test_id("histogram").evaluate("c => c.toDataURL()") != before
    assert page.get_by_test_id("slider-number-sky").input_value() == str(values["sky"])


def test_switches_and_strengths(opened):
    page = opened()
    for name in SWITCHES:
        expect(page.get_by_test_id(f"switch-{name}")).not_to_be_checked()
    assert page.get_by_test_id("strength-vignetting").is_hidden()
    page.get_by_test_id("switch-vignetting").check()
    idle(page)
    assert state(page)["values"]["vignetting"] == SWITCHES["vignetting"].value
    page.get_by_test_id("strength-number-vignetting").fill("0.8")
    page.get_by_test_id("strength-number-vignetting").press("Enter")
    idle(page)
    exact = Playground().take(Settings.of({"vignetting": 0.8}))
    assert pixel(page, 2, 2) == exact.frame[2, 2]
    page.get_by_test_id("switch-vignetting").uncheck()
    idle(page)
    assert "vignetting" not in state(page)["values"]


def test_noise_field_and_reset(opened):
    page = opened()
    first = pixel(page, 250, 250), pixel(page, 251, 250), pixel(page, 252, 250)
    page.get_by_test_id("new-noise").click()
    idle(page)
    assert state(page)["values"]["noise"] == 1
    assert (pixel(page, 250, 250), pixel(page, 251, 250), pixel(page, 252, 250)) != first
    page.get_by_test_id("new-field").click()
    idle(page)
    assert page.get_by_test_id("seed").input_value() == "1"
    page.get_by_test_id("reset").click()
    idle(page)
    assert (pixel(page, 250, 250), pixel(page, 251, 250), pixel(page, 252, 250)) == first
    assert page.evaluate("location.hash") == ""


def test_the_address_is_the_state(opened):
    page = opened()
    slide(page, "gain", 2.5)
    page.get_by_test_id("switch-fringes").check()
    idle(page)
    hash = page.evaluate("location.hash")
    assert set(hash[1:].split("&")) == {"gain=2.5", "fringes=0.1"}
    again = opened(hash)
    assert state(again)["values"] == state(page)["values"]
    again.evaluate("location.hash = '#sky=9&sky_gradient=99&no=1&gain=x'")
    expect(again.get_by_test_id("slider-number-sky")).to_have_value("9")
    idle(again)
    assert state(again)["values"]["sky_gradient"] == 1
    assert state(again)["values"]["gain"] == 1
    assert state(again)["message"] == ""


def test_read_out_and_stretch(opened):
    page = opened()
    box = page.get_by_test_id("image").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 100.5 / 500, box["y"] + box["height"] * (1 - 50.5 / 500))
    expect(page.get_by_test_id("readout")).to_have_text(f"x 100, y 50: {pixel(page, 100, 50)} ADU")
    before = page.get_by_test_id("image").evaluate("c => c.toDataURL()")
    page.get_by_test_id("stretch").select_option("asinh")
    page.get_by_test_id("limits").select_option("expected")
    assert page.get_by_test_id("image").evaluate("c => c.toDataURL()") != before
    expected = state(page)["reading"]["expected"]
    assert state(page)["limits"] == pytest.approx([expected["mean"] + k * expected["sigma"] for k in (-5, 5)])


def test_a_server_that_fails_leaves_a_message(opened):
    page = opened()
    page.route("**/frame?*", lambda route: route.fulfill(status=503, json={"error": "Busy.", "code": "busy"}))
    slide(page, "sky", 50)
    expect(page.get_by_test_id("notice")).to_have_text("Busy.")
    page.unroute("**/frame?*")
    slide(page, "sky", 51)
    expect(page.get_by_test_id("notice")).to_be_hidden()


def test_a_narrow_screen(opened):
    page = opened(viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_test_id("switch-banding").check()
    idle(page)
    # The image stays in sight beside the control that was reached.
    box = page.get_by_test_id("image").bounding_box()
    assert 0 <= box["y"] < 844 / 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colors_follow_the_system_and_the_button(opened, scheme):
    page = opened(color_scheme=scheme)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    page.get_by_test_id("theme").click()
    other = {"light": "dark", "dark": "light"}[scheme]
    assert page.evaluate("document.documentElement.dataset.theme") == other
    page.reload()
    drawn(page)
    assert page.evaluate("document.documentElement.dataset.theme") == other


def test_every_control_has_a_name(opened):
    page = opened("#" + "&".join(f"{name}={each.value}" for name, each in SWITCHES.items()))
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('input, select, button, canvas')]
            .filter((each) => !each.getAttribute('aria-label') && !each.labels?.length)
            .filter((each) => !each.textContent.trim())
            .map((each) => each.outerHTML)"""
    )
    assert nameless == []
    for name in SLIDERS:
        assert page.get_by_role("slider", name=SLIDERS[name].label, exact=True).count() == 1
    assert state(page)["message"] == ""


#: A stand-in for the kernel and the model of a widget: messages are answered one after the other, parameters
#: are sent back to all views, and what comes back is dropped where a newer value was sent meanwhile, as
#: ipywidgets does.
WIDGET = """async () => {
    const module = await import('./simulator.js');
    const description = await (await fetch('../api/simulator')).json();
    const traits = { description, parameters: { sky: 40 } };
    const listeners = {};
    const tell = (name) => (listeners[`change:${name}`] ?? []).forEach((each) => each());
    const play = async ({ number, parameters }) => {
        const query = encodeURIComponent(JSON.stringify(parameters));
        const body = await (await fetch(`../api/simulator/frame?parameters=${query}`)).arrayBuffer();
        const length = new DataView(body).getUint32(0, true);
        const reading = JSON.parse(new TextDecoder().decode(new Uint8Array(body, 4, length)));
        return { number, reading, pixels: new DataView(body, 4 + length) };
    };
    let unsaved = {}, newest = 0, kernel = Promise.resolve();
    const answer = async (message, sent) => {
        if ('parameters' in message && sent === newest) {
            traits.parameters = message.parameters;
            tell('parameters');
        }
        if ('asked' in message) {
            traits.played = await play(message.asked);
            tell('played');
        }
    };
    const model = {
        get: (name) => traits[name],
        set: (name, value) => { traits[name] = unsaved[name] = value; },
        on: (event, listener) => { (listeners[event] ??= []).push(listener); },
        off: (event, listener) => {
            listeners[event] = listeners[event].filter((each) => each !== listener);
        },
        save_changes: () => {
            const message = unsaved;
            unsaved = {};
            if ('parameters' in message) newest += 1;
            const sent = newest;
            kernel = kernel.then(() => answer(message, sent));
        },
    };
    const el = document.createElement('div');
    el.id = 'widget';
    document.body.append(el);
    window.widget = { traits, tell, close: module.default.render({ model, el }), listeners };
}"""


def test_the_same_module_is_a_widget(opened):
    page = opened()
    page.evaluate(WIDGET)
    widget = page.locator("#widget")
    expect(widget.get_by_test_id("number-of-expected-mean")).to_have_text("2303.0")
    widget.get_by_test_id("slider-number-bias").fill("2000")
    widget.get_by_test_id("slider-number-bias").press("Enter")
    expect(widget.get_by_test_id("number-of-expected-mean")).to_have_text("3203.0")
    assert page.evaluate("widget.traits.parameters.bias") == 2000
    page.evaluate("() => { widget.traits.parameters = { bias: 500, sky: 0 }; widget.tell('parameters'); }")
    expect(widget.get_by_test_id("number-of-expected-mean")).to_have_text("503.00")
    page.evaluate("widget.close()")
    assert page.evaluate("Object.values(widget.listeners).flat().length") == 0


def test_what_the_kernel_says_of_an_older_state_does_not_move_sliders_back(opened):
    page = opened()
    page.evaluate(WIDGET)
    widget = page.locator("#widget")
    expect(widget.get_by_test_id("number-of-expected-mean")).to_have_text("2303.0")
    page.evaluate(
        """() => {
            for (const [name, value] of [['bias', 600], ['bias', 2000], ['sky', 0]]) {
                const field = document.querySelector(`#widget [data-testid="slider-number-${name}"]`);
                field.value = value;
                field.dispatchEvent(new Event('change'));
            }
        }"""
    )
    expect(widget.get_by_test_id("number-of-expected-mean")).to_have_text("2003.0")
    expect(widget.get_by_test_id("slider-number-bias")).to_have_value("2000")
