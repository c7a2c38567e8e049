from __future__ import annotations

import attrs
import pytest
from sorting_frames import record

from fullwell.sorting.name_checks import check_names, check_numbering, check_time_order, listed


def texts(remarks: list[object]) -> list[str]:
    return [remark.text for remark in remarks]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 4], "b_003.fit is missing"),
        ([1, 2, 5, 6], "b_003.fit, b_004.fit are missing"),
        ([7, 8, 9], ""),  # starts anywhere
        ([1, 2, 3], ""),
        ([1, 50], ""),  # no series
        ([221530, 221600, 221630], ""),  # times of day
        ([4], ""),
    ],
)
def test_gaps(numbers: list[int], missing: str) -> None:
    found = [text for text in texts(check_numbering(f"b_{n:03d}.fit" for n in numbers)) if "missing" in text]
    assert found == ([f"{missing} in a numbered series"] if missing else [])


def test_exposure_times_are_no_numbers() -> None:
    assert check_numbering(["dark_1s.fit", "dark_2s.fit", "dark_4s.fit"]) == []


def test_a_count_through_several_series_has_no_gaps() -> None:
    assert check_numbering(["V_1.fit", "B_2.fit", "V_3.fit", "B_4.fit", "V_5.fit"]) == []
    assert texts(check_numbering(["V_1.fit", "V_3.fit", "B_1.fit", "B_2.fit", "B_3.fit"]))[0].startswith(
        "V_2.fit is"
    )


def test_short_series() -> None:
    names = [f"{band}_{n}.fit" for band, count in (("B", 5), ("V", 5), ("R", 4)) for n in range(count)]
    assert texts(check_numbering(names)) == ["R_*.fit: 4 frames, the other series have 5"]
    assert texts(check_numbering(f"dark_10s_{n:03d}.FIT" for n in range(1, 30))) == [
        "dark_10s_*.FIT: 29 frames, one fewer than 30"
    ]


def test_exposure_in_name_against_card() -> None:
    wrong = [record(f"dark_10s_{i}.fit", EXPTIME=20.0) for i in (1, 2)]
    right = record("dark_20s_1.fit", EXPTIME=20.0)
    remarks = check_names([*wrong, right, record("dark_10s_3.fit")])
    assert [remark.names for remark in remarks] == [("dark_10s_1.fit", "dark_10s_2.fit")]
    assert "10 s by name, 20 s by the card EXPTIME" in remarks[0].text
    assert remarks[0].severity == "warning"


def test_name_against_card() -> None:
    remarks = check_names([record("bias_1.fit", "dark", IMAGETYP="Dark Frame", EXPTIME=1.0)])
    assert len(remarks) == 1
    assert remarks[0].severity == "warning"
    assert '[frames] bias = "bias*"' in remarks[0].text


@pytest.mark.parametrize(("card", "severity"), [("Light Frame", "info"), ("Dark Frame", "warning")])
def test_card_overruled_by_a_pattern(card: str, severity: str) -> None:
    frame = attrs.evolve(record("x-flat.fit", "flat", IMAGETYP=card), rule="your pattern flat = '*flat*'")
    remarks = check_names([frame])
    assert [remark.severity for remark in remarks] == [severity]
    assert "against the card" in remarks[0].text


def test_guess_is_reported() -> None:
    remarks = check_names([attrs.evolve(record("bias_1.fit", "bias"), is_guess=True)])
    assert "by name alone" in remarks[0].text


def test_time_order() -> None:
    def at(number: int, minute: int) -> object:
        return record(f"b_{number}.fit", "bias", DATE_OBS=f"2017-09-08T22:{minute:02d}:00")

    assert check_time_order([at(1, 1), at(2, 2), at(10, 3)]) == []  # type: ignore[list-item]
    remarks = check_time_order([at(1, 1), at(2, 5), at(3, 3)])  # type: ignore[list-item]
    assert [remark.names for remark in remarks] == [("b_3.fit",)]


def test_listed() -> None:
    assert listed(["b10", "b9"]) == "b9, b10"
    assert listed([f"b{i}" for i in range(9)]) == "b0, b1, b2 and 6 more"
