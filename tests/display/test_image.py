"""What was drawn is read back from the axes: cells, colors, extents and words."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.nddata import CCDData
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import fullwell as fw
from fullwell.display import PLANE_COLORS
from fullwell.display.norm import StretchNorm, ticks_of
from fullwell.errors import FrameError, ParameterError
from fullwell.picture import find_limits, pool_blocks


def image(shape=(30, 40)):
    return np.random.default_rng(4).normal(1000, 10, shape).astype(np.float32)


def cells(plot):
    return np.asarray(plot.axes.images[0].get_array())


def test_every_pixel_is_where_it_belongs():
    data = image()
    plot = fw.show_image(data)
    np.testing.assert_array_equal(cells(plot), data)
    drawn = plot.axes.images[0]
    assert drawn.origin == "lower"
    assert list(drawn.get_extent()) == [-0.5, 39.5, -0.5, 29.5]
    assert (plot.axes.get_xlabel(), plot.axes.get_ylabel()) == ("column (pixel)", "row (pixel)")
    assert plot.facts["limits"] == find_limits(data.astype(float), limits="zscale")
    assert plot.facts["block"] == 1


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_a_large_frame_is_drawn_by_blocks_and_counts_its_own_pixels(pool):
    data = image((95, 170))
    plot = fw.show_image(data, screen=60, pool=pool)
    assert plot.facts["block"] == 3
    np.testing.assert_array_equal(cells(plot), pool_blocks(data, step=3, pool=pool)[0])
    assert list(plot.axes.images[0].get_extent()) == [-0.5, 57 * 3 - 0.5, -0.5, 32 * 3 - 0.5]
    assert plot.axes.get_xlim() == (-0.5, 169.5)
    assert plot.axes.get_ylim() == (-0.5, 94.5)
    assert f"{'maximum' if pool == 'max' else 'mean'} of 3 × 3 pixels" in plot.figure.axes[1].get_ylabel()


def test_no_cell_is_smaller_than_a_pixel_of_the_screen():
    data = image((64, 2200))
    data[31, 1777] = 9999
    plot = fw.show_image(data, pool="max", limits="minmax")
    assert plot.facts["block"] == 4
    assert cells(plot)[31 // 4, 1777 // 4] == 9999
    small = Figure(figsize=(2, 2)).add_axes((0, 0, 1, 1))
    assert fw.show_image(data, ax=small, color_bar=False).facts["block"] == 11


def test_frames_ccds_arrays_and_files_are_the_same_picture(tmp_path):
    frame = fw.Frame(image(), source="a.fits")
    fw.write(frame, tmp_path / "a.fits")
    sources = [frame, frame.ccd, frame.data, tmp_path / "a.fits", str(tmp_path / "a.fits"), [frame],
               fw.frames([frame]), fw.combine([frame, frame], clip=None)]  # fmt: skip
    for source in sources:
        np.testing.assert_array_equal(cells(fw.show_image(source)), frame.data)
    labels = [fw.show_image(source).figure.axes[1].get_ylabel() for source in sources[:3]]
    assert labels == ["ADU", "ADU", ""]  # a bare array has no unit
    assert fw.show_image(frame.data, unit="electron").figure.axes[1].get_ylabel() == "e-"
    assert fw.show_image(tmp_path / "a.fits").axes.get_title() == "a.fits"
    assert fw.show_image(CCDData(frame.data, unit="electron")).figure.axes[1].get_ylabel() == "e-"


def test_a_mask_is_a_picture_too():
    mask = np.zeros((5, 6), bool)
    mask[2, 3] = True
    np.testing.assert_array_equal(cells(fw.show_image(mask, limits=(0.0, 1.0))), mask)


def test_what_has_no_value_has_its_own_color_and_does_not_count():
    data = image()
    data[3, 4], data[5, 6] = np.nan, 60000
    frame = fw.Frame(data)
    frame.flags[5, 6] = fw.Flags.SATURATED
    plot = fw.show_image(frame, limits="minmax")
    assert np.ma.getmaskarray(plot.axes.images[0].get_array())[3, 4]
    assert cells(plot)[5, 6] == 60000  # drawn all the same
    assert plot.facts["limits"][1] < 1100


def test_planes_lie_over_the_image_with_their_names():
    frame = fw.Frame(image())
    frame.flags[2, 3:5] = fw.Flags.HOT
    frame.flags[10, 7] = fw.Flags.BAD | fw.Flags.HOT
    mask = np.zeros(frame.shape, bool)
    mask[20, 20] = True
    plot = fw.show_image(frame, planes="all", mask=mask, colors={"HOT": "blue"}, opacity=0.4)
    over = plot.axes.images[1].get_array()
    assert over[2, 3].tolist() == [0, 0, 255, 102]
    assert over[10, 7].tolist() == [0, 0, 255, 102]  # the later plane is seen
    assert over[0, 0, 3] == 0
    assert np.count_nonzero(over[..., 3]) == 4
    words = [entry.get_text() for entry in plot.axes.get_legend().get_texts()]
    assert words == ["BAD (1)", "HOT (3)", "MASK (1)"]
    assert plot.facts["flagged"] == {"BAD": 1, "HOT": 3, "MASK": 1}
    assert set(PLANE_COLORS) == {plane.name for plane in fw.Flags} | {"MASK"}


@pytest.mark.parametrize("planes", ["HOT", ["HOT"], fw.Flags.HOT])
def test_planes_can_be_chosen_in_three_ways(planes):
    frame = fw.Frame(image((90, 90)))
    frame.flags[40, 50] = fw.Flags.HOT
    frame.flags[:, 0] = fw.Flags.BAD
    plot = fw.show_image(frame, planes=planes, screen=10)
    assert plot.facts["flagged"] == {"HOT": 1}
    # One pixel of a block is enough for the whole of it.
    assert np.argwhere(plot.axes.images[1].get_array()[..., 3]).tolist() == [[4, 5]]


def test_masks_of_ones_own_have_names():
    data = image()
    ring, dot = data > 1010, np.zeros(data.shape, bool)
    dot[20, 30] = True
    plot = fw.show_snippet(
        data, (30, 20), size=5, planes={"RING": ring, "DOT": dot}, opacity={"RING": 0.0, "DOT": 1.0}
    )
    assert plot.facts["flagged"] == {"RING": int(ring[18:23, 28:33].sum()), "DOT": 1}
    assert np.argwhere(plot.axes.images[1].get_array()[..., 3]).tolist() == [[2, 2]]
    with pytest.raises(FrameError, match="RING"):
        fw.show_image(data, planes={"RING": ring[1:]})


@given(
    st.sampled_from(["linear", "asinh", "log", "sqrt"]),
    st.floats(-1e4, 1e4),
    st.floats(1e-2, 1e5),
    st.floats(0, 1),
)
def test_the_color_bar_goes_back_to_the_value(how, low, span, fraction):
    norm = StretchNorm(low, low + span, how)
    value = low + fraction * (norm.high - low)
    assert norm.inverse(norm(value)) == pytest.approx(value, abs=1e-6 * span + 1e-9 * abs(low))
    ticks, words = ticks_of(norm)
    assert low <= min(ticks)
    assert max(ticks) <= norm.high + 1e-9 * span
    assert len(set(words)) == len(ticks) > 2


def test_a_cut_out_keeps_the_coordinates_of_the_frame():
    data = image((60, 80))
    plot = fw.show_snippet(data, (30, 20), size=(10, 6))
    assert list(plot.axes.images[0].get_extent()) == [24.5, 34.5, 16.5, 22.5]
    np.testing.assert_array_equal(cells(plot), data[17:23, 25:35])
    odd = fw.show_snippet(data, (30, 20), size=1)
    assert cells(odd).tolist() == [[data[20, 30]]]


def test_beyond_the_edge_a_cut_out_stays_empty():
    frame = fw.Frame(image((60, 80)))
    frame.flags[58, 79] = fw.Flags.HOT
    plot = fw.show_snippet(frame, (78, 58), size=20, planes="HOT", mask=frame.data > 0)
    np.testing.assert_array_equal(cells(plot), frame.data[48:, 68:])
    for drawn in plot.axes.images:
        assert list(drawn.get_extent()) == [67.5, 79.5, 47.5, 59.5]
    assert plot.axes.get_xlim() == (67.5, 87.5)
    assert plot.axes.get_ylim() == (47.5, 67.5)
    assert plot.axes.images[1].get_array()[10, 11, 3] > 0


@pytest.mark.parametrize(
    ("options", "word"),
    [({"limits": "zscal"}, "limits"), ({"stretch": "zscale"}, "how"), ({"pool": "median"}, "pool"),
     ({"planes": "HOTT"}, "HOTT"), ({"colors": {"HOT": "no color"}, "planes": "HOT"}, "color"),
     ({"opacity": 2.0, "planes": "HOT"}, "opacity"), ({"screen": 0}, "screen"),
     ({"color_map": "grey1"}, "color_map")],
)  # fmt: skip
def test_impossible_options_are_named(options, word):
    with pytest.raises(ParameterError, match=word):
        fw.show_image(image(), **options)


def test_what_is_no_image_is_refused():
    for wrong in (np.zeros(5), np.zeros((2, 3, 4)), np.array([["a"]]), fw.frames([image(), image()])):
        with pytest.raises(FrameError):
            fw.show_image(wrong)
    with pytest.raises(FrameError, match="mask"):
        fw.show_image(image(), mask=np.zeros((2, 2), bool))
    with pytest.raises(ParameterError, match="center"):
        fw.show_snippet(image(), (500, 20))
    with pytest.raises(ParameterError, match="size"):
        fw.show_snippet(image(), (5, 5), size=0)
