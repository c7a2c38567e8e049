"""Finite-N factors against closed forms and against random numbers of their own."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell.kernels.combine import Rule, combine_block
from fullwell.kernels.order_statistics import (
    clipping_factors,
    factors_by_trials,
    iterated_clip_factor,
    median_variance_factor,
    truncated_variance_factor,
)


def test_the_truncated_normal():
    random = np.random.default_rng(1).standard_normal(2_000_000)
    for k in (2.0, 3.0):
        kept = random[np.abs(random) <= k]
        # Relative error of a variance of 2e6 values is 0.1 %; 4 sigma, false alarm 1e-4 for both.
        assert truncated_variance_factor(k) == pytest.approx(kept.var(), rel=0.004)


@pytest.mark.parametrize("k", [2.5, 3.0, 4.0])
def test_clipping_comes_to_rest(k):
    values = np.random.default_rng(2).standard_normal(2_000_000)
    while True:
        inside = values[np.abs(values - np.median(values)) <= k * values.std()]
        if inside.size == values.size:
            break
        values = inside
    assert iterated_clip_factor(k)[0] == pytest.approx(values.var(), rel=0.004)


@pytest.mark.parametrize("k", [2.5, 3.0, 5.0])
def test_the_error_of_a_clipped_variance(k):
    random = np.random.default_rng(3)
    variances = []
    for _ in range(800):
        values = random.standard_normal(4000)
        while (inside := np.abs(values - np.median(values)) <= k * values.std()).sum() < values.size:
            values = values[inside]
        variances.append(values.var() / np.sqrt(2 / values.size))
    # Scatter of 800 trials 2.5 %; 4 sigma, false alarm 6e-5 each.
    variance, error = iterated_clip_factor(k)
    assert np.std(variances) == pytest.approx(error * variance, rel=0.1)


def test_medians_with_a_closed_form():
    assert median_variance_factor(1) == median_variance_factor(2) == 1.0
    # var(median of 3) = 1 - sqrt(3)/pi (David & Nagaraja, exercise 3.2).
    assert median_variance_factor(3) == pytest.approx(3 * (1 - np.sqrt(3) / np.pi), abs=2e-6)
    # var(mean of the middle two of 4) N: tables of Teichroew (1956) give 0.2982 for the variance.
    assert median_variance_factor(4) == pytest.approx(4 * 0.2982, abs=4e-4)
    assert median_variance_factor(10_001) == pytest.approx(np.pi / 2, rel=1e-4)


def test_medians_go_on_smoothly_where_the_quadrature_ends():
    for first, second in ((99, 101), (100, 102)):
        before, after = (n * (1 - median_variance_factor(n) * 2 / np.pi) for n in (first, second))
        # The coefficients of 1/N, 0.429 for odd and 1.429 for even N.
        assert before == pytest.approx(after, abs=0.04)


@pytest.mark.parametrize("n", [3, 4, 5, 10, 11, 40])
def test_medians_by_trial(n):
    medians = np.median(np.random.default_rng(n).standard_normal((n, 400_000)), axis=0)
    # Relative error sqrt(2/400000) = 0.22 %; 4 sigma, false alarm 6e-5 each.
    assert median_variance_factor(n) == pytest.approx(n * medians.var(), rel=0.009)


@pytest.mark.parametrize(
    ("n", "k", "spread", "method", "extrema"),
    [
        (5, 2.0, "std", "mean", (0, 0)),
        (10, 2.5, "std", "mean", (0, 0)),
        (5, 3.0, "mad", "mean", (0, 0)),
        (12, 3.0, "mad", "median", (0, 0)),
        (8, 3.0, "noise", "mean", (0, 0)),
        (10, None, "noise", "mean", (1, 1)),
        (7, None, "noise", "mean", (0, 2)),
    ],
)
def test_clipped_samples_by_trial(n, k, spread, method, extrema):
    values = np.random.default_rng(n).standard_normal((n, 300_000))
    unit, none = np.ones((n, 1)), np.zeros((n, 1))
    result = combine_block(
        values, np.ones(values.shape, bool), Rule(method, k, spread, extrema, np.ones(n), unit, none)
    )
    good = result.used > 1

    propagated, empirical = clipping_factors(n, k, spread, method=method, extrema=extrema)

    # Error of the trials here 0.26 %, of the factor up to 0.5 %; 0.6 * 3.5 is 2 %, false alarm 5e-4 each.
    true = result.value.var()
    assert propagated * np.mean(1 / result.used) == pytest.approx(true, rel=0.02)
    assert empirical * np.mean(result.scatter[good] / result.used[good]) == pytest.approx(true, rel=0.02)


@pytest.mark.parametrize("spread", ["std", "mad"])
@pytest.mark.parametrize("n", [3, 8, 20, 64])
def test_factors_of_the_usual_rules_are_those_of_trials(n, spread):
    made = factors_by_trials(n, 3.0, spread, method="mean", extrema=(0, 0), trials=100_000)

    # Both are trials with an error below 0.5 % (here 0.2 % and 0.06 %); false alarm 1e-4.
    assert clipping_factors(n, 3.0, spread) == pytest.approx(made, rel=0.008)


def test_a_clip_that_leaves_no_scatter_gives_finite_factors():
    assert np.isfinite(clipping_factors(3, 0.001, "std")).all()


def test_without_clipping_there_is_nothing_to_correct():
    assert clipping_factors(6, None, "noise") == pytest.approx((1.0, 1.0), abs=1e-6)
