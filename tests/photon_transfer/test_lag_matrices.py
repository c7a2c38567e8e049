from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import convolve2d

from fullwell.photon_transfer.lag_matrices import LagMatrices, four_quadrants, sum_of_all_lags


def quadrant(full, lags):
    middle = full.shape[0] // 2
    return full[middle : middle + lags, middle : middle + lags]


@given(lags=st.integers(1, 6), seed=st.integers(0, 2**32 - 1))
def test_products_are_convolutions_over_four_quadrants(lags, seed):
    random = np.random.default_rng(seed)
    a, x = random.normal(size=(2, lags, lags))
    matrices = LagMatrices(lags)
    full_a, full_x = four_quadrants(a), four_quadrants(x)

    once = (matrices.matrix(a.ravel()) @ x.ravel()).reshape(lags, lags)
    cube = matrices.cube(a.ravel()).reshape(lags, lags)

    np.testing.assert_allclose(once, quadrant(convolve2d(full_a, full_x), lags), atol=1e-12)
    thrice = convolve2d(convolve2d(full_a, full_a), full_a)
    np.testing.assert_allclose(cube, quadrant(thrice, lags), rtol=1e-9, atol=1e-10)
    assert sum_of_all_lags(a) == pytest.approx(full_a.sum())


def test_four_quadrants_keep_which_lag_is_which():
    full = four_quadrants(np.array([[0.0, 1.0], [2.0, 3.0]]))

    assert full.tolist() == [[3, 2, 3], [1, 0, 1], [3, 2, 3]]
