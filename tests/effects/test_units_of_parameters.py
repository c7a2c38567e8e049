"""Parameters with a unit become plain numbers in that of the effect; other units are refused."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell import Bias, CosmicRays, Dark, Detector, SignalChain, Telegraph, Trap
from fullwell.errors import ChainError, ParameterError


@pytest.mark.parametrize(
    ("make", "name", "value", "number"),
    [
        (lambda v: Dark(1.0, dead_time=v), "dead_time", 500 * u.ms, 0.5),
        (lambda v: Bias(1000.0, drift=v), "drift", 3 * u.adu, 3.0),
        (lambda v: Trap(5, v), "size", 2 * u.electron, 2.0),
    ],
)
def test_a_unit_is_taken_or_refused(make, name, value, number):
    assert getattr(make(value), name) == pytest.approx(number)
    assert getattr(make(number), name) == number
    with pytest.raises(ParameterError):
        make(1 * u.m)
    with pytest.raises(ParameterError, match=name):
        make(np.nan)


@pytest.mark.parametrize("depth", [0.0, -1.0, np.nan])
def test_silicon_has_a_depth(depth):
    with pytest.raises(ParameterError, match="depth"):
        CosmicRays(depth=depth)


def test_a_telegraph_pixel_outside_of_the_frame_is_refused():
    chain = SignalChain([Telegraph([(1, 2), (3, 9)])], detector=Detector.single((5, 6)))
    with pytest.raises(ChainError, match=r"\(3, 9\) lies outside"):
        chain.expose(None, 1.0, seed=1)
    with pytest.raises(ParameterError, match="whole rows"):
        Telegraph([(1.5, 2.0)])
