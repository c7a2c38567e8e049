from __future__ import annotations

import attrs
import pytest

from fullwell.matching import Conditions, choose, misfits

SCIENCE = Conditions(
    "cam", (100, 200), (1, 1), "fast", 1.0, 10.0, -10.0, filter="V", mid_time=60000.0, window=None
)


def with_(**changes):
    return attrs.evolve(SCIENCE, **changes)


@pytest.mark.parametrize("kind", ["bias", "dark", "flat"])
def test_what_was_taken_alike_fits(kind):
    assert misfits(SCIENCE, SCIENCE, kind=kind) == []


@pytest.mark.parametrize(
    ("changes", "kinds", "words"),
    [
        ({"camera": "other"}, {"bias", "dark", "flat"}, "camera other instead of cam"),
        ({"binning": (2, 2)}, {"bias", "dark", "flat"}, "binning (2, 2) instead of (1, 1)"),
        ({"readout_mode": "slow"}, {"bias", "dark"}, "readout mode slow instead of fast"),
        ({"gain": 2.0}, {"bias", "dark"}, "gain 2.0 instead of 1.0"),
        ({"offset": 20.0}, {"bias", "dark"}, "offset 20.0 instead of 10.0"),
        ({"temperature": -12.5}, {"bias", "dark"}, "taken 2.5 K away, at -12.5 C"),
        ({"filter": "R"}, {"flat"}, "filter R instead of V"),
        ({"filter": None}, {"flat"}, "filter not known instead of V"),
        ({"shape": (50, 200)}, {"bias", "dark", "flat"}, "size 200x50 instead of 200x100"),
    ],
)
def test_each_difference_is_a_reason_where_it_matters(changes, kinds, words):
    for kind in ("bias", "dark", "flat"):
        assert misfits(with_(**changes), SCIENCE, kind=kind) == ([words] if kind in kinds else [])


def test_what_is_not_known_is_no_reason_but_for_the_filter():
    unknown = Conditions(None, (100, 200))

    assert misfits(unknown, SCIENCE, kind="dark") == []
    assert misfits(unknown, SCIENCE, kind="flat") == ["filter not known instead of V"]
    assert misfits(unknown, unknown, kind="flat") == []


@pytest.mark.parametrize(("degrees", "fits"), [(1.0, True), (1.01, False), (-1.0, True)])
def test_temperatures_within_one_kelvin_fit(degrees, fits):
    assert (misfits(with_(temperature=-10 + degrees), SCIENCE, kind="bias") == []) == fits


@pytest.mark.parametrize(
    ("window", "shape", "fits"),
    [
        ((0, 0), (50, 50), True),
        ((150, 50), (50, 50), True),
        ((151, 50), (50, 50), False),
        ((0, 51), (50, 50), False),
        (None, (50, 50), False),
        ((0, 0), (101, 50), False),
    ],
)
def test_a_window_within_the_master_fits(window, shape, fits):
    assert (misfits(SCIENCE, with_(window=window, shape=shape), kind="bias") == []) == fits


def test_windows_of_masters_count_too():
    master = with_(window=(100, 100), shape=(50, 50))

    assert misfits(master, with_(window=(110, 110), shape=(40, 40)), kind="bias") == []
    assert misfits(master, with_(window=(90, 110), shape=(40, 40)), kind="bias")


def test_the_nearest_in_time_wins_and_the_others_have_a_reason():
    candidates = [
        ("far", with_(mid_time=60001.0)),
        ("near", with_(mid_time=59999.875)),
        ("cold", with_(temperature=-20.0, mid_time=60000.0)),
        ("timeless", with_(mid_time=None)),
    ]

    choice = choose(SCIENCE, candidates, kind="dark")

    assert choice.item == "near"
    assert choice.why == "the nearest in time of 3 that fit, 3.0 h away"
    assert dict(choice.refused) == {
        "far": "further away in time",
        "timeless": "further away in time",
        "cold": "taken 10.0 K away, at -20.0 C",
    }


def test_ties_go_to_the_first():
    assert choose(SCIENCE, [("one", SCIENCE), ("two", SCIENCE)], kind="bias").item == "one"
    timeless = with_(mid_time=None)
    assert choose(timeless, [("one", SCIENCE), ("two", SCIENCE)], kind="bias").item == "one"


def test_nothing_that_fits_and_nothing_at_all_are_told_apart():
    assert choose(SCIENCE, [], kind="bias").why == "there is no bias"
    choice = choose(SCIENCE, [("x", with_(camera="y"))], kind="bias")
    assert (choice.item, choice.why) == (None, "no bias fits")
    assert choice.refused == (("x", "camera y instead of cam"),)
