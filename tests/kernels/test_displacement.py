"""Charge within moved boundaries: both forms agree, charge is kept, and even light shows the areas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.errors import FrameError
from fullwell.kernels.displacement import displaced
from fullwell.kernels.displacement_reference import displaced_plain


def moved(random, shape, most):
    rows, columns = shape
    east, north = (
        random.uniform(-most, most, size).astype(np.float32)
        for size in ((rows, columns + 1), (rows + 1, columns))
    )
    return east, north


def closed(east, north):
    east[:, [0, -1]] = 0
    north[[0, -1]] = 0
    return east, north


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    most=st.sampled_from([0.1, 0.9, 4.0]),
)
def test_compiled_and_plain_give_the_same(seed, shape, most):
    random = np.random.default_rng(seed)
    light = (random.exponential(100, shape) * (random.random(shape) > 0.3)).astype(np.float32)
    boundaries = moved(random, shape, most)
    np.testing.assert_allclose(displaced(light, *boundaries), displaced_plain(light, *boundaries), atol=2e-3)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_charge_is_kept_and_none_is_negative(seed, shape):
    """Boundaries in the corners of a pixel are never 0.1 from each other: no more leaves than there is."""
    random = np.random.default_rng(seed)
    light = (random.exponential(100, shape) * (random.random(shape) > 0.3)).astype(np.float32)
    after = displaced(light, *closed(*moved(random, shape, 0.12)))
    assert after.min() >= 0
    assert after.sum(dtype=np.float64) == pytest.approx(light.sum(dtype=np.float64), rel=1e-6)


def test_even_light_shows_the_areas():
    east, north = moved(np.random.default_rng(3), (30, 40), 0.2)
    after = displaced(np.full((30, 40), 1000, np.float32), east, north)
    area = 1 + np.diff(east, axis=1) + np.diff(north, axis=0)
    np.testing.assert_allclose(after / 1000, area, atol=1e-6)


@pytest.mark.parametrize("shift", [0.3, -0.3, 1.0, 2.6, -3.4])
def test_light_in_a_straight_line_is_followed_exactly(shift):
    """Boundaries to the right collect light from the right."""
    light = np.broadcast_to(np.arange(20, dtype=np.float32) + 5, (4, 20))
    after = displaced(light, np.full((4, 21), shift, np.float32), np.zeros((5, 20), np.float32))
    np.testing.assert_allclose(after[:, 5:15], light[:, 5:15] + shift, rtol=1e-6)


def test_threads_do_not_matter():
    random = np.random.default_rng(1)
    light = random.exponential(100, (300, 50)).astype(np.float32)
    boundaries = moved(random, light.shape, 0.3)
    one, many = (displaced(light, *boundaries, workers=workers) for workers in (1, 3))
    np.testing.assert_array_equal(one, many)


def test_boundaries_that_do_not_fit_are_refused():
    with pytest.raises(FrameError, match=r"\(4, 4\)"):
        displaced(np.ones((4, 4), np.float32), np.zeros((4, 4)), np.zeros((5, 4)))
