"""Hits of an Fe55 source."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullwell.detector import Detector
from fullwell.effects import Signal
from fullwell.effects.xrays import XRays, add_cloud
from fullwell.errors import ParameterError
from fullwell.noise import Noise

DETECTOR = Detector.single((300, 400))


def hit(rate, sigma, *, seconds=10.0, seed=1, image=None):
    image = np.zeros(DETECTOR.shape, np.float32) if image is None else image
    signal = Signal(image, DETECTOR, 0.0, seconds)
    XRays(rate, sigma).simulate(signal, noise=Noise(seed))
    return signal


def test_lines_scatter_as_fano_says():
    charge = hit(4000.0, 0.0).truth["xrays"][:, 2]
    # The number: Poisson, 5 sigma. Lines are 11 sigma apart.
    assert abs(charge.size - 40_000) < 5 * 200
    alpha = charge[charge < 1700]
    assert alpha.mean() == pytest.approx(1620, abs=5 * 14 / np.sqrt(alpha.size))
    assert alpha.var() == pytest.approx(0.12 * 1620 + 1 / 12, rel=5 * np.sqrt(2 / alpha.size))
    assert alpha.size / charge.size == pytest.approx(0.88, abs=0.01)


@given(st.floats(0, 3), st.integers(0, 1000))
def test_electrons_are_whole_and_none_gets_lost_inside(sigma, seed):
    signal = hit(3.0, sigma, seed=seed)
    np.testing.assert_array_equal(signal.image, np.rint(signal.image))
    hits = signal.truth["xrays"]
    margin = 5 * sigma + 2
    if hits.size and (
        hits[:, :2].min() > margin and hits[:, 0].max() < 399 - margin and hits[:, 1].max() < 299 - margin
    ):
        assert signal.image.sum() == hits[:, 2].sum()
    assert signal.image.sum() <= hits[:, 2].sum() + 1
    assert (signal.image >= 0).all()


def test_without_diffusion_one_pixel_has_it_all():
    signal = hit(1.0, 0.0, seed=4)
    assert (signal.image > 0).sum() == len(signal.truth["xrays"])
    for x, y, charge in signal.truth["xrays"]:
        assert signal.image[round(y), round(x)] == charge


def test_the_cloud_is_as_wide_as_it_says():
    image = np.zeros((41, 41), np.float32)
    add_cloud(image, 20.3, 19.8, 1e6, sigma=2.0)
    profile = image.sum(0, dtype=float)
    center = (profile * np.arange(41)).sum() / 1e6
    assert center == pytest.approx(20.3, abs=1e-3)
    # Pixels add a twelfth.
    assert (profile * (np.arange(41) - center) ** 2).sum() / 1e6 == pytest.approx(4 + 1 / 12, rel=1e-3)


def test_hits_add_to_what_is_there_and_need_time():
    base = np.full(DETECTOR.shape, 7, np.float32)
    assert (hit(5.0, 0.3, seconds=0.0, image=base).image == 7).all()
    assert (hit(5.0, 0.3, image=base).image >= 7).all()
    assert (base == 7).all()


@pytest.mark.parametrize(
    ("rate", "sigma", "name"), [(-1, 0.3, "rate"), (np.nan, 0.3, "rate"), (1, -1, "sigma")]
)
def test_impossible_values_are_refused(rate, sigma, name):
    with pytest.raises(ParameterError, match=name):
        XRays(rate, sigma)
