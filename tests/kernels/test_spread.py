"""Clipped moments and medians: the compiled loops against plain NumPy, and against the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.kernels.spread import clipped_spread, median_of, quantile_of


def images(shape, seed, *, integers=False):
    random = np.random.default_rng(seed)
    pair = [(1000 + 5 * random.standard_normal(shape)).astype(np.float32) for _ in range(2)]
    return [np.rint(image) for image in pair] if integers else pair


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 70),
    seed=st.integers(0, 99),
    integers=st.booleans(),
    one=st.booleans(),
    clip=st.sampled_from([None, 3.0, 5.0]),
    rounds=st.sampled_from([None, 1]),
    masked=st.sampled_from([None, 0.3, 1.0]),
    odd=st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 9e4, -5e3]), max_size=4),
)
def test_the_loops_agree_with_numpy(rows, columns, seed, integers, one, clip, rounds, masked, odd):
    first, second = images((rows, columns), seed, integers=integers)
    first.flat[: len(odd)] = odd[: first.size]
    good = None if masked is None else np.random.default_rng(seed).random(first.shape) >= masked
    given = {"scale": 1.01, "good": good, "clip": clip, "rounds": rounds}
    plain, compiled = (
        clipped_spread(first, None if one else second, **given, compiled=how) for how in (False, True)
    )
    assert compiled.count == plain.count
    assert (compiled.low, compiled.high) == pytest.approx((plain.low, plain.high), rel=1e-12, nan_ok=True)
    assert compiled.mean == pytest.approx(plain.mean, rel=1e-9, abs=1e-9, nan_ok=True)
    assert compiled.variance == pytest.approx(plain.variance, rel=1e-6, abs=1e-6, nan_ok=True)
    medians = [median_of(first, good, compiled=how) for how in (False, True)]
    assert medians[1] == pytest.approx(medians[0], rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("integers", [False, True])
def test_the_median_is_exact_in_a_large_image(integers):
    image, _ = images((700, 701), 3, integers=integers)
    image[:300] += 40  # two humps: a sample of it has little to say about what lies between them
    assert median_of(image, compiled=True) == np.median(image.astype(np.float64))
    some = np.indices(image.shape).sum(axis=0) % 3 == 0
    assert median_of(image, some) == np.median(image[some].astype(np.float64))


def test_outliers_are_left_out():
    first, second = images((512, 512), 5)
    first[100, :50] += 1e4
    spread = clipped_spread(first, second, clip=5.0)
    assert first.size - spread.count >= 50
    # 262 000 values: the relative error of the variance is 0.0028; 5 of these in one of 2 million runs.
    assert spread.variance == pytest.approx(50, rel=0.014)


def test_integers_without_sign_do_not_wrap_around():
    first = np.full((600, 600), 3, np.uint16)
    second = np.full((600, 600), 7, np.uint16)
    assert clipped_spread(first, second, clip=5.0).mean == -4


def test_nothing_is_left_of_nothing():
    nothing = clipped_spread(np.full((600, 600), np.nan, np.float32), clip=5.0)
    assert nothing.count == 0
    assert np.isnan([nothing.mean, nothing.variance]).all()
    assert np.isnan(median_of(np.full((600, 600), np.nan, np.float32)))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_an_image_without_pixels(shape):
    assert clipped_spread(np.zeros(shape, np.float32), clip=5.0, compiled=True).count == 0


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.3, 0.5, 0.999, 1.0])
def test_quantiles_are_those_of_numpy(fraction):
    image = np.random.default_rng(4).lognormal(size=(600, 500)).astype(np.float32)
    good = image > 0.4
    image[3, :50] = np.nan
    expected = np.quantile(image[good & np.isfinite(image)].astype(np.float64), fraction)
    for compiled in (True, False):
        assert quantile_of(image, fraction, good, compiled=compiled) == pytest.approx(expected, rel=1e-12)
    assert np.isnan(quantile_of(image, fraction, good & False))
