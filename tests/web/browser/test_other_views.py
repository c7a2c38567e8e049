"""Photon transfer, masters, reports, and what scripts send."""

from __future__ import annotations

import json
import urllib.request

import numpy as np
import pytest
from asking import Asking

from fullwell.simulation import Scenario, simulate

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def flats(tmp_path_factory):
    """Pairs of flats of four exposure times, with overscan."""
    folder = tmp_path_factory.mktemp("flats") / "raw"
    sequence = [
        {
            "type": "flat",
            "count": 2,
            "exposure_time": seconds,
            "filter": "V",
            "lamp": 5000.0,
            "name": f"flat_{seconds:g}s_{{number}}.fits",
        }
        for seconds in (0.5, 1.0, 2.0, 4.0)
    ]
    scenario = {
        "name": "transfer",
        "seed": 5,
        "detector": {"name": "tiny", "shape": [96, 96], "overscan": 16, "gain": 1.5, "read_noise": 8.0},
        "bias": {"level": 1000.0},
        "flat": {"V": {"pixel_response": 0.01}},
        "sequence": sequence,
    }
    simulate(Scenario.from_dict(scenario), folder)
    return folder


def test_a_point_of_the_curve_leads_to_its_pair(window, start_server, flats):
    url = start_server(flats)
    ids = {name: frame["id"] for name, frame in Asking(url).frames().items()}
    pair_of = {s: {ids[f"flat_{s}s_{i}.fits"] for i in (1, 2)} for s in ("0.5", "1", "2")}
    look = window(url).open("transfer")
    assert look.get("ptc-row").count() == 4
    # Residuals are shown in units of their error: of four points none is 6 away.
    assert all(abs(float(row.split()[3])) < 6 for row in look.get("ptc-row").all_inner_texts())
    look.click("ptc-open", 2)
    assert look.state["view"] == "frame"
    assert {pane["frame"] for pane in look.state["panes"]} == pair_of["2"]
    look.page.go_back()
    look.settle()
    canvas = look.get("ptc-plot").locator("canvas")
    canvas.focus()
    look.press("ArrowRight").press("Enter")
    assert look.state["point"] == 0
    look.click("ptc-difference")
    assert look.state["mode"] == "difference"
    assert {look.state["frame"], look.state["other"]} == pair_of["0.5"]


def test_what_is_not_determined_is_said(window, start_server, flats):
    points = [
        {
            "mean": mean,
            "variance": mean / 1.5,
            "error": 10.0,
            "residual": 1.0,
            "used": True,
            "pair": None,
            "exposure_time": mean / 1000,
        }
        for mean in (1000.0, 2000.0)
    ]
    told = {
        "amplifiers": ["1"],
        "amplifier": "1",
        "model": "full",
        "gain": [1.5, 0.01],
        "read_noise": [3.0, 40.0],
        "a00": [None, None],
        "full_well": [38000.0, None],
        "full_well_is_lower_limit": True,
        "trouble": "The curve does not bend.",
        "points": points,
        "curve": {"mean": [0, 2000], "variance": [0, 1333]},
    }
    look = window(start_server(flats))
    measuring = []

    def answer(route):
        measuring.append([look.get(name).is_visible() for name in ("ptc-measuring", "ptc-results")])
        route.fulfill(json=told)

    look.page.route("**/api/photon-transfer/*", answer)
    look.open("transfer")
    assert measuring[-1] == [True, False]
    assert not look.get("ptc-measuring").is_visible()
    words = look.text("ptc-results").split("\n")
    assert words[0::2] == ["Gain", "Read noise", "a00", "Full well"]
    assert words[1] == "1.5 ± 0.01 e-/ADU"
    assert words[2:] == [
        "Read noise",
        "not determined",
        "a00",
        "not determined",
        "Full well",
        "> 38000 ADU, not reached",
    ]
    assert look.text("ptc-trouble") == "The curve does not bend."


def test_a_folder_without_pairs_says_so(window, start_server, night, tmp_path):
    (tmp_path / "bias.fits").write_bytes((night / "bias_001.fits").read_bytes())
    look = window(start_server(tmp_path))
    for view, testid in (("transfer", "ptc-none"), ("masters", "masters-none"), ("reports", "reports-none")):
        look.open(view)
        assert look.get(testid).is_visible(), view
    look.open("displays")
    assert look.get("displays-none").is_visible()


def test_reports_open_in_a_tab_of_their_own(window, start_server, tmp_path):
    (tmp_path / "report.html").write_text("<!doctype html><title>A report</title><p>All is well</p>")
    look = window(start_server(tmp_path)).open("reports")
    with look.page.context.expect_page() as opened:
        look.get("report").click()
    assert opened.value.locator("p").inner_text() == "All is well"


def test_the_simulator_has_the_tabs_of_the_inspector(look):
    look.open()
    tabs = look.page.locator("#tabs a")
    titles = tabs.all_inner_texts()
    look.get("view-simulator").click()
    look.page.wait_for_url("**/simulator/")
    assert tabs.all_inner_texts() == titles
    look.click("view-masters")
    assert look.state["view"] == "masters"


def test_a_script_shows_a_frame_with_marks(window, start_server, night):
    url = start_server(night, token="secret")

    def send(method, path, body):
        request = urllib.request.Request(f"{url}/api/displays/{path}", data=body, method=method)
        request.add_header("Authorization", "Bearer secret")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status in (200, 204)

    pixels = np.zeros((40, 50), np.float32)
    pixels[20:, :] = 100
    send("PUT", "1/data/data?rows=40&columns=50&dtype=float32", pixels.tobytes())
    wishes = {
        "title": "from a script",
        "scale": {"stretch": "linear", "limits": [0, 200]},
        "marks": [{"kind": "dot", "x": 10, "y": 10, "symbol": "o", "size": 3, "color": "#ff0000"}],
    }
    send("POST", "1", json.dumps(wishes).encode())
    look = window(url).open("displays")
    assert "1 mark" in look.text("displays")
    assert "1 marks" not in look.text("displays")
    look.click("open-display")
    assert look.text("title-one").startswith("from a script")
    assert look.color(25, 30) == [128] * 3
    assert look.color(25, 5) == [0] * 3
    ring = look.page.evaluate(
        """() => { const canvas = document.querySelector('[data-testid=above-one]');
            const context = canvas.getContext('2d');
            const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
            let red = 0;
            for (let i = 0; i < data.length; i += 4) {
                red += data[i] > 200 && data[i + 1] < 30 && data[i + 3] > 200;
            }
            return red; }"""
    )
    assert ring > 20
