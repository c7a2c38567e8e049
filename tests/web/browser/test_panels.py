"""The panels beside the picture: numbers of a region, of a stack, of single pixels, of headers."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

pytestmark = pytest.mark.browser


def test_a_dragged_box_has_the_statistics_of_the_file(look, ids, folder):
    data = fits.getdata(folder / "field_1.fits").astype(float)
    look.open("frame", frame=ids["field_1.fits"], zoom=5, cx=54, cy=32)
    look.drag_box(20, 10, 49, 29)
    assert look.state["region"] == [20, 50, 10, 30]
    cut = data[10:30, 20:50]
    assert look.text("stat-n") == "600"
    assert float(look.text("stat-mean")) == pytest.approx(cut.mean(), rel=1e-5)
    assert float(look.text("stat-median")) == np.median(cut)
    assert float(look.text("stat-maximum")) == cut.max()
    assert look.get("histogram").locator("canvas").is_visible()
    look.click("region-clear")
    assert look.text("stat-n") == str(data.size)


def test_a_pixel_through_the_stack(look, ids, folder):
    stack = [ids[f"bias_00{i}.fits"] for i in range(1, 6)]
    values = [int(fits.getdata(folder / f"bias_00{i}.fits")[20, 30]) for i in range(1, 6)]
    look.open("frame", frame=stack[0], stack=",".join(stack), panel="series")
    look.pin(30, 20)
    rows = look.get("series-rows").locator("tr")
    assert [int(row.split()[1]) for row in rows.all_inner_texts()] == values
    rows.nth(3).get_by_role("button").click()
    look.settle()
    assert look.state["frame"] == stack[3]


def test_a_point_of_the_series_leads_to_its_frame_by_keyboard(look, ids):
    stack = [ids[f"bias_00{i}.fits"] for i in range(1, 6)]
    look.open("frame", frame=stack[0], stack=",".join(stack), panel="series", px=30, py=20)
    look.get("series").locator("canvas").focus()
    look.press("ArrowRight").press("ArrowRight").press("Enter")
    assert look.state["frame"] == stack[2]


def test_the_pixel_table_shows_the_neighbors(look, ids, folder):
    data = fits.getdata(folder / "bias_001.fits")
    look.open("frame", frame=ids["bias_001.fits"], panel="pixels", px=30, py=20)
    cells = [row.split() for row in look.get("pixel-table").locator("tbody tr").all_inner_texts()]
    shown = np.array([[int(cell) for cell in row[1:]] for row in cells])
    assert [int(row[0]) for row in cells] == [22, 21, 20, 19, 18]
    np.testing.assert_array_equal(shown[::-1], data[18:23, 28:33])


def test_a_hot_pixel_is_jumped_to(look, ids):
    look.open("frame", frame=ids["large.fits"], panel="hot")
    look.click("hot-jump")
    assert [look.state["px"], look.state["py"]] == [801, 700]
    assert look.text("read-value").startswith("60000")
    box = look.get("above-one").bounding_box()
    x, y = look.where(801, 700)
    assert abs(x - box["x"] - box["width"] / 2) < 1
    assert abs(y - box["y"] - box["height"] / 2) < 1
    assert look.pane["zoom"] == 16


def test_cards_are_searched(look, ids):
    look.open("frame", frame=ids["bias_001.fits"], panel="cards")
    everything = look.get("card").count()
    look.get("cards-search").fill("exptime")
    look.settle()
    assert 0 < look.get("card").count() < everything
    look.get("cards-search").fill("no such card")
    assert "No card" in look.text("no-cards")


def test_two_headers_differ_in_what_differs(look, ids, folder):
    look.open("headers", a=ids["flat_1s_1.fits"], b=ids["flat_3s_1.fits"])
    rows = {row.split("\t")[0]: row.split("\t")[1:] for row in look.get("difference").all_inner_texts()}
    headers = [fits.getheader(folder / f"flat_{t}s_1.fits") for t in (1, 3)]
    assert rows["EXPTIME"] == [str(header["EXPTIME"]) for header in headers] or [
        float(text) for text in rows["EXPTIME"]
    ] == [1.0, 3.0]
    assert "NAXIS1" not in rows
    look.get("header-search").fill("exptime")
    look.settle()
    assert look.get("difference").count() == 1
