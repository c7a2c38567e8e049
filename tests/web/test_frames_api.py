from __future__ import annotations

import numpy as np
from asking import Asking
from astropy.io import fits

from fullwell import __version__
from fullwell.flags import Flags
from fullwell.io import read


def test_session_names_roots_and_all_flags(ask, folder):
    session = ask.get("session")
    assert session["version"] == __version__
    assert session["roots"] == [{"name": folder.name, "path_shown": str(folder)}]
    assert [flag["name"] for flag in session["flags"]] == [plane.name for plane in Flags]
    assert {flag["name"]: flag["bad"] for flag in session["flags"]}["SUSPECT"] is False


def test_the_list_tells_what_headers_say(ask):
    frame = ask.frames()["field_1.fits"]
    assert (frame["kind"], frame["type"], frame["filter"]) == ("raw", "science", "V")
    assert frame["exposure_time"] == 60.0
    assert frame["shape"] == [64, 108]
    assert frame["dtype"] == "uint16"
    assert frame["problem"] is None


def test_kinds_and_problems(ask):
    frames = ask.frames()
    assert frames["clean.fits"]["folder"] == "other"
    assert "truncated" in frames["broken.fits"]["problem"]
    assert {frame["kind"] for frame in frames.values() if frame["type"] == "bias"} == {"raw"}


def test_a_frame_with_its_amplifiers_and_limits(ask, folder):
    frame = ask.get(f"frames/{ask.frames()['field_1.fits']['id']}")
    assert frame["layout"] == "raw"
    assert frame["tile_dtype"] == "uint16"
    boxes = {box["section"]: box for box in frame["amplifiers"][0]["boxes"]}
    assert (boxes["data"]["x1"], boxes["overscan"]["x0"], boxes["overscan"]["x1"]) == (96, 96, 108)
    data = read(folder / "field_1.fits").data
    assert frame["limits"]["minmax"] == [data.min(), data.max()]
    assert frame["limits"]["zscale"][0] < frame["limits"]["zscale"][1]
    assert frame["levels"] == 1


def test_the_same_frame_assembled(ask, folder):
    raw = ask.get(f"frames/{ask.frames()['field_1.fits']['id']}")
    assembled = ask.get(f"frames/{raw['related']['layout']}")
    assert (assembled["layout"], assembled["shape"]) == ("assembled", [64, 96])
    frame = read(folder / "field_1.fits")
    np.testing.assert_array_equal(ask.tile(assembled["id"]), frame.detector.assemble(frame.data))
    assert ask.get(f"frames/{assembled['id']}")["related"]["layout"] == raw["id"]


def test_header_has_the_cards_of_all_extensions(ask, folder):
    hdus = ask.get(f"frames/{ask.frames()['clean.fits']['id']}/header")["hdus"]
    assert [hdu["name"] for hdu in hdus] == ["PRIMARY", "UNCERT", "MASK", "FLAGS"]
    header = fits.getheader(folder / "other" / "clean.fits")
    assert ["BUNIT", header["BUNIT"], header.comments["BUNIT"]] in hdus[0]["cards"]


def test_ids_are_stable_and_nothing_else_is_known(ask, start_server, folder):
    again = Asking(start_server(folder))
    assert again.frames()["field_1.fits"]["id"] == ask.frames()["field_1.fits"]["id"]
    assert ask.refuses("frames/field_1.fits") == "not-found"
    assert ask.refuses("frames/..%2F..%2Fetc%2Fpasswd/header") == "not-found"
