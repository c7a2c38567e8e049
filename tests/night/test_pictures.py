from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fullwell.night import ReduceConfig
from fullwell.night.pictures import pair_of, picture_of


def context(*, pictures=True):
    config = ReduceConfig.model_validate({"report": {"pictures": pictures}})
    return SimpleNamespace(config=config)


def sky(level, slope, *, seed=1):
    x = np.arange(300)
    return level + slope * x + np.random.default_rng(seed).normal(0, 5, (200, 300))


def spans(result):
    scales = [result[f"{name}_picture_scale"] for name in ("before", "after")]
    return [scale["white"] - scale["black"] for scale in scales]


def test_without_pictures_there_are_none():
    assert picture_of("picture", sky(0, 0), context(pictures=False)) == {}
    nothing = np.zeros((200, 300), bool)
    assert pair_of(sky(0, 0), sky(0, 0), context(pictures=False), mask=nothing) == {}


def test_a_picture_comes_with_its_scale():
    result = picture_of("picture", sky(1000, 0), context())
    assert set(result) == {"picture", "picture_scale"}
    assert result["picture_scale"]["black"] < 1000 < result["picture_scale"]["white"]


def test_a_frame_that_became_flatter_is_drawn_with_the_contrast_of_the_raw_one():
    nothing = np.zeros((200, 300), bool)
    result = pair_of(sky(1000, 0.1), sky(50, 0, seed=2), context(), mask=nothing)
    before, after = spans(result)
    assert after == pytest.approx(before)
    dark = [result[f"{name}_picture_scale"]["black"] for name in ("before", "after")]
    assert dark[0] - dark[1] == pytest.approx(1015 - 50, abs=1)


def test_a_frame_that_needs_more_contrast_gets_it():
    nothing = np.zeros((200, 300), bool)
    before, after = spans(pair_of(sky(1000, 0), sky(50, 1, seed=2), context(), mask=nothing))
    assert after > 2 * before


def test_a_frame_without_a_good_pixel_has_no_scale():
    result = pair_of(sky(1000, 0), sky(50, 0), context(), mask=np.ones((200, 300), bool))
    assert "after_picture" in result
    assert "after_picture_scale" not in result


def test_a_hundred_pictures_of_pure_noise_make_no_monster():
    noise = np.random.default_rng(5).normal(1000, 10, (1024, 1024))
    size = len(picture_of("picture", noise, context())["picture"])
    # Before and after of 50 frames, in base64: below 10 MB.
    assert 100 * size * 4 / 3 < 10e6
