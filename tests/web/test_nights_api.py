from __future__ import annotations

import json

import numpy as np
import pytest
from asking import Asking

from conftest import NIGHT
from fullwell.night import reduce
from fullwell.simulation import Scenario, simulate


@pytest.fixture(scope="module")
def reduced(night, tmp_path_factory, start_server):
    top = tmp_path_factory.mktemp("reduced")
    for path in night.iterdir():
        (top / path.name).write_bytes(path.read_bytes())
    result = reduce(top, top / "out")
    (top / "evil.html").write_text("<script>fetch('/api/session')</script>")
    (top / "other").mkdir()
    (top / "other" / "results.json").write_text('{"masters": [1, 2]}')
    return Asking(start_server(top)), result, top


def test_masters_know_what_they_are_made_of_and_what_used_them(reduced):
    ask, result, _ = reduced
    frames = {frame["id"]: frame for frame in ask.frames().values()}
    masters = {master["name"]: master for master in ask.get("masters")["masters"]}
    told = {master["name"]: master for master in result.data["masters"]}
    assert set(masters) == set(told)
    (bias,) = (master for master in masters.values() if master["type"] == "bias")
    assert [frames[key]["type"] for key in bias["made_from"]] == ["bias"] * 5
    assert {frames[key]["name"] for key in bias["used_by"]} >= {path.name for path in result.calibrated}
    assert frames[bias["id"]]["kind"] == "master"


def test_raw_and_calibrated_lead_to_each_other(reduced):
    ask, _, _ = reduced
    listed = ask.get("frames")["frames"]
    (raw,) = (f["id"] for f in listed if f["name"] == "field_1.fits" and f["kind"] == "raw")
    calibrated = ask.get(f"frames/{raw}")["related"]["calibrated"]
    described = ask.get(f"frames/{calibrated}")
    assert ask.get(f"frames/{described['related']['raw']}")["related"]["layout"] == raw
    assert described["planes"] == ["data", "variance", "flags"]
    assert [f["kind"] for f in listed if f["id"] == calibrated] == ["calibrated"]


@pytest.mark.parametrize(
    "detector",
    [
        NIGHT["detector"],
        {**NIGHT["detector"], "prescan": 7, "parallel": 3},
        {"preset": "lsst-itl", "amplifier": [24, 32]},  # sixteen amplifiers, most of them flipped
    ],
    ids=["overscan", "prescan", "flipped"],
)
def test_raw_and_calibrated_show_the_same_sky(tmp_path, start_server, detector):
    sequence = [{"type": "bias", "count": 3}, {"type": "light", "count": 1, "exposure_time": 60.0}]
    scenario = {"name": "sky", "seed": 4, "detector": detector, "sky": {"": {"level": 20.0}}}
    scenario |= {"stars": {"number": 9, "flux": [900, 2000], "fwhm": 3.0}, "sequence": sequence}
    simulate(Scenario.from_dict(scenario), tmp_path / "raw")
    reduce(tmp_path / "raw", tmp_path / "out")
    ask = Asking(start_server(tmp_path))
    ask.frames()
    (calibrated,) = (f["id"] for f in ask.get("frames")["frames"] if f["kind"] == "calibrated")
    described = ask.get(f"frames/{calibrated}")
    aligned = ask.get(f"frames/{described['related']['raw']}")
    assert (aligned["layout"], aligned["shape"]) == ("assembled", described["shape"])
    assert aligned["related"]["calibrated"] == calibrated
    raw = ask.get(f"frames/{aligned['related']['layout']}")
    assert (raw["layout"], raw["related"]["calibrated"]) == ("raw", calibrated)
    one, two = (np.asarray(ask.tile(each), np.float64) for each in (aligned["id"], calibrated))
    brightest = np.unravel_index(np.nanargmax(two), two.shape)
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.9, brightest


def test_parts_of_products_and_truth_are_of_their_own_kind(reduced):
    ask, _, _ = reduced
    ask.frames()  # waits until all headers were read
    listed = ask.get("frames")["frames"]
    assert {f["kind"] for f in listed if f["name"].startswith("truth.fits")} == {"truth"}
    assert {f["kind"] for f in listed if f["extension"] and f["folder"].startswith("out")} == {"part"}
    assert [f["kind"] for f in listed if f["type"] == "bias"].count("raw") == 5
    assert [f["kind"] for f in listed if f["type"] == "bias"].count("master") == 1


def test_reports_run_in_no_site(reduced):
    ask, _, _ = reduced
    reports = {one["name"]: one["address"] for one in ask.get("reports")["reports"]}
    assert set(reports) == {"evil.html", "out/report.html"}
    for address in reports.values():
        status, headers, content = ask.open(address)
        assert status == 200
        assert content
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("sandbox allow-scripts; default-src 'none'")
        assert "allow-same-origin" not in policy
        assert "connect-src" not in policy  # so that of default-src holds
    assert ask.open("/report/nobody")[0] == 404
    assert json.loads(ask.open("/report/nobody")[2])["code"] == "not-found"


def test_a_folder_without_a_reduction_has_no_masters(ask):
    assert ask.get("masters") == {"masters": []}
    assert ask.get("reports") == {"reports": []}
