from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fullwell.errors import ParameterError
from fullwell.kernels.pooling import pool_blocks

SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=13)
INTEGERS = arrays(np.uint16, SHAPES, elements=st.integers(0, 65535))
ANY = st.one_of(st.floats(-(2**20), 2**20, width=32), st.sampled_from([np.nan, np.inf, -np.inf]))
FLOATS = arrays(np.float32, SHAPES, elements=ANY)


@given(INTEGERS, st.integers(1, 6), st.sampled_from(["mean", "max", "or"]))
def test_both_forms_give_the_same_integers(image, factor, how):
    np.testing.assert_array_equal(
        pool_blocks(image, factor, how=how), pool_blocks(image, factor, how=how, compiled=False)
    )


@given(FLOATS, st.integers(1, 6), st.sampled_from(["mean", "max"]))
def test_both_forms_give_the_same_floats(image, factor, how):
    one, two = (pool_blocks(image, factor, how=how, compiled=compiled) for compiled in (True, False))
    np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-3)


def test_blocks_by_hand():
    image = np.array([[1, 2, 10], [3, 4, 20], [8, 0, 7]], np.uint16)
    np.testing.assert_array_equal(pool_blocks(image, 2), [[3, 15], [4, 7]])  # 2.5 is rounded up
    np.testing.assert_array_equal(pool_blocks(image, 2, how="max"), [[4, 20], [8, 7]])
    np.testing.assert_array_equal(pool_blocks(image, 2, how="or"), [[7, 30], [8, 7]])


def test_what_is_not_finite_does_not_count():
    image = np.array([[1, np.nan], [3, np.inf], [np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(pool_blocks(image, 2), [[2], [np.nan]])
    np.testing.assert_array_equal(pool_blocks(image, 2, how="max"), [[3], [np.nan]])


@pytest.mark.parametrize(
    ("dtype", "options"),
    [("int32", {}), ("float32", {"how": "or"}), ("uint16", {"how": "sum"}), ("uint16", {"factor": 0})],
)
def test_what_is_not_possible_is_refused(dtype, options):
    with pytest.raises(ParameterError):
        pool_blocks(np.zeros((2, 2), dtype), **{"factor": 2, **options})
