from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.night.looking import clipped
from fullwell.night.tallies import Tally


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 30)),
    spread=st.sampled_from([0.0, 3.0, 20000.0]),
    percent=st.sampled_from([0, 1, 37.5, 50, 99, 100]),
)
def test_a_tally_has_the_statistics_of_its_values(seed, shape, spread, percent):
    random = np.random.default_rng(seed)
    image = np.clip(random.normal(30000, spread, shape), 0, 65535).astype(np.uint16)
    values, tally = image.ravel().astype(np.float64), Tally.of(image)

    assert tally.size == values.size
    assert (tally.mean, tally.std) == pytest.approx((values.mean(), values.std()), abs=1e-6)
    assert tally.median == np.median(values)
    assert tally.percentile(percent) == pytest.approx(np.percentile(values, percent), rel=1e-12)
    assert tally.share(30000) == (values >= 30000).mean()


def test_clipping_leaves_out_the_same_values():
    image = np.random.default_rng(2).normal(1000, 8, (60, 60)).astype(np.uint16)
    image[3, 4], image[5, 6] = 60000, 1100
    kept = clipped(image.ravel().astype(np.float64))
    tally = Tally.of(image).clipped()

    assert tally.size == kept.size < image.size
    assert tally.std == pytest.approx(kept.std(), rel=1e-9)


def test_differences_of_neighbors():
    image = np.random.default_rng(3).integers(0, 65536, (20, 31)).astype(np.uint16)
    steps = (image[:, 2:].astype(np.float64) - image[:, :-2]).ravel()

    assert Tally.of_differences(image).std == pytest.approx(steps.std())
    assert Tally.of_differences(image).median == np.median(steps)
