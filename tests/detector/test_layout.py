from __future__ import annotations

import pytest

from fullwell.detector import AmplifierArray, Box, lay_out, scans_around
from fullwell.errors import ParameterError


def array(name: str, x: int, y: int, *, columns: int = 6, rows: int = 5) -> AmplifierArray:
    return AmplifierArray(
        name,
        (rows, columns),
        data=Box(1, 4, 0, 4),
        box=Box(x, x + 3, y, y + 4),
        overscan=Box(4, columns, 0, 4),
    )


def test_amplifiers_stand_in_the_grid_of_their_data():
    amplifiers, shape = lay_out([array("d", 3, 4), array("a", 0, 0), array("b", 3, 0), array("c", 0, 4)])

    assert shape == (10, 12)
    assert [(amp.name, amp.raw.x0, amp.raw.y0) for amp in amplifiers] == [
        ("d", 6, 5),
        ("a", 0, 0),
        ("b", 6, 0),
        ("c", 0, 5),
    ]
    assert amplifiers[0].data == Box(7, 10, 5, 9)
    assert amplifiers[0].overscan == Box(10, 12, 5, 9)


def test_amplifiers_without_a_grid_stand_in_a_row():
    amplifiers, shape = lay_out([array("a", 0, 0), array("b", 3, 2), array("c", 7, 0, columns=8, rows=9)])

    assert shape == (9, 20)
    assert [amp.raw.x0 for amp in amplifiers] == [0, 6, 12]


def test_no_amplifier_is_no_detector():
    with pytest.raises(ParameterError, match="at least one"):
        lay_out([])


def test_scans_are_what_lies_around_the_data():
    prescan, overscan, parallel = scans_around(Box(10, 522, 0, 2002), (2048, 576))
    assert prescan == Box(0, 10, 0, 2002)
    assert overscan == Box(522, 576, 0, 2002)
    assert parallel == Box(10, 522, 2002, 2048)


def test_rows_below_the_data_are_parallel_overscan_when_none_are_above():
    assert scans_around(Box(0, 8, 3, 10), (10, 8)) == (None, None, Box(0, 8, 0, 3))
    assert scans_around(Box(0, 8, 0, 10), (10, 8)) == (None, None, None)
