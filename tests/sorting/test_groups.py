from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sorting_frames import record

from fullwell.sorting import FrameRecord, configuration_labels, group, labels
from fullwell.sorting.groups import temperature_label

NIGHT = {
    "DATE_OBS": "2017-09-08T22:00:00",
    "XBINNING": 1,
    "YBINNING": 1,
    "INSTRUME": "ST-402",
    "CCD_TEMP": -4.8,
}


def frame(name: str, kind: str, **cards: Any) -> FrameRecord:
    return record(name, kind, **{**NIGHT, **cards})


def test_darks_by_exposure_flats_by_filter() -> None:
    found = group(
        [
            frame("d1", "dark", EXPTIME=10.0, FILTER="V"),
            frame("d2", "dark", EXPTIME=10.0005, FILTER="R"),
            frame("d3", "dark", EXPTIME=20.0),
            frame("f1", "flat", EXPTIME=1.0, FILTER="V"),
            frame("f2", "flat", EXPTIME=2.0, FILTER="V"),
            frame("f3", "flat", EXPTIME=2.0, FILTER="R"),
            frame("s1", "science", EXPTIME=2.0, FILTER="R"),
            frame("b1", "bias"),
            frame("b2", "bias", EXPTIME=0.04),
        ]
    )
    seen = [(g.type, g.filter, g.exposure_time, len(g.records)) for g in found]
    assert seen == [
        ("bias", None, None, 2),
        ("dark", None, 10.0, 2),
        ("dark", None, 20.0, 1),
        ("flat", "R", 2.0, 1),
        ("flat", "V", None, 2),
        ("science", "R", 2.0, 1),
    ]
    assert len({g.configuration for g in found}) == 1


def test_what_keeps_frames_apart() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"INSTRUME": "other"},
        {"XBINNING": 2},
        {"READOUTM": "fast"},
        {"GAIN": 1.9},
        {"CCD_TEMP": -10.0},
        {"DATE_OBS": "2017-09-09T22:00:00"},
        {"OFFSET": 30},
        {"XORGSUBF": 4, "YORGSUBF": 0},
    ]
    records = [frame(f"b{i}", "bias", **change) for i, change in enumerate(changes)]
    records.append(record("small", "bias", shape=(3, 3), **NIGHT))
    assert len(group(records)) == len(changes) + 1


def test_gain_written_by_two_programs_is_one_gain() -> None:
    assert len(group([frame("a", "bias", GAIN=1.9), frame("b", "bias", GAIN=1.90000001)])) == 1


def test_course_temperatures_are_one_group() -> None:
    found = group(
        [frame("bias_001", "bias", CCD_TEMP=-4.817803680962), frame("bias_002", "bias", CCD_TEMP=-5.232)]
    )
    assert [g.configuration.label() for g in found] == ["1x1-m5C"]


def test_labels_say_only_what_distinguishes() -> None:
    darks = [frame("d", "dark", EXPTIME=10.0), frame("e", "dark", EXPTIME=0.5)]
    found = group([frame("b", "bias"), *darks, frame("f", "flat", FILTER="Sloan g'", EXPTIME=1.0)])
    assert list(labels(found).values()) == ["1x1-m5C", "0.5s-1x1-m5C", "10s-1x1-m5C", "Sloan_g-1x1-m5C"]


def test_labels_of_what_differs() -> None:
    def names(*records: FrameRecord) -> list[str]:
        return sorted(labels(group(records)).values())

    other_night = {"DATE_OBS": "2017-09-10T22:00:00"}
    assert names(frame("a", "bias"), frame("b", "bias", **other_night)) == [
        "1x1-m5C-2017-09-08",
        "1x1-m5C-2017-09-10",
    ]
    # The night of a dark does not make the name of the bias longer.
    assert names(frame("a", "bias"), frame("b", "dark", EXPTIME=1.0, **other_night)) == [
        "1s-1x1-m5C",
        "1x1-m5C",
    ]
    assert names(frame("a", "bias"), frame("b", "bias", INSTRUME="X CCD")) == ["ST_402-1x1-m5C", "X-1x1-m5C"]
    assert names(record("a", "bias")) == ["8x6px"]
    small = record("b", "bias", shape=(3, 4), **NIGHT)
    assert names(frame("a", "bias"), small) == ["1x1-m5C-4x3px", "1x1-m5C-8x6px"]
    assert names(frame("a", "flat", FILTER="g'"), frame("b", "flat", FILTER="g")) != [
        "g-1x1-m5C",
        "g-1x1-m5C",
    ]


def test_temperature_label() -> None:
    assert temperature_label(-5.0) == "m5C"
    assert temperature_label(12.3) == "12C"
    assert temperature_label(-0.04) == "0C"
    assert temperature_label(-5.4, digits=1) == "m5.4C"
    assert temperature_label(None) == ""


KINDS = st.sampled_from(["bias", "dark", "flat", "science"])
CARDS = st.fixed_dictionaries(
    {},
    optional={
        "EXPTIME": st.sampled_from([0.0, 1.0, 1.0005, 10.0]),
        "FILTER": st.sampled_from(["V", "v", "g'", "g"]),
        "CCD_TEMP": st.floats(-12, -4),
        "SET_TEMP": st.sampled_from([-10.0, -5.0]),
        "INSTRUME": st.sampled_from(["A", "A CCD", "B"]),
        "XBINNING": st.sampled_from([1, 2]),
        "YBINNING": st.just(1),
        "GAIN": st.sampled_from([1.9, 2.1, 120, "HIGH"]),
        "DATE_OBS": st.sampled_from(["2017-09-08T22:00:00", "2017-09-09T07:00:00", "2017-09-10T22:00:00"]),
        "OFFSET": st.sampled_from([10, 20]),
        "READOUTM": st.sampled_from(["fast", "slow"]),
    },
)


@given(st.lists(st.tuples(KINDS, CARDS), max_size=12), st.randoms(use_true_random=False))
def test_groups_and_labels_depend_on_content_alone(
    frames: list[tuple[str, dict[str, Any]]], shuffler: random.Random
) -> None:
    records = [record(f"n{i}", kind, **cards) for i, (kind, cards) in enumerate(frames)]

    def described(order: list[FrameRecord]) -> list[Any]:
        found = group(order)
        names = labels(found)
        assert len({(g.type, names[g].casefold()) for g in found}) == len(found)
        assert all(set(name) <= SAFE for name in names.values())
        assert len(set(configuration_labels(g.configuration for g in found).values())) == len(
            {g.configuration for g in found}
        )
        return [
            (g.type, g.configuration, g.filter, g.exposure_time, names[g], [r.name for r in g.records])
            for g in found
        ]

    expected = described(records)
    assert sorted(name for *_, names in expected for name in names) == sorted(r.name for r in records)
    shuffler.shuffle(records)
    assert described(records) == expected


SAFE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")
