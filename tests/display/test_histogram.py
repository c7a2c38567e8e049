from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fullwell as fw
from fullwell.errors import FrameError, ParameterError
from fullwell.kernels.spread import clipped_spread


def noise(n=20_000, *, mean=1000.0, sigma=8.0):
    return np.random.default_rng(3).normal(mean, sigma, n)


def drawn(plot):
    """Counts and edges of what stands in the axes."""
    patch = next(patch for patch in plot.axes.patches if patch.get_label().endswith("pixels"))
    return patch.get_data()


def words(plot):
    return [entry.get_text() for entry in plot.axes.get_legend().get_texts()]


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.int16])
def test_integers_have_a_bin_for_each_whole_number(dtype):
    data = np.rint(noise()).astype(dtype).reshape(100, 200)
    data[data == 1003] = 1004  # a code that the converter never gives
    stairs = drawn(plot := fw.show_histogram(data, limits="minmax"))
    values, counts = np.unique(data, return_counts=True)
    np.testing.assert_array_equal(np.diff(stairs.edges), 1)
    middle = (stairs.edges[1:] + stairs.edges[:-1]) / 2
    there = stairs.values > 0
    np.testing.assert_array_equal(middle[there], values)
    np.testing.assert_array_equal(stairs.values[there], counts)
    assert stairs.values[middle == 1003] == 0
    assert plot.axes.get_yscale() == "log"


def test_a_wide_range_has_bins_of_several_whole_numbers():
    data = np.arange(60_000, dtype=np.uint16).reshape(200, 300)
    stairs = drawn(fw.show_histogram(data, limits="minmax"))
    assert set(np.diff(stairs.edges)) == {12.0}
    assert stairs.values.sum() == data.size
    assert set(stairs.values) == {12.0}  # no comb that the bins have made


@settings(max_examples=15)  # each draws three figures
@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=60), st.sampled_from(["auto", "whole", "freedman", 7])
)
def test_every_pixel_is_counted_once(values, bins):
    data = np.array([values], np.uint16)
    for array in (data, data.astype(np.float32), data.astype(np.int64)):
        plot = fw.show_histogram(array, bins=bins)
        below, above = plot.facts["beyond"]
        assert plot.facts["counts"].sum() + below + above == data.size
        reference, _ = np.histogram(array.astype(float), plot.facts["edges"])
        np.testing.assert_array_equal(plot.facts["counts"], reference)


def test_freedman_is_that_of_numpy():
    data = noise().reshape(100, 200)
    plot = fw.show_histogram(data, bins="freedman", limits="minmax")
    edges = np.histogram_bin_edges(data, "fd")
    np.testing.assert_allclose(plot.facts["edges"], edges)
    np.testing.assert_array_equal(drawn(plot).values, np.histogram(data, edges)[0])


def test_gaussian_and_outliers():
    data = noise().reshape(100, 200)
    data[0, :7] = 1200
    data[1, :2] = 5000
    plot = fw.show_histogram(data, unit="adu")
    kept = clipped_spread(data, clip=5.0)
    assert plot.facts["outliers"] == 9
    assert plot.facts["mean"] == pytest.approx(kept.mean)
    assert plot.facts["sigma"] == pytest.approx(np.sqrt(kept.variance))
    # 20 000 values of sigma 8: errors of 0.06 and 0.04, each passed at 5 of these.
    assert plot.facts["mean"] == pytest.approx(1000, abs=0.3)
    assert plot.facts["sigma"] == pytest.approx(8, abs=0.2)
    assert words(plot) == [
        "20,000 pixels",
        f"Gaussian: mean {kept.mean:.2f}, sigma {np.sqrt(kept.variance):.2f} ADU",
        "9 beyond 5 sigma",
    ]
    # All lie beyond the 15 sigma that are shown, and are counted at the edge.
    assert plot.facts["beyond"] == (0, 9)
    assert [text.get_text() for text in plot.axes.texts] == ["9 >"]
    curve, marks = plot.axes.lines
    x, y = curve.get_data()
    width = np.diff(plot.facts["edges"])[0]
    assert np.trapezoid(y, x) / width == pytest.approx(data.size - 9, rel=1e-3)
    assert len(marks.get_data()[0]) == 0
    shown = fw.show_histogram(data, limits="minmax", bins=500)
    x, y = shown.axes.lines[1].get_data()
    assert y.tolist() == [7, 2]
    assert x == pytest.approx([1200, 5000], abs=5)


def test_masked_pixels_are_left_out_unless_asked_for():
    frame = fw.Frame(np.full((10, 10), 5.0))
    frame.data[0, 0], frame.data[0, 1] = np.nan, 9
    frame.flags[0, 1] = fw.Flags.HOT
    assert fw.show_histogram(frame).facts["pixels"] == 98
    assert fw.show_histogram(frame, masked=True).facts["pixels"] == 99
    frame.flags[...] = fw.Flags.BAD
    with pytest.raises(FrameError, match="no pixel"):
        fw.show_histogram(frame)


def test_several_share_their_axes_and_arrays_have_any_number_of_dimensions():
    first = fw.show_histogram(noise(), label="before")
    second = fw.show_histogram(
        noise(sigma=4.0).reshape(10, 20, 100), label="after", ax=first.axes, color="green"
    )
    labels = words(second)
    assert [label for label in labels if label in ("before", "after")] == ["before", "after"]
    assert first.axes.get_ylim()[1] > 2 * second.facts["counts"].max()


@pytest.mark.parametrize(
    ("options", "word"),
    [({"bins": "freedmann"}, "bins"), ({"bins": 0}, "bins"), ({"bins": [3.0, 1.0]}, "bins"),
     ({"outliers": 0.0}, "outliers"), ({"limits": (2.0, 1.0)}, "limits")],
)  # fmt: skip
def test_impossible_options_are_named(options, word):
    with pytest.raises(ParameterError, match=word):
        fw.show_histogram(noise(), **options)
