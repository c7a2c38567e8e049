"""What is set for one exposure alone: what is taken, and what is refused before anything is simulated."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell import Bias, BiasWander, Detector, Illumination, SignalChain
from fullwell.errors import ParameterError

DETECTOR = Detector.single((4, 5))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"bais": {"level_offset": 1.0}}, "did you mean 'bias'"),
        ({"gain": {"values": 1.0}}, "state = 'gain'"),
        ({"bias": {"levl_ofset": 1.0}}, "did you mean 'level_offset'"),
        ({"bias": 3.0}, "a mapping with level_offset"),
        ({"bias": {"level_offset": np.nan}}, "a finite number"),
        ({"bias": {"level_offset": "much"}}, "a finite number"),
        ({"bias": {"level_offset": True}}, "a finite number"),
        ({"bias_wander": {"hour": np.inf}}, "a finite number"),
        ({"fringes": {"amplitude": np.float32("nan")}}, "a finite number"),
        ({"illumination": {"source": 3}}, "a word"),
        ({"illumination": {"source": "Lamp"}}, "'lamp' or 'sky'"),
        ([("bias", 1.0)], "a mapping, such as"),
    ],
)
def test_what_nobody_knows_is_refused(state, message):
    chain = SignalChain([Bias(100.0), BiasWander(), Illumination(np.ones((4, 5)))], detector=DETECTOR)
    with pytest.raises(ParameterError, match=message):
        chain.expose(None, 1.0, seed=1, state=state)


@pytest.mark.parametrize("offset", [2, 2.0, np.float32(2), np.int16(2)])
def test_what_is_known_is_taken(offset):
    """An effect that this chain lacks may be named: one state serves a chain and a part of it."""
    state = {"bias": {"level_offset": offset}, "fringes": {"amplitude": 0.5}, "bias_wander": {}}
    made = SignalChain([Bias(100.0)], detector=DETECTOR).expose(None, 1.0, seed=1, state=state)
    assert (made.frame.data == 102).all()
