from __future__ import annotations

import numpy as np
import pytest

from fullwell.io import read
from fullwell.kernels.pooling import pool_blocks


@pytest.fixture(scope="module")
def large(ask, folder):
    return ask.frames()["large.fits"]["id"], read(folder / "other" / "large.fits").data


def test_tiles_of_full_resolution_are_the_pixels_of_the_file(ask, large):
    frame_id, data = large
    for row in range(3):
        for column in range(3):
            part = data[512 * row : 512 * (row + 1), 512 * column : 512 * (column + 1)]
            np.testing.assert_array_equal(ask.tile(frame_id, row=row, column=column), part)


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_pooled_tiles(ask, large, pool):
    frame_id, data = large
    assert ask.get(f"frames/{frame_id}")["levels"] == 3
    expected = pool_blocks(data, 4, how=pool, compiled=False)
    np.testing.assert_array_equal(ask.tile(frame_id, level=2, query=f"?pool={pool}"), expected)
    upper = pool_blocks(data, 2, how=pool, compiled=False)[512:, :512]
    np.testing.assert_array_equal(ask.tile(frame_id, level=1, row=1, query=f"?pool={pool}"), upper)


def test_a_hot_pixel_stays_where_the_maximum_is_asked_for(ask, large):
    frame_id, _ = large
    assert ask.tile(frame_id, level=2, query="?pool=max")[700 // 4, 801 // 4] == 60000


def test_packed_frames_have_the_same_pixels(ask, large):
    frame_id = ask.frames()["packed.fits.fz"]["id"]
    tile = ask.tile(frame_id, row=1, column=1)
    assert tile.dtype == np.float32  # int16: uint16 cannot hold them all
    np.testing.assert_array_equal(tile, large[1].astype(np.int16)[512:1024, 512:1024])


def test_planes_of_a_calibrated_frame(ask, folder):
    frame_id = ask.frames()["clean.fits"]["id"]
    frame = read(folder / "other" / "clean.fits")
    assert ask.get(f"frames/{frame_id}")["planes"] == ["data", "variance", "flags"]
    np.testing.assert_array_equal(ask.tile(frame_id), frame.data)
    np.testing.assert_allclose(ask.tile(frame_id, "variance"), frame.variance)
    np.testing.assert_array_equal(ask.tile(frame_id, "flags"), frame.flags)


def test_a_tile_is_kept_by_the_browser_as_long_as_its_version_holds(ask, large):
    frame_id, _ = large
    version = ask.get(f"frames/{frame_id}")["version"]
    address = f"/api/frames/{frame_id}/tile/data/0/0/0"
    status, headers, _ = ask.open(f"{address}?v={version}")
    assert status == 200
    assert "immutable" in headers["Cache-Control"]
    assert ask.open(address)[1]["Cache-Control"] == "no-cache"
    status, _, content = ask.open(address, headers={"If-None-Match": headers["ETag"]})
    assert (status, content) == (304, b"")
    assert ask.refuses(f"frames/{frame_id}/tile/data/0/0/0", v="older") == "changed"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("data/0/9/0", "bad-request"),
        ("data/-1/0/0", "bad-request"),
        ("data/99999999999999999999/0/0", "bad-request"),
        ("data/0/0/NaN", "bad-request"),
        ("data/0/0/0?pool=sum", "bad-request"),
        ("flags/0/0/0", "not-found"),
        ("..%2Fdata/0/0/0", "not-found"),
    ],
)
def test_what_is_no_tile_is_refused(ask, large, path, code):
    status, content = ask.json(f"frames/{large[0]}/tile/{path}")
    assert status in (400, 404)
    assert content["code"] == code
