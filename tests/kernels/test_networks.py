from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullwell.kernels.networks import BLOCK, batcher, padded


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
def test_rows_fill_whole_blocks(n):
    assert padded(n) % BLOCK == 0
    assert n <= padded(n) < n + BLOCK


@given(st.integers(1, 41), st.sampled_from([np.uint16, np.float32, np.float64]), st.integers(0, 2**32 - 1))
def test_rows_of_a_tile_are_sorted(n, dtype, seed):
    from fullwell.kernels.networks_compiled import WIDTH, sort_rows

    tile = np.random.default_rng(seed).integers(0, 50, (padded(n), WIDTH)).astype(dtype)
    want = np.sort(tile, axis=0)

    sort_rows(tile.reshape(-1), padded(n) // BLOCK, batcher(padded(n) // BLOCK))

    np.testing.assert_array_equal(tile, want)


def test_a_nan_spoils_its_own_column_only():
    from fullwell.kernels.networks_compiled import WIDTH, sort_rows

    tile = np.random.default_rng(1).normal(size=(20, WIDTH))
    want = np.sort(tile, axis=0)
    tile[7, 5] = np.nan

    sort_rows(tile.reshape(-1), 5, batcher(5))

    np.testing.assert_array_equal(np.delete(tile, 5, axis=1), np.delete(want, 5, axis=1))


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

    from fullwell.kernels import networks_compiled as kernels

    if not llvm.get_host_cpu_features().get("avx2"):
        pytest.skip("the processor has no AVX2")
    # Code from the cache cannot be looked at, hence compiled again.
    for function, arrays in ((kernels._sort_block, 1), (kernels._merge_blocks, 2)):
        fresh = numba.njit(nogil=True, error_model="numpy")(function.py_func)
        fresh(*(np.zeros(BLOCK * kernels.WIDTH, dtype) for _ in range(arrays)))
        (assembly,) = fresh.inspect_asm().values()
        for instruction in instructions:
            assert instruction in assembly
