"""Frames that cannot serve, judged from their looks alone."""

from __future__ import annotations

import attrs
import pytest
from sorting_frames import record

from fullwell.night.converters import Converters, container_bits
from fullwell.night.judging import judge
from fullwell.night.looking import Look

QUIET = Look(
    level=1000.0, lowest=980.0, highest=1100.0, at_highest=0.01, noise=8.0, gradient_x=0.0, gradient_y=0.0,
    saturated=0.0, shift=0, overscan=None, not_finite=0,
)  # fmt: skip


def seen(**changes):
    return attrs.evolve(QUIET, **changes)


def frames(kind, looks, **cards):
    stem = "".join(str(value) for value in (kind, *cards.values()))
    return {f"{stem}{i}": (record(f"{stem}{i}", kind, **cards), one) for i, one in enumerate(looks)}


def judged(*groups, adc_bits=None, **options):
    pairs = [pair for group in groups for pair in group.values()]
    records = [one for one, _ in pairs]
    looks = {one.content_hash: look for one, look in pairs}
    converters = Converters(records, looks, adc_bits=adc_bits)
    return {one.name: one.reason for one in judge(records, looks, converters, saturated=0.01, **options)}


BIASES = frames("bias", [QUIET] * 4)
BRIGHT = seen(level=20000.0, lowest=15000.0, noise=90.0)


def test_good_frames():
    assert judged(BIASES, frames("flat", [BRIGHT] * 3), frames("science", [seen(level=1050.0)])) == {}


def test_light_leak_and_odd_noise():
    reasons = judged(frames("bias", [QUIET] * 4 + [seen(level=1060.0), seen(noise=12.0)]))
    assert "light leak" in reasons["bias4"]
    assert "odd bias: noise 12.0 ADU, the others have 8.0" in reasons["bias5"]
    assert len(reasons) == 2


def test_a_level_that_the_overscan_follows_is_not_odd():
    looks = [seen(level=1000.0 + drift, overscan=990.0 + drift) for drift in (0, 3, 80, 5)]
    assert judged(frames("bias", looks)) == {}


def test_darks_of_another_length_are_not_compared():
    assert judged(
        frames("dark", [QUIET] * 4, EXPTIME=60.0), frames("dark", [seen(level=1500.0)] * 2, EXPTIME=600.0)
    ) == {}  # fmt: skip


def test_another_night_is_not_compared():
    first = frames("bias", [QUIET] * 6, DATE_OBS="2024-03-09T20:00:00")
    later = frames("bias", [seen(level=1100.0)] * 3, DATE_OBS="2024-03-11T20:00:00")
    assert judged(first, later) == {}


def test_calibrated_before():
    reasons = judged(
        BIASES, frames("science", [seen(level=150.0, lowest=60.0), seen(level=950.0, lowest=905.0)])
    )
    assert list(reasons) == ["science0"]
    assert "60 ADU" in reasons["science0"]
    assert "down to 900 ADU" in reasons["science0"]


def test_a_bias_without_its_pedestal_does_not_hide_others():
    """Were the odd one counted, nothing would lie below the darkest frame."""
    empty = seen(level=0.0, lowest=-20.0)
    reasons = judged(
        frames("bias", [QUIET] * 4 + [empty]), frames("science", [seen(level=100.0, lowest=60.0)])
    )
    assert "odd bias" in reasons["bias4"]
    assert "calibrated before" in reasons["science0"]


def test_lamp_off():
    reasons = judged(BIASES, frames("flat", [BRIGHT] * 3 + [seen(level=1010.0)]))
    assert reasons == {"flat3": "lamp off? 10 ADU of light, the others have 19000 ADU"}


def test_saturated():
    reasons = judged(BIASES, frames("flat", [BRIGHT] * 3 + [attrs.evolve(BRIGHT, saturated=0.02)]))
    assert "2.0 %" in reasons["flat3"]
    reasons = judged(frames("bias", [QUIET] * 4 + [attrs.evolve(BRIGHT, saturated=0.9)]))
    assert "90 % of the pixels are saturated, not a bias" in reasons["bias4"]


@pytest.mark.parametrize(
    ("shift", "highest", "burnt"), [(4, 65520.0, True), (4, 60000.0, False), (0, 65520.0, False)]
)
def test_a_frame_that_tells_no_shift_is_asked_of_its_kin(shift, highest, burnt):
    one = attrs.evolve(BRIGHT, shift=None, highest=highest, at_highest=1.0)
    reasons = judged(frames("bias", [seen(shift=shift)] * 4), frames("flat", [one]))
    assert bool(reasons) is burnt


def test_frames_without_values():
    nothing = seen(level=float("nan"), not_finite=48)
    half = seen(not_finite=40)
    reasons = judged(BIASES, frames("science", [nothing, half, seen(not_finite=3)]))
    assert reasons == {
        "science0": "no pixel has a finite value",
        "science1": "83 % of the pixels have no finite value",
    }


def test_converters():
    pairs = [
        *frames("bias", [seen(shift=None)]).values(),
        *frames("dark", [seen(shift=2), seen(shift=4)]).values(),
    ]
    records = [one for one, _ in pairs]
    looks = {one.content_hash: look for one, look in pairs}
    adc = Converters(records, looks).of(records[:1])
    assert (adc.bits, adc.shift, adc.maximum, adc.saturation) == (14, 2, 65532, None)
    told = Converters(records, looks, adc_bits=12).of(records[:1], saturation=3000.0)
    assert (told.bits, told.shift, told.saturation) == (12, 2, 3000.0)
    assert container_bits(records[0]) == 16
    assert container_bits(attrs.evolve(records[0], dtype="int16")) == 15


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"gradient_x": 40.0}, "gradient along x"),
        ({"gradient_y": -40.0}, "gradient along y"),
        ({"level": 760.0, "overscan": 750.0}, "raw level"),
        ({"lowest": 0.0}, "faintest pixels"),
    ],
)
def test_a_frame_that_differs_from_its_equals_is_odd(change, word):
    looks = [seen(overscan=990.0)] * 4 + [seen(**{"overscan": 990.0, **change})]

    (reason,) = judged(frames("bias", looks)).values()

    assert word in reason


def test_a_short_dark_cannot_be_brighter_than_long_ones():
    long = frames("dark", [seen(level=1020.0)] * 5, EXPTIME=60.0)
    leak = frames("dark", [seen(level=7000.0)], EXPTIME=30.0)

    found = judged(long, leak)

    assert len(found) == 1
    assert "30 s are 5980 ADU brighter than those of 60 s" in next(iter(found.values()))


def test_the_same_pixels_count_once():
    looks = [seen(pixels=name) for name in ("a", "b", "a", "c")]

    (reason,) = judged(frames("bias", looks)).values()

    assert "the same pixels" in reason
