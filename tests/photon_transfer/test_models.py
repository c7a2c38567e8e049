"""Known answers of the models, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell.errors import ParameterError
from fullwell.photon_transfer import GaussianFlats, naive_gain_ratio
from fullwell.photon_transfer.lag_matrices import sum_of_all_lags
from fullwell.photon_transfer.models import MODELS, FullCovariance, VarianceModel, make_model

A00 = -3.09e-6


@pytest.mark.parametrize(("mean", "percent", "points"), [(1e4, 3.1, 0.3), (5e4, 16.2, 0.3), (1e5, 34.1, 1.0)])
def test_mean_over_variance_is_too_high_a_gain(mean, percent, points):
    assert 100 * (naive_gain_ratio(A00, mean) - 1) == pytest.approx(percent, abs=points)

    model = VarianceModel("exponential")
    variance = model.covariances(np.array([A00, 0.0]), np.array([mean]))[0, 0]
    assert mean / variance == pytest.approx(naive_gain_ratio(A00, mean), rel=1e-12)


def test_at_low_signal_covariances_are_a_times_the_mean_squared():
    flats = GaussianFlats.like_lsst(gain=1.0, read_noise=0.0)
    mean = 100.0

    k = flats.covariances(mean)[0]

    # The next order is b M and a M: 3e-4 here, on lags that a itself does not reach by convolution.
    assert k[0, 0] - mean == pytest.approx(A00 * mean**2, rel=1e-3)
    np.testing.assert_allclose(k[0, 1:4], flats.a[0, 1:4] * mean**2, rtol=2e-3)
    np.testing.assert_allclose(k[1, 0:4], flats.a[1, 0:4] * mean**2, rtol=2e-3)


def test_conserved_charge_conserves_the_sum_of_all_covariances():
    flats = GaussianFlats.like_lsst(gain=1.0, read_noise=0.0, lags=5)
    no_b = GaussianFlats(flats.a, 0 * flats.b, 1.0, 0.0)
    a = np.zeros((15, 15))
    a[:5, :5] = no_b.a  # convolutions reach three times as far
    wide = GaussianFlats(a, 0 * a, 1.0, 0.0)

    assert sum_of_all_lags(flats.a) == pytest.approx(0, abs=1e-18)
    # Whatever moves, all pixels together have the Poisson variance of all electrons.
    total = sum_of_all_lags(wide.covariances([1e3, 1e4, 1e5]))
    np.testing.assert_allclose(total, [1e3, 1e4, 1e5], rtol=1e-9)


def test_the_three_models_agree_where_the_signal_is_low():
    mean = np.array([10.0, 1000.0])
    alone = np.array([A00, 25.0])
    quadratic = VarianceModel("quadratic").covariances(alone, mean)
    exponential = VarianceModel("exponential").covariances(alone, mean)
    full = FullCovariance(1, 0).covariances(alone, mean)

    np.testing.assert_allclose(quadratic, exponential, rtol=1e-5)
    np.testing.assert_allclose(full, exponential, rtol=1e-10)


def test_equation_20_is_the_beginning_of_equation_16_for_a_single_pixel():
    mean = np.array([1e5])
    alone = np.array([A00, 0.0])
    full = FullCovariance(1, 0).covariances(alone, mean)
    exponential = VarianceModel("exponential").covariances(alone, mean)

    # What is missing: 2/15 (a M)^4 and the terms behind.
    missing = (exponential - full)[0, 0] / mean[0]
    assert missing == pytest.approx(2 / 15 * 0.309**4, rel=0.15)


@pytest.mark.parametrize("name", MODELS)
def test_derivatives_are_those_of_small_differences(name):
    model = make_model(name, lags=4, b_lags=2)
    parameters = np.random.default_rng(5).normal(0, 0.1, len(model.names))
    mean, step = np.array([0.3, 1.0, 2.0]), 1e-6

    by_mean, by_parameters = model.derivatives(parameters, mean)

    def slope(up, down):
        return (up - down) / (2 * step)

    numeric = slope(model.covariances(parameters, mean + step), model.covariances(parameters, mean - step))
    np.testing.assert_allclose(by_mean, numeric, atol=1e-8)
    for k, unit in enumerate(np.eye(len(parameters)) * step):
        numeric = slope(
            model.covariances(parameters + unit, mean), model.covariances(parameters - unit, mean)
        )
        np.testing.assert_allclose(by_parameters[:, :, k], numeric, atol=1e-8)


def test_a_vanishing_a00_is_poisson():
    model = VarianceModel("exponential")
    mean = np.array([0.0, 1.0, 1e5])

    np.testing.assert_allclose(model.covariances(np.array([0.0, 9.0]), mean)[:, 0], mean + 9)
    _, slopes = model.derivatives(np.array([0.0, 9.0]), mean)
    np.testing.assert_allclose(slopes[:, 0, 0], mean**2)


def test_what_cannot_be_is_refused():
    with pytest.raises(ParameterError, match="model"):
        make_model("cubic", lags=3)
    with pytest.raises(ParameterError, match="b_lags"):
        FullCovariance(3, 4)


def test_powers_of_the_mean_add_up_to_the_covariances():
    """The series that fits are made with, at three lags and two of them with a c."""
    random = np.random.default_rng(3)
    model = FullCovariance(3, 2)
    parameters = random.normal(0, 0.1, len(model.names))
    mean = np.array([0.0, 0.3, 1.2])
    values, slopes = model.series(parameters)
    powers = mean[:, None] ** np.arange(5)
    np.testing.assert_allclose(powers @ values, model.covariances(parameters, mean), rtol=1e-12, atol=1e-14)
    assert slopes.shape == (5, 9, 9 + 4)
    assert not slopes[:2].any()
