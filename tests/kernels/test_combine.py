"""The kernel against the rule in its docstring, written out pixel by pixel in plain Python."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.kernels.combine import MAD_TO_STD, Rule, combine_block


def by_hand(column, valid, rule, *, pixel):
    """Value, center, used, scatter, kept of one pixel."""
    kept = [ok and math.isfinite(x) for x, ok in zip(column, valid, strict=True)]
    low, high = rule.extrema
    order = sorted((i for i, keep in enumerate(kept) if keep), key=lambda i: (column[i], i))
    for i in order[:low] + order[max(len(order) - high, 0) :]:
        kept[i] = False
    while rule.clip is not None and any(kept):
        survivors = [x for x, keep in zip(column, kept, strict=True) if keep]
        center = statistics.median(survivors)
        mean = sum(survivors) / len(survivors)
        limits = []
        for i in range(len(column)):
            if rule.spread == "std":
                spread = math.sqrt(sum((x - mean) * (x - mean) for x in survivors) / len(survivors))
            elif rule.spread == "mad":
                spread = MAD_TO_STD * statistics.median(abs(x - center) for x in survivors)
            else:
                read = rule.read_variance[i, pixel % rule.read_variance.shape[1]]
                slope, pedestal = rule.slope[i, 0], np.broadcast_to(rule.pedestal, (len(column), 1))[i, 0]
                spread = math.sqrt(read + slope * max(center - pedestal, 0.0))
            limits.append(rule.clip * spread)
        still = [
            keep and abs(x - center) <= limit for x, keep, limit in zip(column, kept, limits, strict=True)
        ]
        if still == kept:
            break
        kept = still
    survivors = [x for x, keep in zip(column, kept, strict=True) if keep]
    if not survivors:
        finite = [x for x in column if math.isfinite(x)]
        value = sum(finite) / len(finite) if finite else math.nan
        return value, math.nan, 0, math.nan, kept
    weights = [w for w, keep in zip(rule.weights, kept, strict=True) if keep]
    center = statistics.median(survivors)
    mean = sum(w * x for w, x in zip(weights, survivors, strict=True)) / sum(weights)
    plain = sum(survivors) / len(survivors)
    # Not `** 2`: the C library's power need not be rounded as a product is.
    squares = sum((x - plain) * (x - plain) for x in survivors)
    scatter = squares / (len(survivors) - 1) if len(survivors) > 1 else math.nan
    return mean if rule.method == "mean" else center, center, len(survivors), scatter, kept


numbers = st.one_of(
    st.integers(-4, 4).map(float),  # ties
    st.integers(0, 65535).map(float),
    st.floats(-1e5, 1e5, allow_nan=False),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)


@st.composite
def blocks(draw):
    n, pixels = draw(st.integers(1, 11)), draw(st.integers(1, 3))
    values = np.array(draw(st.lists(numbers, min_size=n * pixels, max_size=n * pixels))).reshape(n, pixels)
    valid = np.array(
        draw(st.lists(st.sampled_from([True, True, True, False]), min_size=n * pixels, max_size=n * pixels))
    ).reshape(n, pixels)
    spread = draw(st.sampled_from(["noise", "std", "mad"]))
    wide = draw(st.booleans())
    noise = draw(st.lists(st.sampled_from([0.0, 1.0, 25.0, 1e4]), min_size=n * pixels, max_size=n * pixels))
    read = np.array(noise).reshape(n, pixels)[:, : pixels if wide else 1]
    slope = np.full((n, 1), draw(st.sampled_from([0.0, 0.5, 2.0])))
    return (
        values,
        valid,
        Rule(
            draw(st.sampled_from(["mean", "median"])),
            draw(st.sampled_from([None, 1.0, 1.5, 2.0, 3.0, 5.0])),
            spread,
            draw(st.sampled_from([(0, 0), (0, 0), (1, 0), (0, 2), (1, 1)])),
            np.array(draw(st.lists(st.sampled_from([1.0, 0.5, 3.0]), min_size=n, max_size=n))),
            read,
            slope,
            np.array(draw(st.lists(st.sampled_from([0.0, 100.0]), min_size=n, max_size=n)))[:, None],
        ),
    )


@settings(max_examples=200)
@given(blocks())
def test_every_pixel_follows_the_rule_to_the_last_bit(block):
    values, valid, rule = block

    result = combine_block(values, valid, rule)

    for p in range(values.shape[1]):
        value, center, used, scatter, kept = by_hand(
            values[:, p].tolist(), valid[:, p].tolist(), rule, pixel=p
        )
        assert result.kept[:, p].tolist() == kept
        assert result.used[p] == used
        np.testing.assert_array_equal([result.value[p], result.center[p]], [value, center])
        np.testing.assert_array_equal(result.scatter[p], scatter)


@settings(max_examples=100)
@given(blocks())
def test_a_pixel_has_the_same_bits_alone_and_in_company(block):
    values, valid, rule = block
    many = np.repeat(values[:, :1], 5, axis=1), np.repeat(valid[:, :1], 5, axis=1)
    first = rule.columns(np.zeros(1, np.intp))

    alone = combine_block(values[:, :1], valid[:, :1], first)
    together = combine_block(*many, first)

    np.testing.assert_array_equal(np.repeat(alone.value, 5), together.value)
    np.testing.assert_array_equal(np.repeat(alone.scatter, 5), together.scatter)


def rule(spread, clip, n, *, method="mean", read=0.0, slope=0.0):
    return Rule(method, clip, spread, (0, 0), np.ones(n), np.full((n, 1), read), np.full((n, 1), slope))


def test_a_rejected_value_never_returns():
    # 30 goes first (3.4 > 1.5 std of all); then 12, as the std has shrunk. With the final median 2 and the
    # noise of the first round 12 would have been near enough.
    values = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [12.0], [30.0]])

    result = combine_block(values, np.ones(values.shape, bool), rule("std", 1.5, 7))

    assert result.kept[:, 0].tolist() == [True] * 5 + [False, False]
    assert result.value[0] == 2.0


def test_a_value_on_the_limit_stays():
    # std (ddof 0) of -1, -1, 1, 1 is 1 about 0; a 1 sigma clip takes what lies beyond, not on, the limit.
    values = np.array([[-1.0], [-1.0], [1.0], [1.0]])

    assert combine_block(values, np.ones((4, 1), bool), rule("std", 1.0, 4)).used[0] == 4


def test_the_standard_deviation_has_ddof_0():
    # Four equal values and one 1 away: it lies 0.8/0.4 = 2 sigma (ddof 0) from the mean, 2.5 from the median.
    values = np.array([[0.0], [0.0], [0.0], [0.0], [1.0]])
    everything = np.ones((5, 1), bool)

    assert combine_block(values, everything, rule("std", 2.4, 5)).used[0] == 4
    assert combine_block(values, everything, rule("std", 2.6, 5)).used[0] == 5


def test_noise_follows_the_median_and_not_the_value_itself():
    # Signal 100, read variance 100, 1 e-/ADU: sigma sqrt(200) = 14.1. A value of 180 is out at 5 sigma by the
    # median; by its own Poisson noise it would be in (80 < 5 sqrt(280)).
    values = np.array([[100.0], [100.0], [180.0]])

    result = combine_block(values, np.ones((3, 1), bool), rule("noise", 5.0, 3, read=100.0, slope=1.0))

    assert result.kept[:, 0].tolist() == [True, True, False]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_values(n):
    values = np.arange(n, dtype=float)[:, None]

    result = combine_block(values, np.ones((n, 1), bool), rule("std", 5.0, n, method="median"))

    assert result.value[0] == (n - 1) / 2
    assert result.used[0] == n
    assert np.isnan(result.scatter[0]) == (n == 1)
