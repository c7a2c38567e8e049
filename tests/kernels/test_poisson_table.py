"""Tables are a short cut: every number is that of the sum, term by term."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.kernels import random, random_reference
from fullwell.kernels.poisson_table import CELLS_PER_ROOT, tables, thresholds

SMALL = st.floats(min_value=0, max_value=30, exclude_min=True, exclude_max=True, width=32)
ENDS = np.concatenate([np.arange(600), 2**32 - 1 - np.arange(600)]).astype(np.uint32)


def reference(mean: float, words: np.ndarray) -> np.ndarray:
    return random_reference.poisson(np.full(words.shape, mean, np.float32), words)


def words_at_steps(mean: float) -> np.ndarray:
    """Words on both sides of every place where the number grows, and at both ends."""
    steps = thresholds(mean)
    near = (steps[:, None] + np.arange(-2, 4)).clip(0, 2**32 - 1).ravel()
    return np.concatenate([near.astype(np.uint32), ENDS])


@settings(max_examples=200, deadline=None)
@given(mean=SMALL)
def test_next_to_every_step(mean):
    words = words_at_steps(mean)
    expected = reference(mean, words)
    np.testing.assert_array_equal(random.poisson(np.full(words.shape, mean, np.float32), words), expected)
    counted = (words[:, None].astype(np.int64) > thresholds(mean)).sum(axis=1)
    np.testing.assert_array_equal(counted, expected)


def test_where_cells_meet():
    edges = ((np.arange(1, 351) / CELLS_PER_ROOT) ** 2).astype(np.float32)
    means = np.concatenate([edges, np.nextafter(edges, np.float32(0)), np.nextafter(edges, np.float32(99))])
    means = np.repeat(means[means < 30], 512)
    words = random.words(means.shape, seed=1, exposure=2, effect=3)
    np.testing.assert_array_equal(random.poisson(means, words), random_reference.poisson(means, words))


def test_the_margin_holds_what_the_line_leaves_out():
    """F at means all over each cell, beside value and slope of its middle."""
    cells, guide, curves = tables()
    per_root = float(CELLS_PER_ROOT)
    k = np.arange(curves.shape[1])
    for cell in range(0, len(cells) - 2, 7):
        for part in (0.0, 0.25, 0.5, 0.9, 1.0):
            mean = ((cell + part) / per_root) ** 2
            p = np.exp(-mean) * np.cumprod(np.concatenate([[1.0], mean / k[1:]]))
            line = curves[cell, :, 0] - (mean - cells[cell, 0]) * curves[cell, :, 1]
            assert np.abs(np.cumsum(p) - line).max() < cells[cell, 1]
    assert cells[:, 1].max() < 1e-4  # or most words would be summed
    assert (np.diff(guide.astype(int), axis=1) >= 0).all()
    assert (curves[:, -1, 0] > 1 - 1e-6).all()  # the search ends within the table


@pytest.mark.parametrize("mean", [0.0, -1.0, np.nan])
def test_no_mean_no_threshold(mean):
    assert thresholds(mean).size == 0
