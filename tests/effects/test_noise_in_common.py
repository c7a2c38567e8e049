"""What common noise does to the covariance of a fit, against many trials."""

from __future__ import annotations

import numpy as np
import pytest

from fullwell.effects.noise_in_common import excess_scatter

ROWS, COLUMNS = 60, 50


@pytest.fixture
def design():
    """A slope along the rows, and one along the columns, about their means."""
    y, x = np.indices((ROWS, COLUMNS))
    both = np.stack([y.ravel() - y.mean(), x.ravel() - x.mean()]).astype(float)
    return both / np.abs(both).max()


def test_the_error_is_that_of_many_trials(design):
    """2000 trials: their scatter has an error of 1.6 %, so that 6 % are 3.8 of these."""
    random = np.random.default_rng(1)
    rows = np.repeat(np.arange(ROWS), COLUMNS)
    white = np.linalg.inv(design @ design.T)
    found, predicted = [], []
    for _ in range(2000):
        noise = random.normal(size=ROWS * COLUMNS) + 0.3 * random.normal(size=ROWS)[rows]
        solution = white @ (design @ noise)
        found.append(solution)
        extra = excess_scatter(design, noise - solution @ design, [rows])
        predicted.append(np.diag(white + white @ extra @ white))
    scatter = np.var(found, axis=0)
    np.testing.assert_allclose(np.mean(predicted, axis=0)[0], scatter[0], rtol=0.12)
    # A slope along the columns does not feel levels of rows.
    assert np.mean(predicted, axis=0)[1] == pytest.approx(white[1, 1], rel=1e-6)


def test_white_noise_has_nothing_in_common(design):
    """The part that is common is known to sqrt(2 / (60 * 50^2)) = 0.4 %, and is not negative."""
    noise = np.random.default_rng(2).normal(size=ROWS * COLUMNS)
    rows = np.repeat(np.arange(ROWS), COLUMNS)
    sums = np.stack([np.bincount(rows, column) for column in design])
    extra = excess_scatter(design, noise, [rows])
    assert 0 <= extra[0, 0] < 0.02 * (sums @ sums.T)[0, 0]


def test_sets_of_one_pixel_have_nothing_in_common(design):
    noise = np.random.default_rng(3).normal(size=ROWS * COLUMNS)
    assert not excess_scatter(design, noise, [np.arange(noise.size)]).any()
