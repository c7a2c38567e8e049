from __future__ import annotations

import numpy as np
import pytest

from fullwell.errors import ParameterError
from fullwell.report import Badge, Fact, Link, Number, Picture, TableBlock, WarningItem, Warnings


def test_a_row_has_a_cell_for_each_column():
    with pytest.raises(ParameterError, match="2 cells"):
        TableBlock(["a", "b"], [(1, 2), (1,)])


def test_a_column_is_numeric_when_nothing_else_is_in_it():
    table = TableBlock(
        ["n", "mixed", "empty", "yes"],
        [
            (1, 1, None, True),
            (np.float32(2.5), "x", None, False),
            (Number(3), 2, None, True),
            (None, 3, None, True),
        ],
    )
    assert [table.numeric(i) for i in range(4)] == [True, False, False, False]


def test_numpy_scalars_become_numbers():
    assert type(Number(np.float32(1.5), error=np.float64(0.1)).value) is float
    assert type(Fact("n", np.int64(3)).value) is int
    assert Fact("n", np.int64(3), "s", key="k").cell == Number(3, unit="s", key="k")


def test_a_fact_that_is_no_number_stays_as_it_is():
    assert Fact("done", True).cell is True
    assert Fact("name", "x").cell == "x"


def test_warnings_are_sorted_by_severity_and_otherwise_keep_their_order():
    items = [
        WarningItem("note", "1"),
        WarningItem("error", "2"),
        WarningItem("warning", "3"),
        WarningItem("error", "4"),
    ]
    warnings = Warnings(items)
    assert [item.text for item in warnings.items] == ["2", "4", "3", "1"]
    assert warnings.count("error") == 2


def test_unknown_words_are_refused():
    with pytest.raises(ParameterError, match="severity"):
        WarningItem("fatal", "x")
    with pytest.raises(ParameterError, match="status"):
        Badge("x", "great")


def test_a_picture_is_a_picture_and_says_what_it_shows(png):
    assert Picture(png, "a frame").media_type == "image/png"
    assert Picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "x").media_type == "image/svg+xml"
    with pytest.raises(ParameterError, match="PNG or SVG"):
        Picture(b"GIF89a", "x")
    with pytest.raises(ParameterError, match="alt"):
        Picture(png, "  ")


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../up.fits", "a/../../up.fits", "https://example.org", "javascript:x", "\\\\x"],
)
def test_links_stay_below_the_folder_of_the_report(path):
    with pytest.raises(ParameterError, match="path"):
        Link(path)


def test_a_colon_in_a_file_name_is_no_scheme():
    assert Link("calibrated/12:30:00.fits").path == "calibrated/12:30:00.fits"
