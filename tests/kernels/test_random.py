"""The bits are final: known answers, frozen hashes, and the reference bit for bit."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from fullwell.kernels import random, random_compiled, random_reference
from fullwell.noise import Noise

U32 = np.uint32
ONES = 0xFFFFFFFF
KNOWN = [  # Random123, kat_vectors: counter, key, words
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES, ONES, ONES), (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def even_words(count: int) -> np.ndarray:
    """Words in the middle of `count` equal steps from 0 to 2**32."""
    return (np.arange(count, dtype=np.uint64) * (2**32 // count) + 2**31 // count).astype(U32)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter, key, expected):
    words = np.empty(1024, U32)
    chunk, block = divmod(counter[0], 256)
    random_compiled.words_chunk(words, chunk, np.array([*counter[1:], *key], U32))
    assert tuple(int(word) for word in words[block::256]) == expected
    assert tuple(int(w) for w in random_reference.philox(counter, key)) == expected


def test_pixels_take_the_words_of_their_block():
    words = random.words(1024, seed=0, exposure=0, effect=0)
    assert tuple(words[[0, 256, 512, 768]]) == KNOWN[0][2]


@settings(max_examples=60, deadline=None)
@given(
    shape=st.one_of(
        st.integers(0, 5000),
        st.tuples(st.integers(0, 70), st.integers(1, 70)),
        st.sampled_from([1023, 1024, 1025]),
    ),
    seed=st.integers(0, 2**64 - 1),
    exposure=st.integers(0, ONES),
    effect=st.integers(0, ONES),
    draw=st.integers(0, ONES),
)
def test_compiled_is_the_reference_bit_for_bit(shape, seed, exposure, effect, draw):
    names = {"seed": seed, "exposure": exposure, "effect": effect, "draw": draw}
    words = random.words(shape, **names)
    np.testing.assert_array_equal(words, random_reference.words(shape, **names), strict=True)
    np.testing.assert_array_equal(random.normal(words), random_reference.normal(words), strict=True)


@settings(max_examples=60, deadline=None)
@given(
    means=st.lists(
        st.floats(width=32, min_value=-10, max_value=1e6) | st.floats(width=32), min_size=1, max_size=40
    ),
    seed=st.integers(0, 2**64 - 1),
)
def test_poisson_is_the_reference_bit_for_bit(means, seed):
    mean = np.resize(np.array(means, np.float32), 1500)
    words = random.words(1500, seed=seed, exposure=0, effect=0)
    np.testing.assert_array_equal(
        random.poisson(mean, words), random_reference.poisson(mean, words), strict=True
    )


def test_normal_is_the_reference_over_all_magnitudes():
    words = np.concatenate([even_words(2**20), np.arange(2**12, dtype=U32), ~np.arange(2**12, dtype=U32)])
    np.testing.assert_array_equal(random.normal(words), random_reference.normal(words), strict=True)


def test_normal_inverts_the_normal_distribution():
    words = np.concatenate([even_words(2**20), np.arange(2**16, dtype=U32)])
    expected = special.ndtri((words + 0.5) * 2.0**-32)
    assert np.abs(random.normal(words) - expected).max() < 3e-6
    np.testing.assert_array_equal(random.normal(~words), -random.normal(words))  # symmetric to the bit
    assert random.normal(np.array([0], U32))[0] == pytest.approx(-6.338, abs=1e-3)
    z = random.normal(words)
    order = np.argsort(words)
    assert (np.diff(z[order].astype(float)) > -2e-6).all()


def test_normal_moments_over_an_even_grid():
    z = random.normal(even_words(2**22)).astype(float)
    # The grid itself lacks what lies beyond its last points; hence not zero.
    assert abs(z.mean()) < 1e-7
    assert (z**2).mean() == pytest.approx(1, abs=2e-6)
    assert (z**4).mean() == pytest.approx(3, abs=1e-4)


def test_uniform_is_open_and_exact():
    words = np.array([0, 1, ONES], U32)
    assert random.uniform(words).tolist() == [2.0**-33, 1.5 * 2.0**-32, 1 - 2.0**-33]


def test_words_are_uniform_and_uncorrelated():
    # 15 bits a word together at 5 sigma, 6 lags at 5 sigma: false alarm below 2e-5.
    words = random.words((1000, 1000), seed=7, exposure=1, effect=2)
    bits = np.unpackbits(words.view(np.uint8)).reshape(-1, 32)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / 1000
    u = random.uniform(words) - 0.5
    for dy, dx in ((0, 1), (0, 4), (0, 256), (1, 0), (1, 24), (2, 0)):
        product = u[dy:, dx:] * u[: 1000 - dy, : 1000 - dx]
        assert abs(product.mean()) < 5 / 12 / np.sqrt(product.size)


@pytest.mark.parametrize("other", [{"seed": 2}, {"exposure": 1}, {"effect": 1}, {"draw": 1}])
def test_streams_are_independent(other):
    names = {"seed": 1, "exposure": 0, "effect": 0, "draw": 0}
    a = random.uniform(random.words(10**6, **names)) - 0.5
    b = random.uniform(random.words(10**6, **(names | other))) - 0.5
    assert abs((a * b).mean()) < 5 / 12 / 1000  # 5 sigma: false alarm 6e-7


def test_long_arrays_are_put_together_from_parts():
    names = {"seed": 3, "exposure": 1, "effect": 2}
    words = random.words(2**18 + 5000, **names)
    np.testing.assert_array_equal(words, random_reference.words(2**18 + 5000, **names))
    mean = np.linspace(0, 60, words.size, dtype=np.float32)
    np.testing.assert_array_equal(random.poisson(mean, words), random_reference.poisson(mean, words))
    np.testing.assert_array_equal(random.normal(words), random_reference.normal(words))


def test_shape_plays_no_part():
    flat = random.words(5000, seed=3, exposure=0, effect=0)
    np.testing.assert_array_equal(random.words((50, 100), seed=3, exposure=0, effect=0).ravel(), flat)
    np.testing.assert_array_equal(random.words(1300, seed=3, exposure=0, effect=0), flat[:1300])


@pytest.mark.parametrize("mean", [0.5, 3, 10, 29.9, 30, 100, 1e4])
def test_poisson_distribution(mean):
    """Chi-square over the whole numbers against scipy; p > 1e-5, so 7e-5 for a false alarm in all."""
    mean = float(np.float32(mean))
    n = 2_000_000
    k = random.poisson(np.full(n, mean, np.float32), random.words(n, seed=11, exposure=0, effect=5))
    low, high = stats.poisson.ppf([1e-4, 1 - 1e-4], mean)
    width = max(1, int((high - low) // 60))
    edges = np.arange(low, high + width, width)
    cdf = np.concatenate([[0], stats.poisson.cdf(edges, mean), [1]])
    expected = n * np.diff(cdf)
    seen = np.bincount(np.searchsorted(edges, k, side="left"), minlength=edges.size + 1)
    keep = expected > 20
    chi2 = ((seen - expected)[keep] ** 2 / expected[keep]).sum()
    # At 30 Cornish-Fisher is off by 3e-4 in cumulative probability, one standard error at this n; less above.
    assert stats.chi2.sf(chi2, keep.sum() - 1) > 1e-5


@pytest.mark.parametrize("mean", [0.01, 0.5, 3, 10, 29.9, 30, 31.3, 100, 1e4, 1e6])
def test_poisson_mean_and_variance_over_an_even_grid(mean):
    """No chance in it: the moments of the map from words to counts itself."""
    mean = float(np.float32(mean))
    k = random.poisson(np.full(2**22, mean, np.float32), even_words(2**22)).astype(float)
    assert k.mean() == pytest.approx(mean, rel=1e-5 if mean < 30 else 1e-4)
    assert k.var() == pytest.approx(mean, rel=1e-3)


def test_poisson_of_no_light_is_none():
    mean = np.array([0, -0.0, -5, np.nan, -np.inf, np.inf, 1e-30], np.float32)
    words = np.full(7, 2**31, U32)
    assert random.poisson(mean, words).tolist() == [0, 0, 0, 0, 0, np.inf, 0]


def test_poisson_inverts_exactly_below_30():
    words = random.words(20000, seed=5, exposure=0, effect=0)
    mean = (30 * random.uniform(random.words(20000, seed=6, exposure=0, effect=0))).astype(np.float32)
    k = random.poisson(mean, words)
    expected = stats.poisson.ppf(random.uniform(words), mean.astype(float))
    np.testing.assert_array_equal(k, expected)


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(
        np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
    ).hexdigest()[:16]


def test_frozen_frames():
    """These numbers are final. A change here changes every simulated frame in the world."""
    stream = Noise(20200116, 3).stream("read_noise")
    mean = np.linspace(0, 60, 3000, dtype=np.float32).reshape(50, 60)
    assert digest(stream._words((50, 60), 0)) == FROZEN["words"]
    assert digest(stream.normal((50, 60))) == FROZEN["normal"]
    assert digest(stream.poisson(mean, draw=1)) == FROZEN["poisson"]
    assert digest(stream.uniform(1025, draw=2)) == FROZEN["uniform"]


FROZEN = {
    "words": "d10a73e6b2db620c",
    "normal": "953bf680030a19da",
    "poisson": "ad855aa636d7ecd1",
    "uniform": "258b39390989da93",
}
