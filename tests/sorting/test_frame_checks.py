from __future__ import annotations

from typing import Any

import pytest
from sorting_frames import record

from fullwell.sorting import FrameRecord
from fullwell.sorting.frame_checks import check_frames, without_exposure_time

DATE = {"DATE_OBS": "2017-09-08T22:00:00"}


def several(kind: str, count: int = 5, *, prefix: str = "a", **options: Any) -> list[FrameRecord]:
    return [record(f"{prefix}{kind}{i}", kind, **{**DATE, **options}) for i in range(count)]


def texts(records: list[FrameRecord]) -> list[str]:
    return [remark.text for remark in check_frames(records)]


def test_a_good_night_is_quiet() -> None:
    assert (
        texts([*several("bias"), *several("dark", EXPTIME=10.0), *several("flat", FILTER="V", EXPTIME=1.0)])
        == []
    )


@pytest.mark.parametrize("cards", [{}, {"EXPTIME": -1.0}, {"EXPTIME": "long"}])
@pytest.mark.parametrize("kind", ["dark", "flat", "science"])
def test_no_exposure_time_is_set_aside(kind: str, cards: dict[str, Any]) -> None:
    found = without_exposure_time(record("x", kind, **cards))
    assert found is not None
    assert "without a usable exposure time" in found.reason
    assert without_exposure_time(record("x", "bias", **cards)) is None
    assert without_exposure_time(record("x", kind, EXPTIME=0.0)) is None


def test_odd_exposure_times() -> None:
    assert "exposed longer than" in texts(several("bias", EXPTIME=5.0))[0]
    assert "0 s" in texts(several("dark", EXPTIME=0.0))[0]
    assert "negative" in texts([*several("bias", 4), *several("bias", 1, prefix="b", EXPTIME=-1.0)])[0]


def test_mixed_shapes_and_binnings() -> None:
    odd = several("bias", 1, prefix="odd", shape=(3, 4))
    assert texts([*several("bias"), *odd])[0] == "size 4 x 3 where 5 other bias frames have 8 x 6: oddbias0"
    binned = [
        *several("bias", XBINNING=1, YBINNING=1),
        *several("bias", prefix="b", XBINNING=2, YBINNING=2, count=1),
    ]
    assert texts(binned)[0] == "binning 2 x 2 where 5 other bias frames have 1 x 1: bbias0"


def test_cooler_and_clock() -> None:
    assert "cooler" in texts(several("bias", CCD_TEMP=-3.0, SET_TEMP=-5.0))[0]
    assert texts(several("bias", CCD_TEMP=-4.8, SET_TEMP=-5.0)) == []
    no_date = [record(f"b{i}", "bias") for i in range(5)]
    assert "one night" in texts(no_date)[0]
    assert "no time in the header: b0" in texts([no_date[0], *several("bias")])[0]


@pytest.mark.parametrize(("count", "part"), [(1, "a master needs 3"), (4, "5 make a better master")])
def test_few_frames(count: int, part: str) -> None:
    assert part in texts(several("flat", count, FILTER="V", EXPTIME=1.0))[0]


def test_darks_of_all_lengths_count_together() -> None:
    assert texts([record(f"d{i}", "dark", EXPTIME=float(i + 1), **DATE) for i in range(5)]) == []
