from __future__ import annotations

import numpy as np
import pytest

from fullwell.kernels.planes import Plane


@pytest.mark.parametrize(
    ("dtype", "kind", "top", "zero"),
    [
        (">u2", 0, 0, 0),
        (">i2", 0, 0x8000, -32768),
        ("<u2", 1, 0, 0),
        ("<i2", 1, 0x8000, -32768),
        (">f4", 2, 0, 0),
        ("<f4", 3, 0, 0),
        ("<f8", 4, 0, 0),
    ],
)
def test_pixels_stay_where_they_are(dtype, kind, top, zero):
    array = np.ones((6, 5), dtype)

    rows = Plane(array).rows(slice(2, 4))

    assert (rows.kind, rows.top, rows.zero) == (kind, top, zero)
    assert rows.array.shape == (2, 5)
    assert np.shares_memory(rows.array, array)


def test_unsigned_integers_of_fits():
    plane = Plane(np.array([[-32768, 32767]], ">i2"), unsigned=True)

    assert (plane.kind, plane.top, plane.zero) == (0, 0x8000, 0)


@pytest.mark.parametrize("dtype", ["u1", "i1", "?", ">i4", "i8", ">f8", "f2"])
def test_other_types_are_copied_without_loss(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)

    rows = Plane(array).rows(slice(1, 3))

    assert rows.kind in (3, 4)
    np.testing.assert_array_equal(rows.array, array[1:3].astype(np.float64))


def test_a_cut_out_becomes_whole_rows():
    array = np.arange(20, dtype=np.uint16).reshape(4, 5)

    rows = Plane(array[:, 1:3]).rows(slice(0, 4))

    assert rows.array.flags.c_contiguous
    np.testing.assert_array_equal(rows.array, array[:, 1:3])
