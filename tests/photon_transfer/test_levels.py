"""Levels of signal: what pairs at one exposure time cannot say."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell import PhotonTransfer
from fullwell.errors import NotEnoughFrames
from fullwell.noise import Noise
from fullwell.photon_transfer import GaussianFlats, measure_curves
from fullwell.photon_transfer.levels import distinct_levels


def curves(levels, *, lags=1):
    flats = GaussianFlats.like_lsst(lags=2)
    pairs = (flats.pair(mean, noise=Noise(3, k)) for k, mean in enumerate(levels))
    return measure_curves(pairs, lags=lags)


@pytest.mark.parametrize(
    ("means", "count"),
    [
        ([30_000, 30_100, 29_900], 1),
        ([0, 0.4, -0.3, 30_000], 2),
        ([0, 15_000, 30_000, np.nan], 3),
        (np.geomspace(200, 60_000, 40), 40),
        ([], 0),
    ],
)
def test_means_close_together_are_one_level(means, count):
    assert len(distinct_levels(means)) == count


@pytest.mark.parametrize("model", ["exponential", "quadratic", "full", "full-no-b"])
def test_pairs_at_one_level_are_refused(model):
    with pytest.raises(NotEnoughFrames, match=r"6 pairs at 1 level of signal .*; 3 or more"):
        PhotonTransfer.fit_curves(curves([30_000] * 6), model=model)


def test_a_pair_of_biases_is_a_level():
    levels = [20_000, 20_000, 60_000, 60_000]
    with pytest.raises(NotEnoughFrames, match="4 pairs at 2 levels"):
        PhotonTransfer.fit_curves(curves(levels), model="exponential")
    transfer = PhotonTransfer.fit_curves(curves([0, *levels]), model="exponential")
    # 5 sigma of its own error: fails once in 10^6 runs.
    assert abs(transfer.gain.value[0] - 1.5) < 5 * transfer.gain.error[0] < 0.2


def test_the_full_model_needs_a_level_more():
    measured = curves([0, 0, 20_000, 20_000, 60_000, 60_000], lags=2)
    with pytest.raises(NotEnoughFrames, match=r"3 levels of signal .*; 4 or more"):
        PhotonTransfer.fit_curves(measured, model="full", b_lags=1)
    assert np.isfinite(PhotonTransfer.fit_curves(measured, model="full-no-b").gain.error).all()


def test_a_gain_that_could_be_zero_is_refused():
    # Levels 3 % apart: the variance at zero and the slope cannot be told from each other.
    with pytest.raises(NotEnoughFrames, match="the gain would be"):
        PhotonTransfer.fit_curves(curves([30_000, 31_000, 32_000, 33_000]), model="exponential")
