from __future__ import annotations

import numpy as np
import pytest

from fullwell.io import read


def test_a_pixel_through_a_stack(ask, folder):
    frames = ask.frames()
    names = sorted(name for name, frame in frames.items() if frame["type"] == "bias")
    seen = ask.get("series", ids=",".join(frames[name]["id"] for name in names), x=20, y=30)
    values = [int(read(folder / name).data[30, 20]) for name in names]
    assert [point["value"] for point in seen["points"]] == values
    assert [point["name"] for point in seen["points"]] == names
    assert (seen["median"], seen["unit"]) == (np.median(values), "adu")


def test_a_box_through_a_stack_marks_what_stands_out(ask, folder):
    frames = ask.frames()
    names = [*sorted(name for name, frame in frames.items() if frame["type"] == "bias"), "flat_6s_1.fits"]
    ids = ",".join(frames[name]["id"] for name in names)
    seen = ask.get("series", ids=ids, x0=0, x1=50, y0=0, y1=40)
    means = [read(folder / name).data[:40, :50].mean() for name in names]
    np.testing.assert_allclose([point["value"] for point in seen["points"]], means)
    assert [point["outlier"] for point in seen["points"]] == [False] * 5 + [True]


def test_one_bad_frame_does_not_spoil_a_series(ask):
    frames = ask.frames()
    names = ["field_1.fits", "broken.fits", "clean.fits"]
    seen = ask.get("series", ids=",".join([*(frames[name]["id"] for name in names), "nobody"]), x=60, y=45)
    assert seen["points"][0]["value"] > 0
    assert seen["points"][0]["problem"] is None
    assert [point["value"] for point in seen["points"][1:]] == [None] * 3
    assert "truncated" in seen["points"][1]["problem"]


@pytest.mark.parametrize("query", [{"ids": ""}, {}, {"ids": "a," * 3000}])
def test_series_of_no_or_too_many_frames_are_refused(ask, query):
    assert ask.refuses("series", x=1, y=1, **query) == "bad-request"


def test_series_of_a_pixel_outside_is_refused(ask):
    frame_id = ask.frames()["field_1.fits"]["id"]
    assert ask.refuses("series", ids=frame_id, x=5000, y=1) == "bad-request"
    assert ask.refuses("series", ids=frame_id, x=5) == "bad-request"


def test_flags_are_counted(ask):
    planes = ask.get(f"frames/{ask.frames()['clean.fits']['id']}/flags")["planes"]
    counts = {plane["name"]: plane["count"] for plane in planes}
    assert {name: count for name, count in counts.items() if count} == {"HOT": 1, "SUSPECT": 1, "NO_DATA": 1}


def test_hot_pixels_come_brightest_first(ask, folder):
    frame_id = ask.frames()["large.fits"]["id"]
    seen = ask.get(f"frames/{frame_id}/hot-pixels", sigma=8)
    assert [(pixel["x"], pixel["y"], pixel["value"]) for pixel in seen["pixels"]] == [(801, 700, 60000)]
    data = read(folder / "other" / "large.fits").data
    assert seen["level"] == np.median(data)
    many = ask.get(f"frames/{frame_id}/hot-pixels", sigma=1, limit=20)
    assert len(many["pixels"]) == 20
    assert many["total"] == (data > many["threshold"]).sum()
    values = [pixel["value"] for pixel in many["pixels"]]
    assert values == sorted(data.ravel())[:-21:-1]
    assert ask.refuses(f"frames/{frame_id}/hot-pixels", sigma="nan") == "bad-request"
    assert ask.refuses(f"frames/{frame_id}/hot-pixels", limit=-3) == "bad-request"


def test_two_headers(ask):
    frames = ask.frames()
    one, two = frames["field_1.fits"]["id"], frames["clean.fits"]["id"]
    seen = ask.get("headers", a=one, b=two)
    assert ["BITPIX", 16, -32] in seen["differ"]
    assert "DATASEC" in [keyword for keyword, _ in seen["only_a"]]
    assert "UTYPE" not in [keyword for keyword, _ in seen["only_b"]]  # that of another extension
    same = ask.get("headers", a=one, b=one)
    assert (same["only_a"], same["only_b"], same["differ"]) == ([], [], [])
    assert ask.refuses("headers", a=one) == "bad-request"
    assert ask.refuses("headers", a=one, b="nobody") == "not-found"
