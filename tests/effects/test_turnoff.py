from __future__ import annotations

import numpy as np
import pytest

from fullwell.effects.turnoff import linearity_turnoff
from fullwell.errors import FrameError, ParameterError

LIGHT = np.arange(1.0, 61.0)


def test_a_plateau_is_found_at_its_height():
    turnoff = linearity_turnoff(LIGHT, np.minimum(3000 * LIGHT, 136_000.0))

    assert turnoff.value == pytest.approx(136_000, rel=1e-9)
    assert turnoff.error < 1e-6


def test_a_slow_bend_is_found_where_it_passes_the_tolerance():
    x = 3000 * LIGHT
    means = x - np.where(x > 100_000, 0.3 * (x - 100_000), 0.0)
    for tolerance in (0.01, 0.02):
        crossing = 100_000 * 0.3 / (0.3 - tolerance)  # of the light
        turnoff = linearity_turnoff(LIGHT, means, tolerance=tolerance)
        assert turnoff.value == pytest.approx(crossing * (1 - tolerance), abs=700)
        assert abs(turnoff.value - crossing * (1 - tolerance)) < 2 * turnoff.error


def test_order_and_offset_do_not_matter():
    mixed = np.random.default_rng(1).permutation(60)
    means = np.minimum(3000 * LIGHT, 136_000.0)
    assert linearity_turnoff(LIGHT[mixed], means[mixed]) == linearity_turnoff(LIGHT, means)
    late = linearity_turnoff(LIGHT, np.minimum(3000 * (LIGHT + 0.3), 136_000.0))
    # The first frames are 30 % too bright for the line through zero, and a little too bright for this one.
    assert late.value == pytest.approx(136_000, rel=1e-4)


def test_a_ramp_that_does_not_get_there_is_refused():
    with pytest.raises(FrameError, match="does not reach the turnoff"):
        linearity_turnoff(LIGHT, 3000 * LIGHT)
    with pytest.raises(FrameError, match="needed for the line"):
        linearity_turnoff([1.0, 2.0, 30.0], [1.0, 2.0, 20.0])


@pytest.mark.parametrize(
    ("options", "name"), [({"tolerance": 0.0}, "tolerance"), ({"line": (0.5, 0.1)}, "line")]
)
def test_impossible_values_are_refused(options, name):
    with pytest.raises(ParameterError, match=name):
        linearity_turnoff(LIGHT, 3000 * LIGHT, **options)
    with pytest.raises(ParameterError, match="light"):
        linearity_turnoff(-LIGHT, LIGHT)
    with pytest.raises(ParameterError, match="means"):
        linearity_turnoff(LIGHT, LIGHT[:3])
