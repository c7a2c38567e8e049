"""The night table: filters, order, groups, problems, and the way to a frame."""

from __future__ import annotations

import pytest
from asking import Asking

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


def test_kinds_are_kept_apart(look, window, start_server, inspector, folder):
    kinds = {name: frame["kind"] for name, frame in Asking(inspector(folder)).frames().items()}
    look.open()
    look.choose("filter-kind", "raw")
    assert set(names(look)) == {name for name, kind in kinds.items() if kind == "raw"}
    look.choose("filter-kind", "other")
    assert set(names(look)) == {name for name, kind in kinds.items() if kind == "other"}
    titles = look.get("group").all_inner_texts()
    assert any("· other" in title for title in titles)
    assert not any("· raw" in title for title in titles)


def test_frames_of_one_name_are_told_apart(window, start_server, night, tmp_path):
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "bias.fits").write_bytes((night / "bias_001.fits").read_bytes())
    look = window(start_server(tmp_path)).open()
    assert names(look) == ["bias.fits"] * 2
    places = [text.strip(" ()").rpartition("/")[2] for text in look.get("suffix").all_inner_texts()]
    assert sorted(places) == ["one", "two"]
    look.get("choose-all").check()
    look.click("open-difference")
    first, second = look.text("title-one").split(" − ")
    assert places[0] in first
    assert places[1] in second
    assert all("/" in text for text in look.get("other").locator("option").all_inner_texts()[1:])


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
