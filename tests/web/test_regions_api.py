from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.stats import sigma_clip
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fullwell.io import read
from fullwell.web.regions_api import _medians


@pytest.fixture(scope="module")
def raw(ask, folder):
    return f"frames/{ask.frames()['field_1.fits']['id']}", read(folder / "field_1.fits").data


@pytest.fixture(scope="module")
def clean(ask, folder):
    return f"frames/{ask.frames()['clean.fits']['id']}", read(folder / "other" / "clean.fits")


def test_statistics_of_a_box(ask, raw):
    path, data = raw
    seen = ask.get(f"{path}/statistics", x0=10, x1=60, y0=5, y1=45)
    part = data[5:45, 10:60].astype(float)
    assert (seen["n"], seen["masked"], seen["unit"]) == (2000, 0, "adu")
    assert seen["mean"] == pytest.approx(part.mean())
    assert seen["std"] == pytest.approx(part.std())
    assert seen["median"] == np.median(part)
    assert (seen["minimum"], seen["maximum"]) == (part.min(), part.max())
    clipped = sigma_clip(part, sigma=3, maxiters=None, cenfunc="median", stdfunc="std")
    assert seen["clipped_mean"] == pytest.approx(clipped.mean())
    assert seen["clipped_std"] == pytest.approx(clipped.std())


def test_statistics_of_a_circle(ask, raw):
    path, data = raw
    y, x = np.mgrid[0:20, 0:20] + 0.5
    inside = (x - 10) ** 2 + (y - 10) ** 2 <= 100
    seen = ask.get(f"{path}/statistics", x0=30, x1=50, y0=20, y1=40, shape="circle")
    assert seen["n"] == inside.sum()
    assert seen["mean"] == pytest.approx(data[20:40, 30:50][inside].mean())


def test_flagged_pixels_do_not_count(ask, clean):
    path, frame = clean
    seen = ask.get(f"{path}/statistics")
    assert seen["masked"] == 2  # hot, and not finite
    assert seen["n"] == frame.data.size - 2
    assert seen["median"] == pytest.approx(np.median(frame.data[~frame.mask]), rel=1e-6)


def test_histogram_of_integers_has_bins_of_whole_numbers(ask, raw):
    path, data = raw
    box = {"x0": 0, "x1": 90, "y0": 0, "y1": 60}
    seen = ask.get(f"{path}/histogram", bins=65536, **box)
    part = data[:60, :90]
    np.testing.assert_array_equal(seen["edges"], np.arange(part.min() - 0.5, part.max() + 1))
    np.testing.assert_array_equal(seen["counts"], np.bincount(part.ravel())[part.min() :])
    few = ask.get(f"{path}/histogram", bins=10, **box)
    assert sum(few["counts"]) == part.size
    width = np.unique(np.diff(few["edges"]))
    assert width.size == 1
    assert width[0] == int(width[0])


def test_histogram_of_floats(ask, clean):
    path, frame = clean
    seen = ask.get(f"{path}/histogram", bins=30)
    assert len(seen["edges"]) == 31
    assert sum(seen["counts"]) == frame.data.size - 2
    # 5 standard errors of 5 / sqrt(2000) and 5 / sqrt(4000)
    assert seen["gaussian"]["mean"] == pytest.approx(50, abs=0.56)
    assert seen["gaussian"]["sigma"] == pytest.approx(4.93, abs=0.4)


def test_cuts(ask, raw):
    path, data = raw
    row = ask.get(f"{path}/cut", axis="row", at=7)
    np.testing.assert_array_equal(row["values"], data[7])
    assert row["positions"] == list(range(data.shape[1]))
    np.testing.assert_array_equal(ask.get(f"{path}/cut", axis="column", at=100)["values"], data[:, 100])


@pytest.mark.parametrize("average", ["mean", "median"])
@pytest.mark.parametrize(("axis", "over"), [("row", 0), ("column", 1)])
def test_projections(ask, raw, average, axis, over):
    path, data = raw
    seen = ask.get(f"{path}/projection", axis=axis, average=average, x0=12, x1=50, y0=3, y1=40)
    part = data[3:40, 12:50]
    assert seen["positions"][0] == (12 if axis == "row" else 3)
    np.testing.assert_allclose(seen["values"], getattr(np, average)(part, axis=over))


@pytest.mark.parametrize("average", ["mean", "median"])
@pytest.mark.parametrize(("axis", "over"), [("row", 0), ("column", 1)])
def test_projections_leave_out_what_is_flagged(ask, clean, average, axis, over):
    path, frame = clean
    seen = ask.get(f"{path}/projection", axis=axis, average=average)
    expected = getattr(np.ma, average)(np.ma.masked_array(frame.data, frame.mask), axis=over)
    np.testing.assert_allclose(seen["values"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "query",
    [
        {"x0": -1},
        {"x0": 5, "x1": 5},
        {"x1": 10**30},
        {"y1": "nan"},
        {"y0": "1e3"},
        {"x0": ""},
        {"shape": "<script>"},
    ],
)
def test_boxes_that_cannot_be_are_refused(ask, raw, query):
    assert ask.refuses(f"{raw[0]}/statistics", **query) == "bad-request"


def test_other_parameters_that_cannot_be_are_refused(ask, raw):
    assert ask.refuses(f"{raw[0]}/histogram", bins=10**9) == "bad-request"
    assert ask.refuses(f"{raw[0]}/cut", axis="row") == "bad-request"
    assert ask.refuses(f"{raw[0]}/cut", axis="diagonal", at=1) == "bad-request"
    assert ask.refuses(f"{raw[0]}/projection", average="mode") == "bad-request"


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=7),
        elements=st.sampled_from([np.nan, -3.0, 0.0, 1.0, 2.5, 1e30]),
    )
)
def test_medians_are_those_of_numpy(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # lines without any value
        expected = np.nanmedian(lines.astype(np.float64), axis=1)
    np.testing.assert_array_equal(_medians(lines), expected)
    whole = np.nan_to_num(lines, nan=5, posinf=7).clip(-9, 9).astype(np.int32)
    np.testing.assert_array_equal(_medians(whole), np.median(whole, axis=1))
