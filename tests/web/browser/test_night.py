"""The night table: filters, order, groups, problems, and the way to a frame."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


def names(look):
    return look.get("open-frame").all_inner_texts()


def test_all_frames_and_problems_are_shown(look, ids):
    look.open()
    assert set(ids) == set(names(look))
    assert "1 with a problem" in look.text("tally")
    look.get("filter-problems").check()
    look.settle()
    assert names(look) == ["broken.fits"]
    assert look.text("problem")


def test_filters_narrow_and_come_back(look):
    look.open()
    everything = len(names(look))
    look.choose("filter-type", "bias")
    assert names(look) == [f"bias_00{i}.fits" for i in range(1, 6)]
    look.get("search").fill("nothing like this")
    look.settle()
    assert names(look) == []
    assert "No frame passes" in look.text("empty")
    look.click("clear")
    assert len(names(look)) == everything


def test_columns_sort_both_ways(look):
    look.open(type="flat")
    look.click("sort-exposure")
    up = names(look)
    assert [name[:7] for name in up] == ["flat_1s"] * 2 + ["flat_3s"] * 2 + ["flat_6s"] * 2
    look.click("sort-exposure")
    assert [name[:7] for name in names(look)] == ["flat_6s"] * 2 + ["flat_3s"] * 2 + ["flat_1s"] * 2


def test_a_group_drills_down_and_a_name_opens(look, ids):
    look.open()
    look.get("group").filter(has_text="flat · V · 3 s").click()
    look.settle()
    assert names(look) == ["flat_3s_1.fits", "flat_3s_2.fits"]
    look.click("open-frame", 1)
    assert look.state["view"] == "frame"
    assert look.state["frame"] == ids["flat_3s_2.fits"]
    look.page.go_back()
    look.settle()
    assert names(look) == ["flat_3s_1.fits", "flat_3s_2.fits"]


def test_names_are_text_and_not_markup(window, start_server, night, tmp_path):
    odd = "<img src=x onerror=alert(1)>.fits"
    (tmp_path / odd).write_bytes((night / "bias_001.fits").read_bytes())
    look = window(start_server(tmp_path)).open()
    assert names(look) == [odd]
    look.click("open-frame")
    assert odd in look.text("title-one")
    assert look.page.locator("main img").count() == 0
