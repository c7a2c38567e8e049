from __future__ import annotations

import numpy as np
import pytest

import fullwell as fw
from fullwell.errors import FrameError, NotEnoughFrames, ParameterError


def stack(n=12, shape=(20, 30)):
    return np.random.default_rng(8).normal(100, 3, (n, *shape)).astype(np.float32)


def test_the_values_of_a_pixel_and_of_a_box():
    cube = stack()
    box = fw.Box(3, 9, 2, 12)
    plot = fw.show_series(cube, [(7, 5), box])
    reference = [cube[:, 5, 7], cube[:, 2:12, 3:9].mean(axis=(1, 2), dtype=np.float64)]
    np.testing.assert_allclose(plot.facts["values"], reference)
    lines = [line for line in plot.axes.lines if line.get_label().startswith(("pixel", "box"))]
    for line, values in zip(lines, reference, strict=True):
        x, y = line.get_data()
        np.testing.assert_array_equal(x, np.arange(12))
        np.testing.assert_allclose(y, values)
    assert "box [4:9,3:12]" in lines[1].get_label()


def test_outliers_are_marked():
    cube = stack()
    cube[4, 5, 7] += 60
    cube[9, 5, 7] -= 60
    plot = fw.show_series(cube, (7, 5))
    assert plot.facts["outliers"] == [[4, 9]]
    values = cube[:, 5, 7]
    assert plot.facts["median"] == [pytest.approx(np.median(values))]
    assert plot.facts["spread"] == [pytest.approx(1.4826 * np.median(np.abs(values - np.median(values))))]
    marks = next(line for line in plot.axes.lines if "outliers" in line.get_label())
    np.testing.assert_array_equal(marks.get_data()[0], [4, 9])
    assert marks.get_label() == "2 outliers"


def test_integers_that_are_mostly_the_same_have_a_spread_too():
    cube = np.full((9, 2, 2), 50, np.uint16)
    cube[3] = 51
    assert fw.show_series(cube, (0, 0)).facts["spread"][0] == pytest.approx(1.2533 / 9)
    assert fw.show_series(cube[4:], (0, 0)).facts["outliers"] == [[]]


def test_bad_pixels_are_left_out_of_boxes_only():
    frames = [fw.Frame(data) for data in stack(3)]
    frames[1].data[4, 4] = 1e6
    frames[1].flags[4, 4] = fw.Flags.COSMIC_RAY
    values = fw.show_series(frames, [fw.Box(0, 30, 0, 20), (4, 4)], average="median").facts["values"]
    assert values[0].max() < 110
    assert values[1, 1] == 1e6
    frames[2].flags[...] = fw.Flags.BAD
    assert np.isnan(fw.show_series(frames, fw.Box(0, 2, 0, 2)).facts["values"][0, 2])


def test_files_against_their_exposure_times(tmp_path):
    for k, (data, time) in enumerate(zip(stack(3), (2.0, 8.0, 4.0), strict=True)):
        frame = fw.Frame(data, exposure_time=time)
        frame.header["EXPTIME"] = time
        fw.write(frame, tmp_path / f"f{k}.fits")
    plot = fw.show_series(str(tmp_path / "f*.fits"), (1, 1), against="exposure_time")
    assert plot.facts["names"] == ["f0.fits", "f1.fits", "f2.fits"]
    assert plot.axes.lines[0].get_data()[0].tolist() == [2.0, 8.0, 4.0]
    assert plot.axes.get_xlabel() == "exposure time (s)"
    assert plot.axes.get_ylabel() == "pixel value (ADU)"
    paths = sorted(tmp_path.glob("*.fits"))
    np.testing.assert_array_equal(fw.show_series(paths, (1, 1)).facts["values"], plot.facts["values"])


@pytest.mark.parametrize(
    "at", [(30, 0), (0, 20), (-1, 0), (1.5, 2), fw.Box(0, 31, 0, 2), fw.Box(3, 3, 0, 2), 5]
)
def test_places_outside_of_the_frame_are_refused(at):
    with pytest.raises((ParameterError, TypeError)) as caught:
        fw.show_series(stack(2), at)
    assert isinstance(caught.value, ParameterError)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(NotEnoughFrames):
        fw.show_series([], (0, 0))
    with pytest.raises(FrameError, match="shape"):
        fw.show_series([np.zeros((4, 4)), np.zeros((4, 5))], (0, 0))
    with pytest.raises(FrameError, match="one frame"):
        fw.show_series(np.zeros((4, 4)), (0, 0))
    with pytest.raises(FrameError, match="exposure time"):
        fw.show_series(stack(2), (0, 0), against="exposure_time")
    for options in ({"against": "date"}, {"average": "mode"}, {"outliers": -1.0}):
        with pytest.raises(ParameterError):
            fw.show_series(stack(2), (0, 0), **options)
    with pytest.raises(ParameterError, match="places"):
        fw.show_series(stack(2), [(0, 0)] * 6)
