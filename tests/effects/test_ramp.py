"""Means of a ramp: the same pixels at all levels."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell import Noise
from fullwell.effects.ramp import ramp_of
from fullwell.frame import Frame, FrameSet


def test_features_of_the_response_stay_in_the_mean_at_all_levels():
    """A strip of 5 % less response is in the noise of faint flats and far outside that of bright ones."""
    response = np.ones((200, 100), np.float32)
    response[:2] = 0.95
    levels = np.array([300.0, 3e3, 3e4, 3e5])
    frames = [
        Frame(Noise(1, k).stream("light").poisson(level * response), exposure_time=float(level))
        for k, level in enumerate(levels)
    ]
    ramp = ramp_of(FrameSet(frames), known=None, light=None)
    # 5 sigma of the brightest, 2 10^4 pixels each: the strip is 0.0005 of the mean.
    relative = ramp.means[:, 0] / (levels * response.mean(dtype=np.float64)) - 1
    errors = 1 / np.sqrt(levels * response.size)
    assert (np.abs(relative) < 5 * errors).all()
    assert errors[-1] < 0.1 * 0.0005


def test_what_is_far_beyond_the_response_is_left_out():
    data = np.full((50, 50), 1000.0, np.float32)
    data[3, 4] = 60_000.0
    ramp = ramp_of(FrameSet([Frame(data, exposure_time=1.0)]), known=None, light=None)
    assert ramp.means[0, 0] == pytest.approx(1000.0)
    assert ramp.pixels[0, 0] == data.size - 1
