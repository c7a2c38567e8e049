from __future__ import annotations

import numpy as np
import pytest

from fullwell.errors import ParameterError
from fullwell.photon_transfer import find_turnoff, variance_turnoff
from fullwell.photon_transfer.turnoff import between_steps


def curve(step=1000.0, top=130_000.0, end=190_000.0):
    """Poisson with brighter-fatter, then charge shared along the column: the variance falls."""
    mean = np.arange(1000.0, end, step)
    variance = mean * np.exp(-3e-6 * mean)
    return mean, np.where(mean > top, variance * np.exp(-(mean - top) / 20_000), variance)


def test_a_noiseless_curve_turns_at_its_highest_point():
    mean, variance = curve()

    assert mean[variance_turnoff(variance)] == 130_000


@pytest.mark.parametrize("pixels", [40_000, 1_000_000])
def test_noise_moves_it_by_little_and_finds_none_where_none_is(pixels):
    mean, variance = curve(step=2500.0)
    plain = mean * np.exp(-2e-6 * mean)  # rises to the end
    random = np.random.default_rng(6)
    found = []
    for _ in range(200):
        noise = 1 + np.sqrt(2 / pixels) * random.standard_normal(mean.size)
        top = variance_turnoff(variance * noise, variance * np.sqrt(2 / pixels))
        found.append(mean[top])
        assert variance_turnoff(plain * noise, plain * np.sqrt(2 / pixels)) is None

    # Two steps of 2.5 ke- are the worst that 200 trials may show; the mean is off by less than 3 %.
    truth = mean[variance_turnoff(variance)]
    assert np.abs(np.array(found) - truth).max() <= 5000
    assert abs(np.mean(found) - truth) < 0.03 * truth


def test_a_single_low_or_high_point_is_no_turnoff():
    _, variance = curve(end=120_000)
    for factor in (0.5, 2.0):
        bad = variance.copy()
        bad[60] *= factor
        assert variance_turnoff(bad, 0.01 * variance) is None


def test_a_dip_that_recovers_is_no_turnoff():
    _, variance = curve(end=120_000)
    variance[60:63] *= [0.9, 0.8, 0.7]

    assert variance_turnoff(variance, 0.001 * variance) is None


def test_too_few_points_do_not_turn():
    assert variance_turnoff([]) is None
    assert variance_turnoff([3.0, 2.0]) is None
    assert variance_turnoff([3.0, 2.0, 1.0]) == 0


@pytest.mark.parametrize(("step", "most"), [(2500.0, 0.003), (5000.0, 0.01), (10_000.0, 0.03)])
def test_a_coarse_ramp_tells_the_turnoff_between_its_steps(step, most):
    # A point alone would be off by 6.8 % of the turnoff with steps of 10 ke-.
    for start in np.linspace(0.02, 0.98, 25):
        mean = np.arange(1000 + start * step, 190_000.0, step)
        variance = mean * np.exp(-3e-6 * mean)
        variance = np.where(mean > 130_000, variance * np.exp(-(mean - 130_000) / 20_000), variance)
        found, error = between_steps(mean, variance, variance_turnoff(variance))
        assert found == pytest.approx(130_000, rel=most)
        assert error == pytest.approx(step / np.sqrt(12))


def test_straight_lines_meet_exactly():
    mean = np.arange(1000.0, 190_000.0, 20_000.0)
    for at in (121_500.0, 135_000.0):
        variance = np.where(mean < at, mean, at - 2 * (mean - at))
        assert between_steps(mean, variance, int(variance.argmax()))[0] == pytest.approx(at)
    # At the end of a ramp the point itself has to do.
    assert between_steps([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], 0) == (1.0, pytest.approx(1 / np.sqrt(12)))


def shared(mean, onset):
    """Brighter-fatter, and above the onset the sharing of `FullWell`."""
    flow = 0.25 * np.clip((mean - onset) / (0.5 * onset), 0, 1)
    return mean * np.exp(-3e-6 * mean) * (1 - 4 * flow + 6 * flow**2)


