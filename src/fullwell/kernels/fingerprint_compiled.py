"""The compiled form of `fullwell.kernels.fingerprint`."""
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np

from fullwell.kernels.numba_cache import jit

__all__ = ["fill_sums"]

u32, u64 = np.uint32, np.uint64


@jit()
def fill_sums(words: Any, keys: Any, sums: Any) -> None:
    """Fill in the two sums of each block."""
    half = keys.shape[2]
    for i in range(len(sums)):
        first = words[2 * half * i : 2 * half * i + half]
        second = words[2 * half * i + half : 2 * half * (i + 1)]
        for j in range(2):
            one, two = keys[j, 0], keys[j, 1]
            total = u64(0)
            for k in range(half):
                total += u64(u32(first[k] + one[k])) * u64(u32(second[k] + two[k]))
            sums[i, j] = total
