"""Gain, read noise, shot noise: closed forms forward and backward."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from simulated_frames import adu, electrons, signal, two_amplifiers

from fullwell import Detector, Gain, Noise, ReadNoise, ShotNoise
from fullwell.errors import ChainError, ParameterError


def test_gain_there_and_back():
    made = signal(340.0)
    Gain(1.7 * u.electron / u.adu).simulate(made, noise=Noise(1))

    assert (made.image == 200).all()
    assert made.unit == u.adu
    back = Gain(1.7).correct(adu(200.0, variance=np.full((100, 120), 9, np.float32)))
    assert back.unit == u.electron
    np.testing.assert_allclose(back.data, 340)
    np.testing.assert_allclose(back.variance, 9 * 1.7**2, rtol=1e-6)


def test_each_amplifier_has_its_gain():
    detector = two_amplifiers()
    gain = Gain([1.0, 2.0])
    made = signal(100.0, detector=detector)
    made.to_raw()
    gain.simulate(made, noise=Noise(1))

    assert (made.image[:, :60] == 100).all()
    assert (made.image[:, 76:136] == 50).all()
    corrected = gain.correct(adu(1.0, detector=detector.without_scans()))
    assert corrected.data[0, [0, 59, 60, 119]].tolist() == [1, 1, 2, 2]


def test_units_are_checked():
    with pytest.raises(ChainError, match="turns ADU into electrons"):
        Gain(1.0).correct(electrons(1.0))
    with pytest.raises(ChainError, match="is the gain missing"):
        ReadNoise(5.0).correct(adu(1.0))
    with pytest.raises(ChainError, match="add a Gain"):
        ShotNoise().correct(adu(1.0))
    with pytest.raises(ChainError, match="in ADU cannot be simulated"):
        ReadNoise(5.0, unit=u.adu).simulate(signal(), noise=Noise(1))


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, [1, -2], 3 * u.s])
def test_impossible_values_are_refused(value):
    with pytest.raises(ParameterError):
        Gain(value)


def test_read_noise_may_be_zero_but_not_negative():
    assert ReadNoise(0.0).values == (0.0,)
    assert ReadNoise([3 * u.electron, 4.0]).values == (3.0, 4.0)
    with pytest.raises(ParameterError):
        ReadNoise(-1.0)


def test_read_noise_has_its_mean_variance_and_distribution():
    made = signal(100.0, detector=Detector.single((500, 600)))
    ReadNoise(7.0).simulate(made, noise=Noise(3))
    noise = made.image.astype(np.float64) - 100

    # 3e5 values: mean 0.0128, variance 0.26 %, kurtosis 0.009; 4 sigma each, false alarm 2e-4 together.
    assert abs(noise.mean()) < 0.052
    assert noise.var() == pytest.approx(49, rel=0.0105)
    assert abs((noise**4).mean() / noise.var() ** 2 - 3) < 0.036
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 4 / np.sqrt(3e5)


@pytest.mark.parametrize("mean", [0.3, 5.0, 29.0, 31.0, 1000.0, 40_000.0])
def test_shot_noise_is_poisson(mean):
    made = signal(mean, detector=Detector.single((500, 600)))
    ShotNoise().simulate(made, noise=Noise(4))
    counts = made.image.astype(np.float64)

    # 3e5 values: 4 sigma each, false alarm 1e-4 for both.
    assert counts.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / 3e5))
    assert counts.var() == pytest.approx(mean, rel=4 * np.sqrt((2 + 1 / mean) / 3e5))
    assert (counts % 1 == 0).all()


def test_backward_they_only_add_variance():
    frame = electrons(100.0)
    quiet = ReadNoise(5.0).correct(frame)
    noisy = ShotNoise().correct(quiet)

    assert (quiet.variance == 25).all()
    assert (noisy.variance == 125).all()
    assert noisy.data is frame.data
    assert noisy.variance.dtype == np.float32


def test_faint_pixels_are_not_clipped_but_floored_and_counted():
    frame = electrons(0.0)
    frame.data[0, 0], frame.data[0, 1] = -20, -30
    noisy = ShotNoise().correct(ReadNoise(5.0).correct(frame))

    assert noisy.variance[0].tolist()[:3] == [5.0, 2.5, 25.0]
    assert noisy.header["NVARFLR"] == 1
    assert "NVARFLR" not in frame.header
