from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sorting_frames import record

from fullwell.sorting.clusters import exposure_classes, frame_temperature, nights, temperature_classes


def test_the_course_is_one_temperature() -> None:
    assert temperature_classes([-4.8178, -5.232, -4.8178]) == [-4.8, -4.8, -4.8]


def test_far_temperatures_are_apart() -> None:
    assert temperature_classes([-5.0, -10.0, -10.2, -4.9]) == [-5.0, -10.1, -10.1, -5.0]


def test_missing_temperature_joins_the_only_class() -> None:
    assert temperature_classes([-5.0, None]) == [-5.0, -5.0]
    assert temperature_classes([-5.0, None, 0.0]) == [-5.0, None, 0.0]
    assert temperature_classes([None]) == [None]


def test_a_drift_falls_into_balanced_parts() -> None:
    drift = [0.1 * i for i in range(16)]  # 1.5 K in steps of 0.1 K
    classes = temperature_classes(drift)
    sizes = [classes.count(center) for center in sorted({c for c in classes if c is not None})]
    assert sizes == [8, 8]


@given(st.lists(st.floats(-100, 40), max_size=30))
def test_classes_span_one_kelvin_at_most_and_keep_the_order(values: list[float]) -> None:
    classes = temperature_classes(values)
    for center in set(classes):
        members = [value for value, c in zip(values, classes, strict=True) if c == center]
        # Two classes whose medians round to one tenth of a degree become one: 0.1 K more.
        assert max(members) - min(members) <= 1.2
    assert temperature_classes(values[::-1]) == classes[::-1]


def test_set_temperature_counts_where_it_was_reached() -> None:
    assert frame_temperature(record(CCD_TEMP=-4.8, SET_TEMP=-5.0)) == -5.0
    assert frame_temperature(record(CCD_TEMP=-4.8, SET_TEMP=-20.0)) == -4.8
    assert frame_temperature(record(SET_TEMP=-5.0)) == -5.0
    assert frame_temperature(record(CCD_TEMP=-4.8)) == -4.8
    assert frame_temperature(record()) is None


def test_exposure_times() -> None:
    assert exposure_classes([10.0, 10.01, 10.011, 0.0, 0.001, None]) == [10.0, 10.0, 10.011, 0.0, 0.0, None]


def test_exposure_times_do_not_chain() -> None:
    values = [100 * 1.0009**i for i in range(4)]
    assert len(set(exposure_classes(values))) == 2


def test_nights() -> None:
    evening = 58004.9  # 2017-09-08 21:36 UTC
    assert nights([evening, evening + 7.9 / 24, None]) == ["2017-09-08"] * 3
    assert nights([evening + 1, evening, None]) == ["2017-09-09", "2017-09-08", None]
    assert nights([evening, evening + 8.1 / 24]) == ["2017-09-08", "2017-09-08b"]
    assert nights([evening, evening + 8 / 24]) == ["2017-09-08"] * 2  # exactly 8 h is not more
    assert nights([None, None]) == [None, None]


@pytest.mark.parametrize("function", [temperature_classes, exposure_classes, nights])
def test_nothing(function: object) -> None:
    assert function([]) == []  # type: ignore[operator]
