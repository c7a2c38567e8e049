from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.detector import effective_bits
from fullwell.errors import ParameterError


@settings(deadline=None)
@given(shift=st.integers(0, 6), seed=st.integers(0, 1000))
def test_the_shift_of_simulated_frames_is_found(shift, seed):
    # False alarms: 2000 values of a converter that share a factor of 2 by chance, 2^-2000.
    values = np.random.default_rng(seed).integers(0, 1 << (16 - shift), size=(40, 50)) << shift
    assert effective_bits(values.astype(np.uint16)) == (16 - shift, shift)


def test_a_full_scale_pixel_does_not_hide_the_shift():
    values = (np.arange(1000) << 4).astype(np.uint16)
    values[3] = 65535
    assert effective_bits(values) == (12, 4)


def test_floats_that_hold_integers_are_read():
    assert effective_bits((np.arange(500) * 4).astype(np.float32)) == (14, 2)


@pytest.mark.parametrize(
    "data",
    [
        np.zeros((50, 50), np.uint16),
        np.full((50, 50), 1024, np.uint16),
        np.tile(np.array([1024, 2048, 4096], np.uint16), 1000),
        np.arange(1000) * 0.5,
        np.full(1000, np.nan),
        np.arange(1000) * 4 - 8,
        np.arange(1000) * 400,
        np.zeros((0, 5), np.uint16),
    ],
    ids=["zeros", "constant", "three values", "fractions", "nan", "negative", "too large", "empty"],
)
def test_images_that_cannot_tell_are_left_undecided(data):
    assert effective_bits(data) is None


def test_values_late_in_the_image_count_too():
    values = np.zeros(5000, np.uint16)
    values[-100:] = np.arange(100) * 16
    assert effective_bits(values) == (12, 4)


def test_other_depths():
    assert effective_bits(np.arange(3000) * 2, bits=18) == (17, 1)
    with pytest.raises(ParameterError, match="bits"):
        effective_bits(np.arange(100), bits=4)


def test_a_shift_never_leaves_fewer_than_eight_bits():
    assert effective_bits(np.arange(64) * 1024) == (8, 8)
