from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.report.numbers import format_value, number_parts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234, "1234"),
        (20000, "20\u202f000"),
        (-5, "−5"),
        (3.5, "3.5"),
        (-10.0, "−10"),
        (0.0, "0"),
        (-0.0, "0"),
        (6.70412, "6.704"),
        (19684.2, "19\u202f684"),
        (0.0212, "0.0212"),
        (7.3e-8, "7.3 × 10⁻⁸"),
        (1.2e9, "1.2 × 10⁹"),
        (-4.8e-6, "−4.8 × 10⁻⁶"),
        (float("nan"), "not a number"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_without_error(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("value", "error", "parts"),
    [
        (1.951, 0.04, ("1.951", "0.040", "")),
        (1100.23456, 0.021, ("1100.235", "0.021", "")),
        (19684.2, 130.0, ("19\u202f684", "130", "")),
        (7.3e-8, 1.2e-8, ("7.3", "1.2", "10⁻⁸")),
        (0.0, 3e-5, ("0.0", "3.0", "10⁻⁵")),
        (10, 0.5, ("10.00", "0.50", "")),
        (6.704, 0.0, ("6.704", "0.000", "")),
        (6.704, math.nan, ("6.704", "unknown", "")),
        (math.nan, 0.1, ("not a number", "", "")),
    ],
)
def test_the_error_says_where_to_round(value, error, parts):
    assert number_parts(value, error=error) == parts


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e5))
def test_rounding_never_moves_a_value_by_a_tenth_of_its_error(value, error):
    text, error_text, power = number_parts(value, error=error)
    scale = {"": 0}.get(power)
    if scale is None:
        return  # a power of ten is written in superscripts; the closed forms above hold it
    back = float(text.replace("−", "-").replace("\u202f", ""))
    assert abs(back - value) <= 0.0501 * error or abs(back - value) <= 0.5
    assert float(error_text.replace("\u202f", "")) == pytest.approx(error, rel=0.06)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (999.96, 1, "1000.0"),
        (0.0, 3, "0.000"),
        (2.9e-4, 4, "0.0003"),
        (-0.01, 1, "0.0"),
        (12345.6, 0, "12\u202f346"),
    ],
)
def test_decimals_make_numbers_stand_below_each_other(value, decimals, text):
    assert number_parts(value, decimals=decimals) == (text, "", "")


def test_an_error_beats_decimals():
    assert number_parts(1.951, error=0.04, decimals=0) == ("1.951", "0.040", "")
