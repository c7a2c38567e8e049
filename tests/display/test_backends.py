"""The contract on what needs neither a server nor a screen, and what each of these does besides."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import fullwell as fw
from fullwell.display.pictures import MatplotlibBackend
from fullwell.display.virtual import VirtualBackend
from fullwell.errors import DisplayError
from fullwell.picture import pool_blocks
from fullwell.testing import DisplayBackendContract


class TestVirtual(DisplayBackendContract):
    def open(self, number):
        return VirtualBackend(number)


class TestMatplotlib(DisplayBackendContract):
    def open(self, number):
        return MatplotlibBackend(number)


def test_recorded_calls_are_written(tmp_path):
    with fw.Display(50, backend="virtual") as display:
        display.mtv(np.eye(4)).dot(1, 2).save(tmp_path / "calls.json")
    names = [name for name, _ in json.loads((tmp_path / "calls.json").read_text())]
    assert names == ["show", "set_styles", "set_scale", "set_view", "flush", "draw", "flush"]


def test_a_picture_has_the_part_that_was_asked_for():
    data = np.arange(200 * 300, dtype=np.float32).reshape(200, 300)
    with fw.Display(51, backend="matplotlib") as display:
        display.mtv(data).zoom(14).pan(100, 50)
        axes = display.backend.plot.axes
        assert axes.get_xlim() == (74.5, 124.5)
        assert axes.get_ylim() == (24.5, 74.5)
        np.testing.assert_array_equal(display.seen().data, data[25:75, 75:125])


def test_a_large_image_is_pooled_and_hot_pixels_stay(tmp_path):
    data = np.zeros((1000, 2100), np.uint16)
    data[777, 1234] = 60000
    with fw.Display(52, backend="matplotlib", pool="max") as display:
        display.scale("linear", "minmax").mtv(data)
        np.testing.assert_array_equal(display.seen().data, pool_blocks(data, step=3, pool="max")[0])
        display.dot(1234, 777, size=40, color="red").save(tmp_path / "a.png")
    picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    red = (picture[..., 0] > 200) & (picture[..., 1] < 60) & (picture[..., 2] < 60)
    rows, columns = np.nonzero(red)
    middle = picture[int(np.median(rows)) - 25 : int(np.median(rows)) + 25, int(np.median(columns)) - 25 :][
        :, :50
    ]
    assert (middle.min(axis=2) > 240).any()  # the hot pixel is white within its circle


def test_nothing_is_shown_before_there_is_an_image(tmp_path):
    backend = MatplotlibBackend(53)
    assert backend.seen().marks == 0
    assert backend.notebook() == {}
    with pytest.raises(DisplayError, match="nothing yet"):
        backend.save(tmp_path / "a.png")
