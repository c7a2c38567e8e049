from __future__ import annotations

import numpy as np
import pytest
from astropy.io.fits import Header

from fullwell.errors import FrameError, NotEnoughFrames, ParameterError
from fullwell.frame import Frame, FrameSet
from fullwell.photon_transfer import match_pairs


def frames(*times, **cards):
    return FrameSet([Frame(np.zeros((2, 2)), exposure_time=t, header=Header(cards)) for t in times])


def test_partners_are_taken_in_order_within_the_tolerance():
    assert match_pairs(frames(1, 2, 1.004, 2.006, 1, 2, 1)) == ([(0, 2), (1, 5), (4, 6)], [3])
    assert match_pairs(frames(1, 1.2, 5), tolerance=0.3) == ([(0, 1)], [2])


def test_a_card_may_say_how_much_light_there_was():
    bright = [Frame(np.zeros((2, 2)), exposure_time=1, header=Header({"CCOBFLUX": f})) for f in (3.0, 5, 3.0)]

    assert match_pairs(bright, by="CCOBFLUX", tolerance=0) == ([(0, 2)], [1])
    with pytest.raises(FrameError, match="CCOBFLUX is None"):
        match_pairs(frames(1, 1), by="CCOBFLUX")


def test_what_cannot_be_is_refused():
    with pytest.raises(NotEnoughFrames, match="none of the 3 frames"):
        match_pairs(frames(1, 2, 3))
    with pytest.raises(FrameError, match="exposure time"):
        match_pairs(frames(None, 1))
    with pytest.raises(ParameterError, match="tolerance"):
        match_pairs(frames(1, 1), tolerance=-1)
