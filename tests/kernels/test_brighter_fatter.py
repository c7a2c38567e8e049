"""The compiled loops against the plain form, and what both must do whatever comes in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fullwell.errors import FrameError
from fullwell.kernels.brighter_fatter import mirrored, moved_charge
from fullwell.kernels.brighter_fatter_reference import moved_charge as plain


def _tables(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(0, 1e-6, (n - 1, n)), random.normal(0, 1e-6, (n, n - 1))


@pytest.mark.parametrize("shape", [(11, 11), (40, 1100), (70, 2051), (33, 64)])
@pytest.mark.parametrize("n", [2, 5, 8, 11])
def test_compiled_and_plain_agree_to_the_last_bit(shape: tuple[int, int], n: int) -> None:
    random = np.random.default_rng(2)
    light, charge = (random.uniform(0, 1e5, shape).astype(np.float32) for _ in range(2))
    east, north = (table.astype(np.float32) for table in _tables(n))
    np.testing.assert_array_equal(moved_charge(light, charge, east, north), plain(light, charge, east, north))


def test_one_electron_moves_the_boundaries_as_the_tables_say() -> None:
    n = 4
    east, north = _tables(n)
    light, charge = np.ones((20, 20), np.float32), np.zeros((20, 20), np.float32)
    charge[10, 9] = 1
    gained = moved_charge(light, charge, east, north)
    # The pixel itself: each of its four boundaries goes outward by what the tables say.
    assert gained[10, 9] == pytest.approx(2 * east[0, 0] + 2 * north[0, 0], rel=1e-6)
    # Two columns to the right and one row up: its right, left, upper and lower boundary.
    expected = east[2, 1] - east[1, 1] + north[2, 1] - north[2, 0]
    assert gained[11, 11] == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(gained[:, 9 - 5 : 9], gained[:, 14:9:-1], rtol=1e-6, atol=1e-15)
    np.testing.assert_allclose(gained[10 - 5 : 10], gained[15:10:-1], rtol=1e-6, atol=1e-15)


@settings(max_examples=30, deadline=None)
@given(
    images=hnp.arrays(np.float32, (2, 12, 17), elements=st.floats(0, 65536, width=32)),
    n=st.integers(2, 12),
)
def test_charge_is_moved_not_made(images: np.ndarray, n: int) -> None:
    gained = moved_charge(images[0], images[1], *_tables(n))
    assert abs(gained.sum(dtype=np.float64)) <= 1e-6 * np.abs(gained).sum(dtype=np.float64) + 1e-9


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_bits_do_not_depend_on_threads(workers: int) -> None:
    random = np.random.default_rng(3)
    light, charge = (random.uniform(0, 1e4, (100, 90)).astype(np.float32) for _ in range(2))
    one = moved_charge(light, charge, *_tables(6), workers=workers)
    np.testing.assert_array_equal(one, moved_charge(light, charge, *_tables(6)))


def test_an_even_flat_stays_even_up_to_its_edges() -> None:
    flat = np.full((30, 40), 1e5, np.float32)
    assert np.abs(moved_charge(flat, flat, *_tables(8))).max() < 1e-2  # of 100 000


def test_mirrored() -> None:
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(mirrored(image, 3), np.pad(image, 3, mode="symmetric"))


def test_what_does_not_fit_is_refused() -> None:
    image = np.ones((10, 10), np.float32)
    with pytest.raises(FrameError, match="one shape"):
        moved_charge(image, image[:5], *_tables(4))
    with pytest.raises(FrameError, match="11 pixels or more"):
        moved_charge(image, image, *_tables(11))
    with pytest.raises(FrameError, match="displacements"):
        moved_charge(image, image, _tables(4)[0], _tables(5)[1])
