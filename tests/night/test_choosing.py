"""The rules for masters, without a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sorting_frames import record

from fullwell.matching import Conditions
from fullwell.night.choosing import choose_master, choose_pedestal
from fullwell.night.recipes import MasterRecipe

NOW = 60000.0


def conditions(**changes):
    return Conditions(**({"camera": "c", "shape": (6, 8), "temperature": -5.0, "mid_time": NOW} | changes))


def bias(label="b", **changes):
    return MasterRecipe("bias", label, (record("b", "bias"),) * 3, conditions(**changes))


def dark(*times, label="d", behind=None, **changes):
    frames = tuple(record(f"{label}{i}", EXPTIME=time) for i, time in enumerate(times))
    return MasterRecipe("dark", label, frames, conditions(**changes), bias=behind)


B = bias()


def test_counts_join_times_within_a_thousandth():
    made = dark(60.0, 60.03, 60.0, 300.0)
    assert made.counts == {60.0: 3, 300.0: 1}
    assert made.times == (60.0, 300.0)


def test_same_length_before_scaling_down_before_scaling_up():
    same = dark(60.0, 60.0, 60.0, label="same", behind=B, mid_time=NOW - 9)
    longer = dark(300.0, 300.0, 300.0, label="longer", behind=B, mid_time=NOW - 1)
    shorter = dark(30.0, 30.0, 30.0, label="shorter", behind=B)
    for darks, chosen in (
        ((same, longer, shorter), same),
        ((longer, shorter), longer),
        ((shorter,), shorter),
        ((shorter, longer, same), same),
    ):
        pedestal = choose_pedestal(conditions(), [60.0], [B], darks)
        assert pedestal.dark is chosen
        assert pedestal.bias is B
        assert bool(pedestal.warnings) is (chosen is shorter)


def test_few_frames_of_the_length_among_others_do_not_serve_alone():
    line = dark(60.0, 300.0, 300.0, label="line", behind=B)
    same = dark(60.0, 60.0, 60.0, label="same", behind=B, mid_time=NOW - 9)
    assert choose_pedestal(conditions(), [60.0], [B], [line, same]).dark is same


def test_a_dark_that_holds_the_bias_serves_its_own_length():
    alone = dark(60.0, 60.0, 60.0)
    assert choose_pedestal(conditions(), [60.0], [], [alone]).dark is alone
    assert choose_pedestal(conditions(), [60.05], [], [alone]).dark is alone
    refused = choose_pedestal(conditions(), [61.0], [], [alone])
    assert (refused.bias, refused.dark) == (None, None)
    assert "serve their own length only" in refused.why["dark"]
    assert choose_pedestal(conditions(), [61.0], [B], [alone]).bias is B


def test_all_exposures_of_a_flat_count():
    alone = dark(4.0, 4.0, 4.0)
    assert choose_pedestal(conditions(), [4.0, 4.0], [], [alone]).dark is alone
    assert choose_pedestal(conditions(), [4.0, 9.0], [], [alone]).dark is None
    scaled = dark(4.0, 4.0, 4.0, behind=B)
    assert "to 9 s" in choose_pedestal(conditions(), [4.0, 9.0], [B], [scaled]).warnings[0]


def test_why_none_fits():
    cold = dark(60.0, label="cold", behind=B, temperature=-15.0)
    why = choose_pedestal(conditions(), [60.0], [], [cold]).why
    assert why["dark"] == "no dark fits (dark-cold: taken 10.0 K away, at -15.0 C)"
    assert why["bias"] == "there is no bias"
    many = [bias(str(i), camera="other") for i in range(5)]
    assert choose_master(conditions(), many, "bias").why.endswith("; ...)")


@given(
    st.lists(st.tuples(st.sampled_from([30.0, 60.0, 120.0]), st.floats(-5, 5)), min_size=1, max_size=6),
    st.sampled_from([30.0, 45.0, 60.0, 120.0, 500.0]),
)
def test_nothing_better_was_passed_over(made, wanted):
    darks = [
        dark(time, time, time, label=str(i), behind=B, mid_time=NOW + days)
        for i, (time, days) in enumerate(made)
    ]
    chosen = choose_pedestal(conditions(), [wanted], [B], darks).dark

    def cost(one):
        time = one.times[0]
        return 0 if time == wanted else 1 if time > wanted else 2, abs(one.conditions.mid_time - NOW)

    assert cost(chosen) == min(cost(one) for one in darks)


@pytest.mark.parametrize("days", [-0.6, 0.4])
def test_the_nearest_bias(days):
    near, far = bias("near", mid_time=NOW + days), bias("far", mid_time=NOW + 0.7)
    assert choose_pedestal(conditions(), [60.0], [far, near], []).bias is near
