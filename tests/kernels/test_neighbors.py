from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.kernels.neighbors import neighbor_ratios


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(st.integers(1, 6), st.integers(1, 30)))
def test_compiled_and_plain_give_the_same(seed, shape):
    random = np.random.default_rng(seed)
    data = random.normal(size=shape).astype(np.float32)
    variance = random.integers(0, 3, shape).astype(np.float32)
    good = random.random(shape) > 0.2
    np.testing.assert_array_equal(
        neighbor_ratios(data, variance, good, compiled=True),
        neighbor_ratios(data, variance, good, compiled=False),
    )


def test_a_difference_in_units_of_its_error():
    data, variance = np.float32([[1, 9, 6, 9]]), np.float32([[9, 0, 16, 0]])
    for compiled in (True, False):
        ratios = neighbor_ratios(data, variance, np.ones((1, 4), bool), compiled=compiled)
        assert ratios.tolist() == [1.0]  # 5 over 5; the other pair has no error
