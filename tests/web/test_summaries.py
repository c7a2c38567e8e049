from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fullwell.web.summaries import MAD_TO_STD, Sample


def _checked(sample, values):
    values = np.asarray(values, np.float64)
    mean, std = sample.mean_and_std()
    assert sample.n == values.size
    assert mean == pytest.approx(values.mean(), rel=1e-12, abs=1e-9)
    assert std == pytest.approx(values.std(), rel=1e-9, abs=1e-6)
    assert sample.median() == np.median(values)
    mad = np.median(np.abs(values - np.median(values)))
    assert sample.mad_std() == pytest.approx(MAD_TO_STD * mad, rel=1e-12, abs=1e-12)


@given(arrays(np.uint16, st.integers(1, 60), elements=st.integers(0, 65535)))
def test_counted_values_say_what_all_values_say(values):
    seen, counts = np.unique(values, return_counts=True)
    _checked(Sample(seen, counts), values)


@given(arrays(np.float32, st.integers(1, 60), elements=st.floats(-1e4, 1e4, width=32)))
def test_sorted_values_say_what_all_values_say(values):
    _checked(Sample(np.sort(values)), values)


def test_clipping_leaves_the_outliers_out():
    generator = np.random.default_rng(1)
    values = np.sort(np.concatenate([generator.normal(100, 5, 20000), np.full(50, 5000.0)]))
    mean, std = Sample(values).clipped().mean_and_std()
    # Mean: 5 standard errors of 5 / sqrt(20000); std: clipping at 3 sigma takes 1.4 % of it, and 5 errors.
    assert mean == pytest.approx(100, abs=0.18)
    assert std == pytest.approx(4.93, abs=0.13)


def test_no_pixel_has_no_numbers():
    summary = Sample(np.empty(0), masked=7).summary()
    assert (summary["n"], summary["masked"], summary["median"]) == (0, 7, None)


@pytest.mark.parametrize("largest", [1e100, 1e303, 1.7e308])
def test_floats_whose_squares_are_too_large_have_statistics(largest):
    told = Sample(np.array([-1.0, 0.25, 0.5, 1.0]) * largest).summary()
    assert told["mean"] / largest == pytest.approx(0.1875)
    assert told["std"] / largest == pytest.approx(np.std([-1.0, 0.25, 0.5, 1.0]))
    assert told["median"] / largest == pytest.approx(0.375)
