from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.kernels.histograms import count_bits, count_differences, count_values


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 40)),
    most=st.sampled_from([2, 300, 65536]),
)
def test_compiled_and_plain_count_alike(seed, shape, most):
    image = np.random.default_rng(seed).integers(0, most, shape).astype(np.uint16)
    for count in (count_values, count_differences, count_bits):
        np.testing.assert_array_equal(count(image, compiled=True), count(image, compiled=False))
    assert count_values(image).sum() == image.size
    assert count_differences(image).sum() == max(0, shape[1] - 2) * shape[0]


def test_a_part_of_an_image_is_counted_where_it_lies():
    image = np.arange(100, dtype=np.uint16).reshape(10, 10)
    counts = count_values(image[2:4, 3:5], compiled=True)
    assert np.flatnonzero(counts).tolist() == [23, 24, 33, 34]


def test_differences_are_right_minus_left():
    counts = count_differences(np.uint16([[0, 5, 65535, 1]]))
    assert np.flatnonzero(counts).tolist() == [65535 - 4, 65535 + 65535]


def test_bits_are_counted_each_for_itself():
    image = np.zeros((3, 600), np.uint16)
    image[1, 5], image[2, 599], image[0, 300] = 1, 0x8001, 6
    for compiled in (True, False):
        counts = count_bits(image, compiled=compiled)
        assert counts.tolist() == [2, 1, 1, *[0] * 12, 1]
