"""Which points are used, and why the others are not."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell.errors import NotEnoughFrames
from fullwell.photon_transfer import Curve, GaussianFlats
from fullwell.photon_transfer.selection import select_points

GAIN, PIXELS = 1.5, 40_000


def curve(levels, *, seed=0, turnoff=None, pixels=PIXELS):
    """Variances with the scatter of that many pixels, without a neighbor."""
    flats = GaussianFlats.like_lsst(lags=4, gain=GAIN)
    variance = flats.covariances(levels)[:, 0, 0]
    if turnoff is not None:
        variance = np.where(levels > turnoff, variance * np.exp(-(levels - turnoff) / 10_000), variance)
    variance = variance * np.random.default_rng(seed).chisquare(pixels - 1, levels.size) / (pixels - 1)
    counts = np.full((levels.size, 1, 1), pixels)
    names = tuple(f"pair{k}" for k in range(levels.size))
    return Curve("A", levels / GAIN, variance[:, None, None], counts, names, ("",) * levels.size)


@pytest.mark.parametrize("pixels", [40_000, 1_000_000])
def test_good_points_are_all_used(pixels):
    for seed in range(20):
        selection = select_points(curve(np.linspace(500, 1e5, 40), seed=seed, pixels=pixels), max_signal=None)

        # 800 points beyond 5 sigma: false alarm 5e-4.
        assert selection.curve.used.all()
        assert not selection.turned
        assert selection.turnoff == pytest.approx(1e5 / GAIN)


@pytest.mark.parametrize("factors", [{5: 1.5}, {0: 30.0}, {20: 0.8, 21: 0.7}, {38: 3.0, 10: 1.1}, {39: 0.9}])
def test_outliers_are_found_and_nothing_else(factors):
    measured = curve(np.linspace(500, 1e5, 40))
    for k, factor in factors.items():
        measured.covariance[k] *= factor

    chosen = select_points(measured, max_signal=None).curve

    assert np.flatnonzero(~chosen.used).tolist() == sorted(factors)
    for k, factor in factors.items():
        assert chosen.reasons[k].startswith("outlier, " + ("+" if factor > 1 else "-"))


def test_what_lies_above_the_turnoff_or_the_limit_is_left_out():
    measured = curve(np.linspace(2000, 150_000, 75), turnoff=120_000)

    selection = select_points(measured, max_signal=80_000)

    assert selection.turned
    assert selection.turnoff * GAIN == pytest.approx(120_000, abs=1000)
    assert 50 < selection.turnoff_error * GAIN < 1000
    reasons = np.array(selection.curve.reasons)
    mean = measured.mean * GAIN
    assert (reasons[mean > 124_000] == "above the turnoff").all()
    # The limit counts in electrons of a first gain, good to a percent.
    assert (reasons[(mean > 83_000) & (mean < 116_000)] == "above 80000 e-").all()
    assert (reasons[mean < 77_000] == "").all()


def test_reasons_given_before_stay():
    measured = curve(np.linspace(500, 1e5, 40))
    reasons = ["dome was open" if k == 7 else "" for k in range(40)]

    chosen = select_points(measured.with_reasons(reasons), max_signal=None).curve

    assert np.flatnonzero(~chosen.used).tolist() == [7]
    assert chosen.reasons[7] == "dome was open"


def test_too_few_points_are_refused_with_their_reasons():
    with pytest.raises(NotEnoughFrames, match=r"3 points of 40 can be used.*37 above 10 e-"):
        select_points(curve(np.concatenate([[1.0, 2, 3], np.linspace(500, 1e5, 37)])), max_signal=10.0)
    with pytest.raises(NotEnoughFrames, match="1 pairs of 1"):
        select_points(curve(np.array([500.0])), max_signal=None)
