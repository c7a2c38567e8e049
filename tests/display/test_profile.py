from __future__ import annotations

import numpy as np
import pytest

import fullwell as fw
from fullwell.errors import ParameterError


def image():
    return np.random.default_rng(5).normal(0, 1, (20, 30)).astype(np.float32)


@pytest.mark.parametrize("against", ["column", "row"])
@pytest.mark.parametrize(("at", "part"), [(4, slice(4, 5)), ((2, 9), slice(2, 9)), (None, slice(None))])
@pytest.mark.parametrize("average", ["mean", "median"])
def test_cuts_and_averages(against, at, part, average):
    data = image()
    plot = fw.show_profile(data, against=against, at=at, average=average)
    turned = data if against == "column" else data.T
    reference = getattr(np, average)(turned[part].astype(np.float64), axis=0)
    x, y = plot.axes.lines[0].get_data()
    np.testing.assert_array_equal(x, np.arange(turned.shape[1]))
    np.testing.assert_allclose(y, reference, atol=1e-12)
    np.testing.assert_array_equal(plot.facts["values"], y)
    assert plot.axes.get_xlabel() == f"{against} (pixel)"


def test_masked_pixels_leave_gaps_and_nothing_else():
    frame = fw.Frame(image(), unit="electron")
    frame.data[4, 7], frame.data[5, 8] = np.nan, 1e9
    frame.flags[5, 8] = fw.Flags.HOT
    assert np.flatnonzero(np.isnan(fw.show_profile(frame, at=4).facts["values"])).tolist() == [7]
    for average in ("mean", "median"):
        assert np.abs(fw.show_profile(frame, average=average).facts["values"]).max() < 2
    assert fw.show_profile(frame).axes.get_ylabel() == "pixel value (e-)"


def test_several_share_their_axes():
    plot = fw.show_profile(image(), label="raw")
    fw.show_profile(image() - 1, label="corrected", ax=plot.axes, color="green")
    assert [entry.get_text() for entry in plot.axes.get_legend().get_texts()] == ["raw", "corrected"]


@pytest.mark.parametrize("at", [20, -1, (3, 3), (0, 21), 1.5, "all", (1, 2, 3)])
def test_rows_that_are_not_there_are_refused(at):
    with pytest.raises(ParameterError, match="at ="):
        fw.show_profile(image(), at=at)


def test_impossible_options_are_named():
    for options, word in (({"against": "x"}, "against"), ({"average": "max"}, "average")):
        with pytest.raises(ParameterError, match=word):
            fw.show_profile(image(), **options)
