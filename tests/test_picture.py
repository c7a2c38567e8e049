from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fullwell.errors import FrameError, ParameterError
from fullwell.picture import bend, draw, find_limits, pool_blocks, pool_pixels, stretch, thumbnail, unbend

HOWS = ("linear", "asinh", "log", "sqrt")
images = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.floats(-1e6, 1e6)
)


def read(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def noise(shape: tuple[int, int], *, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(1000, 10, shape)


@pytest.mark.parametrize("how", HOWS)
def test_black_and_white_are_the_limits(how):
    levels = stretch(np.array([[-5.0, 0.0, 10.0, 99.0]]), how=how, limits=(0.0, 10.0))
    assert levels.tolist() == [[0, 0, 255, 255]]
    assert levels.dtype == np.uint8


@settings(deadline=None)
@given(images, st.sampled_from(HOWS), st.sampled_from(["zscale", "minmax", 90.0]))
def test_brighter_pixels_are_never_darker(data, how, limits):
    levels = stretch(data, how=how, limits=limits)
    order = np.argsort(data.ravel(), kind="stable")
    assert (np.diff(levels.ravel()[order].astype(int)) >= 0).all()


def test_closed_forms_in_the_middle():
    data = np.array([[0.25]])
    expected = {
        "linear": 0.25,
        "sqrt": 0.5,
        "asinh": np.arcsinh(2.5) / np.arcsinh(10.0),
        "log": np.log(251) / np.log(1001),
    }
    for how, value in expected.items():
        assert stretch(data, how=how, limits=(0.0, 1.0))[0, 0] == np.rint(255 * value)


def test_a_percentage_leaves_as_many_on_both_sides():
    low, high = find_limits(np.arange(1001.0).reshape(7, 143), limits=90.0)
    assert (low, high) == pytest.approx((50.0, 950.0))


def test_zscale_ignores_the_stars():
    data = noise((100, 100))
    data[::20, ::20] = 60000
    low, high = find_limits(data)
    assert 900 < low < 1000 < high < 1300


def test_masked_and_infinite_pixels_do_not_count():
    data = np.array([[1.0, 2.0, np.nan, np.inf, 1e9]])
    mask = np.array([[False, False, False, False, True]])
    assert find_limits(data, limits="minmax", mask=mask) == (1.0, 2.0)
    assert stretch(data, how="linear", limits="minmax", mask=mask).tolist() == [[0, 255, 0, 0, 0]]


def test_a_flat_image_is_gray():
    assert find_limits(np.full((4, 4), 7.0)) == (6.5, 7.5)
    assert (stretch(np.full((4, 4), 7.0), how="linear") == 128).all()


def test_without_a_good_pixel_all_is_black():
    assert (stretch(np.full((3, 3), np.nan)) == 0).all()
    with pytest.raises(FrameError, match="no pixel is left"):
        find_limits(np.full((3, 3), np.nan))


@pytest.mark.parametrize("limits", [(1.0, 1.0), (2.0, 1.0), (0.0, np.nan), 0.0, 101.0, "zscael"])
def test_impossible_limits_are_refused(limits):
    with pytest.raises(ParameterError, match="limits"):
        stretch(np.eye(3), limits=limits)


def test_unknown_options_are_refused():
    with pytest.raises(ParameterError, match="how"):
        stretch(np.eye(3), how="arcsinh")
    with pytest.raises(ParameterError, match="pool"):
        thumbnail(np.eye(3), pool="median")
    with pytest.raises(ParameterError, match="width"):
        thumbnail(np.eye(3), width=0)
    with pytest.raises(FrameError, match="needs an image"):
        thumbnail(np.zeros((2, 3, 4)))
    with pytest.raises(FrameError, match="mask"):
        thumbnail(np.eye(3), mask=np.zeros((2, 2), bool))


@settings(deadline=None)
@given(images, st.integers(1, 40))
def test_pooling_keeps_the_sum_and_the_maximum(data, width):
    small, empty = pool_pixels(data, width=width)
    step = -(-data.shape[1] // width)
    weights, _ = pool_pixels(np.ones(data.shape), width=width)

    assert small.shape == tuple(-(-size // step) for size in data.shape)
    assert small.shape[1] <= width
    assert not empty.any()
    assert (weights == 1).all()
    rows, columns = (np.minimum(step, size - np.arange(0, size, step)) for size in data.shape)
    assert (small * np.outer(rows, columns)).sum() == pytest.approx(data.sum(), rel=1e-9, abs=1e-3)
    assert pool_pixels(data, width=width, pool="max")[0].max() == data.max()


def test_pooling_in_blocks_of_rows_is_pooling():
    data = noise((1500, 40))
    small, _ = pool_pixels(data, width=10)
    np.testing.assert_allclose(small, data.reshape(375, 4, 10, 4).mean(axis=(1, 3)))


def test_the_first_row_is_at_the_bottom():
    data = np.zeros((4, 6))
    data[0, 0] = 1
    picture = read(thumbnail(data, how="linear", limits="minmax"))
    assert picture.shape == (4, 6)
    assert picture[3, 0] == 255
    assert np.count_nonzero(picture) == 1


def test_the_maximum_keeps_a_hot_pixel_that_the_mean_drowns():
    data = noise((400, 400))
    data[123, 45] = 3000
    options = {"width": 20, "how": "linear", "limits": (900.0, 3000.0)}
    assert read(thumbnail(data, pool="max", **options)).max() == 255
    assert read(thumbnail(data, pool="mean", **options)).max() < 30


def test_blocks_without_a_good_pixel_are_brick_red():
    mask = np.zeros((8, 8), bool)
    mask[:2, :2] = True
    picture = read(thumbnail(noise((8, 8)), width=4, mask=mask))
    assert picture.shape == (4, 4, 3)
    assert tuple(picture[3, 0]) == (196, 92, 60)
    others = np.delete(picture.reshape(-1, 3), 12, axis=0)
    assert (others == others[:, :1]).all()


def test_the_same_pixels_give_the_same_bytes_and_nothing_else_is_in_them():
    first, second = (thumbnail(noise((60, 80))) for _ in range(2))
    assert first == second
    chunks = {first[i : i + 4] for i in range(len(first)) if first[i : i + 4] in (b"tEXt", b"tIME", b"iTXt")}
    assert not chunks


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, ">i2"])
def test_raw_types_are_read(dtype):
    assert read(thumbnail((np.arange(100).reshape(10, 10)).astype(dtype))).shape == (10, 10)


@pytest.mark.parametrize("how", HOWS)
def test_grays_say_which_values_are_black_middle_and_white(how):
    picture, grays = draw(np.linspace(3.0, 11.0, 200).reshape(10, 20), how=how, limits="minmax")
    assert (grays.black, grays.white, grays.how, grays.block) == (3.0, 11.0, how, 1)
    middle = stretch(np.array([[grays.middle]]), how=how, limits=(grays.black, grays.white))
    assert middle[0, 0] in (127, 128)
    assert picture == thumbnail(np.linspace(3.0, 11.0, 200).reshape(10, 20), how=how, limits="minmax")


def test_the_block_is_the_factor_of_shrinking():
    assert draw(noise((50, 100)), width=40)[1].block == 3


def test_nothing_to_show_has_no_grays():
    picture, grays = draw(np.full((4, 4), np.nan), levels=48)
    assert grays is None
    assert (np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")) == (196, 92, 60)).all()


@pytest.mark.parametrize("levels", [2, 48, 255])
def test_few_grays_are_few_and_near(levels):
    data = noise((60, 80))
    mask = np.zeros((60, 80), bool)
    mask[:4, :4] = True
    full = np.asarray(Image.open(io.BytesIO(draw(data, mask=mask)[0])).convert("RGB")).astype(int)
    few = np.asarray(Image.open(io.BytesIO(draw(data, mask=mask, levels=levels)[0])).convert("RGB")).astype(
        int
    )
    gray = np.all(full == full[..., :1], axis=2)
    assert len(np.unique(few[gray])) <= levels
    assert np.abs(few - full)[gray].max() <= np.ceil(255 / (levels - 1) / 2)
    assert (few[~gray] == (196, 92, 60)).all()
    assert (~gray).sum() == 16


def test_few_grays_make_small_files():
    assert len(draw(noise((300, 300)), levels=48)[0]) < 0.8 * len(draw(noise((300, 300)))[0])


@pytest.mark.parametrize("levels", [1, 257])
def test_impossible_numbers_of_grays_are_refused(levels):
    with pytest.raises(ParameterError, match="levels"):
        draw(np.eye(3), levels=levels)


@given(st.sampled_from(HOWS), st.floats(0, 1))
def test_unbend_is_bend_backward(how, fraction):
    assert unbend(bend(fraction, how), how) == pytest.approx(fraction, abs=1e-12)


@given(hnp.arrays(np.uint16, st.tuples(st.integers(1, 20), st.integers(1, 20))), st.integers(1, 25))
def test_blocks_are_what_numpy_says(data, step):
    whole = pool_blocks(data, step=step)[0], pool_blocks(data, step=step, pool="max")[0]
    for y, x in np.ndindex(whole[0].shape):
        block = data[y * step : (y + 1) * step, x * step : (x + 1) * step]
        assert whole[0][y, x] == pytest.approx(block.mean())
        assert whole[1][y, x] == block.max()
