"""What `fullwell.kernels.combine_integers_compiled` is told: one record, so that any process can call it."""

from __future__ import annotations

import numpy as np

__all__ = ["JOB"]

_ADDRESS, _COUNT, _REAL = np.uint64, np.int64, np.float64

#: Fields by name. Where the frames are: `addresses` (uint64), `swapped` (uint8), `top` (uint16) of each,
#: see `load_ordered`; `zero` is the value whose ordered form is 0. `rows` and `merges` are
#: ``padded(frames)`` and ``merges(frames)`` of `fullwell.kernels.networks`. The rule: code of the `spread`,
#: factor `clip`, whether the `median` is wanted. The noise: `read_variance`, `slope`, `pedestal`, the same
#: for all frames. `shares` (float64) has the sum of the squared shares of n kept values, n = 0 to N. Out go
#: `value`, `empirical`, `propagated` (float32; at 0 if not wanted), `used`, `rejected`, `flagged` (uint16)
#: of all pixels, and `lost` (int64), to which the number of rejected values of each frame is added. `empty`
#: flags a pixel of which every value was rejected. `space` has `room` bytes to work in.
JOB = np.dtype(
    [
        ("frames", _COUNT),
        ("pixels", _COUNT),
        ("addresses", _ADDRESS),
        ("swapped", _ADDRESS),
        ("top", _ADDRESS),
        ("zero", _REAL),
        ("rows", _COUNT),
        ("merges", _ADDRESS),
        ("merge_count", _COUNT),
        ("spread", _COUNT),
        ("clip", _REAL),
        ("median", _COUNT),
        ("read_variance", _REAL),
        ("slope", _REAL),
        ("pedestal", _REAL),
        ("shares", _ADDRESS),
        ("value", _ADDRESS),
        ("empirical", _ADDRESS),
        ("propagated", _ADDRESS),
        ("used", _ADDRESS),
        ("rejected", _ADDRESS),
        ("flagged", _ADDRESS),
        ("lost", _ADDRESS),
        ("empty", _COUNT),
        ("space", _ADDRESS),
        ("room", _COUNT),
    ]
)