@pytest.mark.parametrize("step", [500.0, 1000.0, 3000.0, 5000.0])
@pytest.mark.parametrize("pixels", [4000, 40_000, 1_000_000])
def test_the_error_holds_the_noise(step, pixels):
    # The truth is the same rule on the noiseless curve. 200 trials: widths are known to 5 %, asked for to
    # 25 % from above; below, 0.2 % for curves that are no lines count for more than the noise.
    random = np.random.default_rng(8)
    pulls, off = [], []
    for _ in range(200):
        mean = np.arange(1000 + random.uniform(0, step), 190_000.0, step)
        true = shared(mean, random.uniform(115e3, 135e3))
        error = true * np.sqrt(2 / pixels)
        found, own = find_turnoff(mean, true + error * random.standard_normal(mean.size), error)
        off.append(found - find_turnoff(mean, true)[0])
        pulls.append(off[-1] / own)
    pulls = np.array(pulls)
    assert (0.7 if pixels < 100_000 else 0.3) < np.sqrt(np.mean(pulls**2)) < 1.25
    assert np.abs(pulls).max() < 5.5
    assert np.abs(pulls.mean()) < 0.5
    assert np.std(off) < {4000: 2700, 40_000: 900, 1_000_000: 200}[pixels]


def test_points_that_lie_together_count_as_one():
    # Without that, 0.7 % of noise breaks the fall of a fine ramp again and again: off by 6 % and more.
    random = np.random.default_rng(9)
    mean = np.arange(1000.0, 190_000.0, 1000.0)
    true = np.where(mean < 125_500, mean, 251_000 - mean)
    for _ in range(50):
        variance = true * (1 + 0.007 * random.standard_normal(mean.size))
        mixed = random.permutation(mean.size)
        found, error = find_turnoff(mean[mixed], variance[mixed], 0.007 * true[mixed])
        assert found == pytest.approx(125_500, abs=5 * error)
        assert error < 1000
    # Two pairs of each level are one point.
    once = np.arange(1000.0, 190_000.0, 5000.0)
    twice = np.repeat(once, 2)
    both = find_turnoff(twice, shared(twice, 131_000))[0]
    assert both == pytest.approx(find_turnoff(once, shared(once, 131_000))[0], rel=1e-3)


def test_a_coarse_curve_without_a_turnoff_has_none():
    mean = np.arange(1000.0, 100_000.0, 3000.0)
    assert find_turnoff(mean, mean * np.exp(-3e-6 * mean)) is None
    assert find_turnoff([], []) is None


def test_noise_alone_does_not_turn_a_flat_stretch():
    # Constant variance is the worst there is; a real one rises up to the turnoff.
    random = np.random.default_rng(3)
    light = np.arange(1.0, 41.0)
    flat = rising = 0
    for _ in range(200):
        noise = 1 + 0.007 * random.standard_normal(light.size)
        flat += find_turnoff(light, 1e5 * noise, 700.0) is not None
        rising += find_turnoff(light, 3000 * light * noise, 0.007 * 3000 * light) is not None
    assert flat <= 2
    assert rising == 0


@pytest.mark.parametrize(
    ("mean", "variance", "error", "name"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0], 0.0, "variance"),
        ([[1.0, 2.0]], [[1.0, 2.0]], 0.0, "mean"),
        (["a", "b"], [1.0, 2.0], 0.0, "mean"),
        ([1.0, 2.0], [1.0, np.nan], 0.0, "variance"),
        ([1.0, 2.0], [1.0, 2.0], np.nan, "error"),
        ([1.0, 2.0], [1.0, 2.0], -1.0, "error"),
    ],
)
def test_values_that_make_no_curve_are_refused(mean, variance, error, name):
    with pytest.raises(ParameterError, match=name):
        find_turnoff(mean, variance, error)
