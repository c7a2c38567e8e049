"""The compiled sums against the plain ones, and what a covariance has to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullwell.errors import FrameError, ParameterError
from fullwell.kernels import covariances_reference
from fullwell.kernels.covariances import autocovariance, lag_sums


@given(
    rows=st.integers(1, 140),
    columns=st.integers(1, 140),
    share=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_compiled_sums_are_the_plain_ones(rows, columns, share, dtype, seed, data):
    lags = data.draw(st.integers(1, min(rows, columns, 17)))
    random = np.random.default_rng(seed)
    good = random.random((rows, columns)) >= share
    values = np.where(good, random.normal(0, 100, (rows, columns)), 0).astype(dtype)

    sums, counts = lag_sums(values, good, lags=lags)
    expected, expected_counts = covariances_reference.lag_sums(values, good, lags=lags)

    assert (counts == expected_counts).all()
    # Products are rounded to the type: relative to the sum of their sizes.
    size = (
        np.abs(values).astype(np.float64).sum() ** 2 / max(values.size, 1) + (values.astype(float) ** 2).sum()
    )
    np.testing.assert_allclose(sums, expected, rtol=0, atol=float(np.finfo(dtype).eps) * 10 * size + 1e-30)


def test_bits_do_not_depend_on_the_number_of_threads():
    random = np.random.default_rng(1)
    good = random.random((400, 130)) > 0.1
    values = np.where(good, random.normal(size=good.shape), 0).astype(np.float32)

    one, two = (lag_sums(values, good, lags=11, workers=n) for n in (1, 2))

    assert (one[0] == two[0]).all()
    assert (one[1] == two[1]).all()


def test_first_index_is_columns_second_is_rows():
    white = np.random.default_rng(2).normal(size=(600, 601))
    along_x = white[:, 1:] + 0.5 * white[:, :-1]
    along_y = along_x.T

    for image, one, other in ((along_x, (1, 0), (0, 1)), (along_y, (0, 1), (1, 0))):
        covariance, _ = autocovariance(image, lags=3)
        # Errors 1.25/sqrt(3.6e5) = 0.0021; 4 sigma, false alarm 6e-5 each.
        assert covariance[0, 0] == pytest.approx(1.25, abs=4 * 0.003)
        assert covariance[one] == pytest.approx(0.5, abs=4 * 0.0021)
        assert covariance[other] == pytest.approx(0.0, abs=4 * 0.0021)


def test_a_diagonal_counts_in_both_directions():
    image = np.zeros((9, 9))
    image[2, 2] = image[3, 3] = image[6, 4] = image[5, 5] = 1.0

    sums, counts = lag_sums(image, np.ones(image.shape, bool), lags=3)

    assert sums[1, 1] == 2
    assert sums[0, 0] == 4
    assert counts.tolist()[0] == [81, 72, 63]
    assert counts[1, 1] == 2 * 64


def test_variance_is_the_unbiased_one_of_the_good_pixels():
    random = np.random.default_rng(3)
    image = 1000 + random.normal(0, 5, (50, 60))
    good = random.random(image.shape) > 0.2
    image[~good] = np.nan

    covariance, counts = autocovariance(image, good, lags=2)

    assert covariance[0, 0] == pytest.approx(image[good].var(ddof=1), rel=1e-12)
    assert counts[0, 0] == good.sum()


def test_covariances_of_white_noise_have_no_bias_and_the_error_that_is_stated():
    random = np.random.default_rng(4)
    trials = np.array([autocovariance(random.normal(size=(24, 20)), lags=3)[0] for _ in range(4000)])
    _, counts = autocovariance(np.eye(24, 20), lags=3)
    error = 1 / np.sqrt(counts)
    error[0, 0] *= np.sqrt(2)

    # Without the term for the mean they would be off by 1/480: 3 sigma of 4000 trials. 4 sigma: 6e-5 each.
    off = (trials.mean(axis=0) - [[1, 0, 0], [0, 0, 0], [0, 0, 0]]) / (error / np.sqrt(4000))
    assert np.abs(off).max() < 4
    # Scatter of a standard deviation: 1.1 %; 4 sigma.
    np.testing.assert_allclose(trials.std(axis=0), error, rtol=0.05)


def test_what_cannot_be_is_refused():
    image = np.ones((5, 7))
    with pytest.raises(FrameError, match="one shape"):
        autocovariance(image, np.ones((7, 5), bool))
    with pytest.raises(FrameError, match="at least 2"):
        autocovariance(image, np.zeros((5, 7), bool))
    for lags in (0, 6, 100):
        with pytest.raises(ParameterError, match="lags"):
            autocovariance(image, lags=lags)
