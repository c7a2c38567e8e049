"""What a night says that somebody should look at."""

import pytest

from fullwell.night.night_warnings import gain_warnings


def row(measured, told, **more):
    return {
        "name": "gain-V",
        "status": "made",
        "reason": "",
        "gain": measured,
        "used": {"source": "header", "values": told},
        **more,
    }


MANY = "the flats say a gain of 1.800 to 1.900 e-/ADU on 2 of 3 amplifiers, the header 1.500"
EACH = "the flats say a gain of 1.500 to 1.800 e-/ADU on 2 of 2 amplifiers, the header 1.000 to 1.200"


@pytest.mark.parametrize(
    ("measured", "told", "sentence"),
    [
        ([1.2], [1.5], "the flats say a gain of 1.200 e-/ADU, the header 1.500"),
        ([1.8, 1.5, 1.9], [1.5], MANY),
        ([1.8, 1.5], [1.2, 1.0], EACH),
    ],
)
def test_gains_that_disagree_are_said_in_one_sentence(measured, told, sentence):
    text = f"{sentence}; the latter was used"
    assert gain_warnings(row(measured, told)) == [{"severity": "warning", "subject": "gain-V", "text": text}]


def test_gains_that_agree_or_are_the_ones_used_are_not_spoken_of():
    assert gain_warnings(row([1.5, 1.51], [1.5])) == []
    assert gain_warnings(row([1.2], [])) == []
    assert gain_warnings(row([1.2], [1.5], used=None)) == []


def test_a_gain_that_failed_is_a_warning_and_one_left_out_a_note():
    assert [r["severity"] for r in gain_warnings(row([], [], status="failed", reason="one flat"))] == [
        "warning"
    ]
    assert [r["severity"] for r in gain_warnings(row([], [], trouble="one flat"))] == ["note"]
