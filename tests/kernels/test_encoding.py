from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullwell.kernels.encoding import decode_halves, encode, encode_deviations, encode_mask, sum_of_words

SIZES = st.sampled_from([0, 1, 2, 3, 5, 1023, 1025, 4100, 2**17 + 3])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=SIZES)
def test_compiled_and_plain_encode_alike(seed, size):
    random = np.random.default_rng(seed)
    floats = random.integers(0, 2**32, size, dtype=np.uint32).view(np.float32)  # NaN and inf among them
    flags = random.integers(0, 2**16, size).astype(np.uint16)
    variance = np.abs(floats)
    pairs = [
        [encode(floats, compiled=how) for how in (True, False)],
        [encode(flags, compiled=how) for how in (True, False)],
        [encode_mask(flags, 0x8005, compiled=how) for how in (True, False)],
        [encode_deviations(variance, compiled=how)[0] for how in (True, False)],
    ]
    for fast, plain in pairs:
        assert fast.content.tobytes() == plain.content.tobytes()
        assert fast.total == plain.total == sum_of_words(plain.content)


@pytest.mark.parametrize("compiled", [True, False])
def test_what_is_stored_is_what_fits_says(compiled):
    assert encode(np.float32([1.0, -2.0]), compiled=compiled).content.tobytes() == b"\x3f\x80\0\0\xc0\0\0\0"
    # 1 + 0x8000 and 65535 + 0x8000, without what runs over.
    halves = encode(np.uint16([1, 65535, 0]), compiled=compiled)
    assert halves.content.tobytes() == b"\x80\x01\x7f\xff\x80\0"
    assert halves.total == 0x80017FFF + 0x80000000
    mask = encode_mask(np.uint16([0, 4, 8, 12, 4]), 4, compiled=compiled)
    assert mask.content.tobytes() == b"\0\1\0\1\1"
    assert mask.total == 0x00010001 + 0x01000000
    roots, lowest = encode_deviations(np.float32([4.0, 0.25]), compiled=compiled)
    assert roots.content.tolist() == [2.0, 0.5]
    assert lowest == 0


@pytest.mark.parametrize("turn", [0, 0x8000])
@pytest.mark.parametrize("compiled", [True, False])
def test_what_was_stored_comes_back(turn, compiled):
    values = np.uint16([0, 1, 255, 256, 0x8000, 65535])
    words = (values ^ np.uint16(turn)).astype(">u2").view(np.uint16).copy()
    decode_halves(words, turn=turn, compiled=compiled)
    assert words.tolist() == values.tolist()


@pytest.mark.parametrize("compiled", [True, False])
def test_the_least_variance_is_told(compiled):
    values = np.ones(3000, np.float32)
    values[[5, 2000]] = -1, -7
    values[100] = np.nan
    assert encode_deviations(values, compiled=compiled)[1] == -7
