from __future__ import annotations

import numpy as np
import pytest

from fullwell.effects.turnoff import linearity_turnoff, variance_turnoff
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


def test_the_variance_turns_where_it_falls_for_good():
    means = 3000 * LIGHT
    variances = np.where(means <= 129_000, means, 129_000 - (means - 129_000))
    turnoff = variance_turnoff(means, variances)

    assert turnoff.value == pytest.approx(129_000, rel=1e-3)
    assert turnoff.error < 200
    few = slice(41, 46)  # too few points about it for two lines
    turnoff = variance_turnoff(means[few], variances[few])
    assert turnoff.value == 129_000
    assert turnoff.error == pytest.approx(6000 / np.sqrt(12))
    assert variance_turnoff(means, means) is None
    # One point that is low by chance is no turnoff.
    variances = means.copy()
    variances[20] *= 0.9
    assert variance_turnoff(means, variances) is None


def test_the_error_of_the_bend_is_right():
    rng = np.random.default_rng(5)
    means = 3000 * LIGHT
    pulls = []
    for _ in range(150):
        at = rng.uniform(120e3, 130e3)
        true = np.where(means <= at, means, at - (means - at))
        error = 0.01 * true
        found = variance_turnoff(means, true + error * rng.standard_normal(60), errors=error)
        pulls.append((found.value - at) / found.error)
    # 150 trials: the width is known to 6 %, asked for to 35 % about 1 (the bend is no linear parameter).
    assert np.std(pulls) == pytest.approx(1.0, abs=0.35)
    assert abs(np.mean(pulls)) < 0.4


def test_noise_alone_does_not_turn_a_flat_stretch():
    rng = np.random.default_rng(3)
    false = 0
    for _ in range(200):
        variances = 1e5 * (1 + 0.007 * rng.standard_normal(30))
        false += variance_turnoff(np.arange(30.0), variances, errors=700.0) is not None
    # Constant variance is the worst there is; a real one rises up to the turnoff.
    rising = 0
    for _ in range(200):
        variances = 3000 * LIGHT[:40] * (1 + 0.007 * rng.standard_normal(40))
        rising += variance_turnoff(LIGHT[:40], variances, errors=0.007 * 3000 * LIGHT[:40]) is not None
    assert false > rising
    assert rising <= 10
