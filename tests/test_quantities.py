"""Numbers with units and limits: what is taken, what is refused, and what the message says."""

from __future__ import annotations

from fractions import Fraction

import attrs
import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from fullwell.errors import ParameterError
from fullwell.quantities import (
    Limits,
    checked_shape,
    choice,
    choices,
    number,
    numbers,
    pair,
    pairs,
    quantities,
    quantity,
    seed,
    seeds,
    several,
    switch,
    switches,
)

ODD = [True, np.True_, "5", b"5", 1j, None, np.nan, np.inf, [], {}, object(), np.ones(2), 10**400]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (2 * u.min, u.s, 120.0),
        (3 * u.electron, u.electron, 3.0),
        (60 * u.electron / u.min, u.electron / u.s, 1.0),
        (7 * u.adu, u.adu, 7.0),
        (5 * u.percent, None, 0.05),
        (np.float32(1.5), u.s, 1.5),
        (np.int16(3), None, 3.0),
        (np.array(2.5), None, 2.5),
        (Fraction(1, 4), None, 0.25),
    ],
)
def test_numbers_come_with_a_unit_or_in_the_one_that_is_stated(value, unit, expected):
    found = number(value, "rate", unit)
    assert type(found) is float
    assert found == pytest.approx(expected)
    with pytest.raises(ParameterError, match=r"^rate = .*something in"):
        number(3 * u.m, "rate", unit)


@pytest.mark.parametrize("value", ODD)
def test_what_is_no_number_is_refused_by_name(value):
    for limits in (Limits(), Limits(u.s, least=0, most=5), Limits(whole=True)):
        with pytest.raises(ParameterError, match=r"^rate = "):
            number(value, "rate", limits)
    if not isinstance(value, np.ndarray):
        with pytest.raises(ParameterError, match=r"^rate = "):
            pair(value, "rate")
    with pytest.raises(ParameterError, match=r"^seed = "):
        seed(value)
    with pytest.raises(ParameterError, match=r"^shape = "):
        checked_shape(value)
    with pytest.raises(ParameterError, match=r"^word = "):
        choice(value, "word", "a", "b")
    if not isinstance(value, bool | np.bool_):
        with pytest.raises(ParameterError, match=r"^on = "):
            switch(value, "on")


@given(st.floats(allow_nan=False), st.floats(-100, 100), st.floats(0, 100))
def test_limits_hold_what_they_say(value, least, width):
    most = least + width
    inside = least <= value <= most
    if inside:
        assert number(value, "x", least=least, most=most) == value
    else:
        with pytest.raises(ParameterError, match=f"{least:g} to {most:g}"):
            number(value, "x", least=least, most=most)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({}, "a finite number"),
        ({"infinite": True, "least": 0}, "a number, 0 or more"),
        ({"whole": True, "above": 2}, "a whole number, above 2"),
        ({"most": 3}, "a finite number, at most 3"),
        ({"least": 1, "below": 4}, "a finite number, 1 or more, below 4"),
    ],
)
def test_limits_say_what_they_are(bounds, words):
    assert str(Limits(**bounds)) == words
    assert str(Limits(u.electron / u.s, least=0)) == "a finite number in e-/s, 0 or more"


def test_limits_that_are_not_reached():
    assert number(np.inf, "x", least=0, infinite=True) == np.inf
    assert number(3.0, "x", whole=True) == 3
    assert type(number(3.0, "x", whole=True)) is int
    assert number(None, "x", optional=True) is None
    for bounds in ({"above": 1}, {"below": 1}):
        with pytest.raises(ParameterError):
            number(1.0, "x", **bounds)


def test_several_numbers():
    assert numbers([1 * u.s, 2000 * u.ms], "times", u.s).tolist() == [1.0, 2.0]
    assert numbers(5, "times").tolist() == [5.0]
    assert several([1, 2] * u.min, "times", u.s) == (60.0, 120.0)
    assert several(None, "times", optional=True) is None
    for value in ([], [[1.0]], [True], ["5"], [1, None], [[1], [2, 3]], [1.0, np.nan]):
        with pytest.raises(ParameterError, match=r"^times = "):
            numbers(value, "times")
    with pytest.raises(ParameterError, match="2 numbers"):
        several([1, 2, 3], "center", size=2)
    assert pair((1, 2 * u.s), "times", u.s) == (1.0, 2.0)
    for value in ((2, 1), (1,), (1, 2, 3)):
        with pytest.raises(ParameterError, match="smaller one first"):
            pair(value, "times")


def test_seeds_are_whole():
    assert seed(np.uint64(2**64 - 1)) == 2**64 - 1
    assert seed(None, optional=True) is None
    for value in (1.5, 1.0, -1, 2**64, "1"):
        with pytest.raises(ParameterError, match="seed"):
            seed(value)


def test_shapes_are_rows_and_columns():
    assert checked_shape([3, np.int64(4)]) == (3, 4)
    for value in ((3, 0), (3.5, 4), (3,), (10**9, 10**9), 5):
        with pytest.raises(ParameterError, match="shape"):
            checked_shape(value)


def test_fields_know_their_names():
    @attrs.frozen
    class Lens:
        focus: float = attrs.field(default=1.0, **quantity(u.m, above=0))
        center: tuple[float, float] = attrs.field(default=(0, 0), **quantities(u.pix, size=2))
        band: tuple[float, float] = attrs.field(default=(400, 700), **pairs(u.nm))
        seed: int = attrs.field(default=0, **seeds())
        coated: bool = attrs.field(default=False, **switches())
        make: str = attrs.field(default="good", **choices("good", "bad"))

    assert Lens(focus=5 * u.cm).focus == pytest.approx(0.05)
    for name in ("focus", "center", "band", "seed", "coated", "make"):
        with pytest.raises(ParameterError, match=f"^{name} = "):
            Lens(**{name: "odd"})
