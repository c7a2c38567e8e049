from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullwell.kernels.networks import BLOCK, MOST, STEP, batcher, merges, padded


@pytest.mark.parametrize("n", range(1, 13))
def test_every_pattern_of_zeros_and_ones_is_sorted(n):
    # Knuth's zero-one principle: a network that sorts these sorts everything.
    rows = np.array(list(itertools.product((0, 1), repeat=n)), np.uint8).T.copy()
    for low, high in batcher(n):
        rows[low], rows[high] = np.minimum(rows[low], rows[high]), np.maximum(rows[low], rows[high])

    assert (np.diff(rows.astype(int), axis=0) >= 0).all()


def test_as_many_comparators_as_batcher_counted():
    # (p^2 - p + 4) 2^(p-2) - 1 for n = 2^p.
    for p in range(1, 7):
        assert len(batcher(2**p)) == (p * p - p + 4) * 2**p // 4 - 1


@given(st.integers(1, 3000))
def test_rows_fill_whole_networks(n):
    assert n <= padded(n) < n + BLOCK
    assert padded(n) % (BLOCK if n > MOST else STEP) == 0


def random_tile(n, dtype, seed):
    """Rows of a tile with what lies between them, and what belongs to pixels."""
    from fullwell.kernels.networks_compiled import ROW, STRIDE

    size = np.dtype(dtype).itemsize
    random = np.random.default_rng(seed)
    return random.integers(0, 50, (padded(n), STRIDE // size)).astype(dtype), slice(ROW // size)


kinds = st.sampled_from([np.uint16, np.float32, np.float64])


@given(st.integers(1, 100), kinds, st.booleans(), st.integers(0, 2**32 - 1))
def test_rows_of_a_tile_are_sorted(n, dtype, in_place, seed):
    from fullwell.kernels.networks_compiled import sort_rows

    source, pixels = random_tile(n, dtype, seed)
    before, tile = source.copy(), source if in_place else np.zeros_like(source)

    sort_rows(source.reshape(-1), tile.reshape(-1), padded(n), merges(n), 0, pixels.stop)

    np.testing.assert_array_equal(tile[:, pixels], np.sort(before, axis=0)[:, pixels])
    if not in_place:
        np.testing.assert_array_equal(source, before)


@pytest.mark.parametrize("n", [20, 40])
def test_a_nan_spoils_its_own_column_only(n):
    from fullwell.kernels.networks_compiled import sort_rows

    tile, pixels = random_tile(n, np.float64, 1)
    want = np.sort(tile, axis=0)
    tile[7, 5] = np.nan

    sort_rows(tile.reshape(-1), tile.reshape(-1), padded(n), merges(n), 0, pixels.stop)

    np.testing.assert_array_equal(
        np.delete(tile[:, pixels], 5, axis=1), np.delete(want[:, pixels], 5, axis=1)
    )


@pytest.mark.parametrize(
    ("dtype", "instructions"),
    [
        (np.uint16, ("vpminuw", "vpmaxuw")),
        (np.float32, ("vminps", "vmaxps")),
        (np.float64, ("vminpd", "vmaxpd")),
    ],
)
def test_the_processor_compares_many_pixels_at_once(dtype, instructions):
    import llvmlite.binding as llvm
    import numba

    from fullwell.kernels.networks_compiled import ROW, STRIDE, sort_rows

    if not llvm.get_host_cpu_features().get("avx2"):
        pytest.skip("the processor has no AVX2")
    # Code from the cache cannot be looked at, hence compiled again.
    fresh = numba.njit(nogil=True, error_model="numpy")(sort_rows.py_func)
    tile = np.zeros(padded(4) * STRIDE, dtype)
    fresh(tile, tile, padded(4), merges(4), 0, ROW // tile.itemsize)
    (assembly,) = fresh.inspect_asm().values()
    for instruction in instructions:
        # The networks have hundreds of comparators; a loop over single numbers would have no packed one.
        assert assembly.count(instruction) > 500
