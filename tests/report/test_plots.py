from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from fullwell.errors import ParameterError
from fullwell.report import Series, histogram_plot, line_plot


def line(**options: object) -> bytes:
    series = [
        Series([1, 2, 3], [1.0, 4.0, np.nan], label="a"),
        Series([1, 2], [2, 3], [0.1, 0.2], "b", points=True),
    ]
    return line_plot(series, x_label="x [s]", y_label="y [ADU]", **options)


@pytest.mark.parametrize("options", [{}, {"x_log": True, "y_log": True}])
def test_the_same_values_give_the_same_bytes(options):
    assert line(**options) == line(**options)


def test_colors_come_from_the_page():
    text = line().decode()
    assert "var(--series-1" in text
    assert "var(--series-2" in text
    assert "currentColor" in text
    fixed = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", text))
    assert not fixed


def test_no_date_no_program_and_no_rules_for_the_page():
    text = line().decode()
    assert "<style" not in text
    assert "metadata" not in text
    assert "dc:date" not in text


def test_words_stay_words():
    text = line_plot([Series([1], [1], label="_$x_$ <b>")], x_label="$\\frac", y_label="y").decode()
    assert "$\\frac" in text
    assert "_$x_$ &lt;b&gt;" in text


def test_whole_numbers_make_no_comb():
    values = np.repeat(np.arange(1000, 1050), 100)
    text = histogram_plot(values, x_label="v", bins=20, limits=(1000, 1049), y_log=False).decode()
    path = max(re.findall(r'<path d="([^"]*)"', text), key=len)
    heights = {round(float(y), 3) for y in re.findall(r"[ML] [-\d.]+ ([-\d.]+)", path)}
    # Bins of three whole numbers each, and an incomplete last one: ground, full, rest.
    assert len(heights) <= 3


def test_a_histogram_of_one_value():
    assert b"<svg" in histogram_plot(np.full(10, 5), x_label="v", marks=[(5, "mean")])


def test_impossible_plots_are_refused():
    with pytest.raises(ParameterError, match="series"):
        line_plot([], x_label="x", y_label="y")
    with pytest.raises(ParameterError, match="one length"):
        line_plot([Series([1, 2], [1])], x_label="x", y_label="y")
    with pytest.raises(ParameterError, match="finite"):
        histogram_plot(np.full(3, np.nan), x_label="v")


def test_no_figure_is_left_behind():
    line()
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
