from __future__ import annotations

import numpy as np
import pytest

from fullwell.kernels.pooling import pool_blocks
from fullwell.web.overviews import make_overview, small_levels
from fullwell.web.pixels import ArrayPixels

SHAPE = (2501, 1103)


@pytest.fixture
def image():
    return np.random.default_rng(3).integers(100, 4000, SHAPE).astype(np.uint16)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float64])
def test_small_levels_are_those_of_the_whole_frame(image, dtype):
    images = make_overview(ArrayPixels(image.astype(dtype))).images
    whole = image if dtype == np.uint16 else image.astype(np.float32)
    assert list(images) == [2, 3]
    for level, small in images.items():
        np.testing.assert_allclose(small, pool_blocks(whole, 2**level, compiled=False), rtol=1e-6)


@pytest.mark.parametrize(
    ("side", "levels"), [(1, []), (512, []), (513, [1]), (1025, [1, 2]), (4096, [2, 3]), (4097, [3, 4])]
)
def test_small_levels_have_at_most_two_tiles_a_side(side, levels):
    assert small_levels((side, 1)) == levels
    assert list(make_overview(ArrayPixels(np.zeros((side, 1), np.uint16))).images) == levels


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_limits(image, dtype):
    image[700, 20], image[2500, 1102] = 3, 60000
    limits = make_overview(ArrayPixels(image.astype(dtype))).limits
    assert limits is not None
    assert limits["minmax"] == (3, 60000)
    # Of other types than 16-bit integers, percentages are those of a sample: 40 is 10 standard errors.
    tolerance = 1 if dtype == np.uint16 else 40
    for name, percent in (("p90", 90), ("p99", 99), ("p999", 99.9)):
        tail = (100 - percent) / 2
        np.testing.assert_allclose(
            limits[name], np.percentile(image, [tail, 100 - tail]), atol=tolerance, err_msg=name
        )


def test_pixels_without_a_value_do_not_count():
    image = np.full((40, 30), np.nan, np.float32)
    assert make_overview(ArrayPixels(image)).limits is None
    image[1, 1], image[2, 2], image[3, 3] = -5, 7, np.inf
    limits = make_overview(ArrayPixels(image)).limits
    assert limits is not None
    assert limits["minmax"] == (-5, 7)
