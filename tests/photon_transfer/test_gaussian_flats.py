from __future__ import annotations

import numpy as np
import pytest

from fullwell.errors import ParameterError
from fullwell.noise import Noise
from fullwell.photon_transfer import GaussianFlats, measure_curves
from fullwell.photon_transfer.lag_matrices import sum_of_all_lags


def test_flats_have_the_covariances_they_are_drawn_from():
    flats = GaussianFlats.like_lsst(lags=5)
    (curve,) = measure_curves((flats.pair(8e4, noise=Noise(1, k)) for k in range(100)), lags=4)
    truth = flats.covariances(8e4)[0]

    error = truth[0, 0] / np.sqrt(100 * curve.counts[0])
    error[0, 0] *= np.sqrt(2)
    # 16 numbers, 4 sigma: false alarm 1e-3.
    assert (np.abs(curve.covariance.mean(axis=0) - truth[:4, :4]) < 4 * error).all()


def test_the_two_flats_of_a_pair_are_independent_and_seeded():
    flats = GaussianFlats.like_lsst(lags=4)
    first, second = flats.pair(1e4, noise=Noise(2))
    again, _ = flats.pair(1e4, noise=Noise(2))

    assert (first.data == again.data).all()
    # 4e4 pixels: 0.005, and 4 sigma.
    assert abs(np.corrcoef(first.data.ravel(), second.data.ravel())[0, 1]) < 0.02
    assert first.data.dtype == np.float32


def test_the_example_conserves_charge():
    assert sum_of_all_lags(GaussianFlats.like_lsst().a) == pytest.approx(0, abs=1e-18)


def test_what_cannot_be_is_refused():
    good = GaussianFlats.like_lsst(lags=3)
    with pytest.raises(ParameterError, match="negative"):
        GaussianFlats(-good.a, good.b, 1.5, 5.0)
    with pytest.raises(ParameterError, match="square"):
        GaussianFlats(good.a, good.b[:2], 1.5, 5.0)
    with pytest.raises(ParameterError, match="gain"):
        GaussianFlats(good.a, good.b, 0.0, 5.0)
    with pytest.raises(ParameterError, match="shape"):
        GaussianFlats(good.a, good.b, 1.5, 5.0, shape=(4, 4)).pair(100.0, noise=Noise(1))
    with pytest.raises(ParameterError, match="negative power"):
        GaussianFlats(good.a * 10, good.b * 0, 1.5, 0.0).pair(100_000.0, noise=Noise(1))
