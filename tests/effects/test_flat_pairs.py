"""Gain.measure and ReadNoise.measure: thin wraps of photon transfer and of the scatter of biases."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell import Bias, Frame, FrameSet, Gain, Noise, ReadNoise, SignalChain
from fullwell.errors import ChainError, FrameError
from fullwell.flags import Flags
from fullwell.photon_transfer import GaussianFlats

LEVELS = np.concatenate([[0.0, 0.0], np.linspace(2_500, 90_000, 14)])
BIAS = SignalChain([Bias(level=1000.0)])


def raw(levels=LEVELS, seed=0):
    flats = GaussianFlats.like_lsst(lags=3, shape=(150, 150))
    frames = []
    for k, mean in enumerate(levels):
        for frame in flats.pair(mean, noise=Noise(seed, k)):
            frames.append(Frame(frame.data + np.float32(1000), exposure_time=mean + k * (mean > 0)))
    return FrameSet(frames)


def test_gain_and_read_noise_of_a_ramp():
    frames = raw()
    gain = Gain.measure(frames, known=BIAS, model="exponential")
    noise = ReadNoise.measure(frames, known=BIAS, model="exponential")

    # 5 sigma, 6e-7 each; the exponential model is off by less than one.
    assert abs(gain.values[0] - 1.5) < 5 * gain.errors[0] < 0.1
    assert "photon transfer" in gain.source
    assert noise.unit == u.electron
    assert abs(noise.values[0] - 5.4) < 5 * noise.errors[0] < 0.8


def test_read_noise_of_biases_is_their_scatter_in_their_unit():
    biases = raw(np.zeros(5))
    adu = ReadNoise.measure(biases)
    electrons = ReadNoise.measure(biases, known=SignalChain([*BIAS.effects, Gain(1.5)]))

    # 2.2e5 values: 0.2 %; 5 sigma.
    assert adu.unit == u.adu
    assert adu.digitized
    assert adu.values[0] == pytest.approx(5.4 / 1.5, rel=0.01)
    assert electrons.unit == u.electron
    assert electrons.values[0] == pytest.approx(5.4, rel=0.01)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ChainError, match="bias in"):
        Gain.measure(raw(LEVELS[:4]))
    frames = raw()
    masked = frames.map(lambda f: f.with_(flags=np.full(f.shape, int(Flags.BAD), np.uint16)))
    with pytest.raises(FrameError):
        Gain.measure(masked, known=BIAS)
    with pytest.raises(FrameError):
        ReadNoise.measure(masked, known=BIAS)
