from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from fullwell.detector import Camera, Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects.camera_crosstalk import add_crosstalk_between, remove_crosstalk_between
from fullwell.effects.parts import put_together, take_apart
from fullwell.errors import ChainError, FrameError, ParameterError
from fullwell.frame import Frame

ITL = with_amplifiers_of(Detector.preset("lsst-itl"), (70, 6))
ONE = Detector.single((70, 6))
MATRIX = np.zeros((16, 1))
MATRIX[3, 0] = 2e-4
CAMERA = Camera("pair", {"S00": ITL, "S01": ONE}, {"S00": (0.0, 0.0)}, {("S00", "S01"): MATRIX})


def frames(layout="assembled"):
    rng = np.random.default_rng(1)
    shapes = {name: d.shape if layout == "assembled" else d.raw_shape for name, d in CAMERA.detectors.items()}
    return {
        name: Frame(rng.uniform(0, 1e5, shape), unit=u.electron, detector=CAMERA.detectors[name])
        for name, shape in shapes.items()
    }


def test_what_leaks_is_the_signal_of_the_same_tick():
    images = {"S00": np.zeros(ITL.shape), "S01": np.zeros(ONE.shape)}
    images["S01"][66, 1] = 1e5  # row 66, column 1 from its corner
    added = CAMERA.leakage(images, layout="assembled")
    box = ITL.amplifiers[3].box  # read from its lower right corner
    assert np.argwhere(added["S00"]).tolist() == [[66, box.x1 - 2]]
    assert added["S00"].max() == pytest.approx(20.0)
    assert not added["S01"].any()


@pytest.mark.parametrize("layout", ["assembled", "raw"])
def test_what_was_added_is_taken_out(layout):
    before = frames(layout)
    bent = add_crosstalk_between(CAMERA, before)
    after = remove_crosstalk_between(CAMERA, bent)
    assert np.abs(bent["S00"].data - before["S00"].data).max() > 10
    for name in before:
        np.testing.assert_allclose(after[name].data, before[name].data, atol=1e-2)


def test_absent_detectors_leak_nothing():
    alone = add_crosstalk_between(CAMERA, {"S00": frames()["S00"]})
    np.testing.assert_array_equal(alone["S00"].data, frames()["S00"].data)


def test_what_does_not_fit_is_refused():
    both = frames()
    with pytest.raises(ChainError, match="electrons"):
        add_crosstalk_between(CAMERA, {"S00": both["S00"].with_(unit=u.adu)})
    with pytest.raises(FrameError, match="no detector X"):
        add_crosstalk_between(CAMERA, {"X": both["S00"]})
    with pytest.raises(FrameError, match="no detector X"):
        CAMERA.leakage({"X": both["S00"].data}, layout="raw")
    wrong = Camera("same", {"a": ITL, "b": ITL})
    raw = Frame(np.zeros(ITL.raw_shape, np.float32), unit=u.electron)
    with pytest.raises(FrameError, match="raw, others"):
        remove_crosstalk_between(wrong, {"a": both["S00"], "b": raw})


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (({},), "detectors"),
        (({"a": ONE}, {"b": (0, 0)}), "places"),
        (({"a": ONE, "b": ITL}, {}, {("a", "b"): np.zeros((16, 1))}), "crosstalk of"),
        (({"a": ONE, "b": ITL}, {}, {("a", "c"): np.zeros((1, 1))}), "crosstalk of"),
        (({"a": ONE, "b": ITL}, {}, {("a", "a"): np.zeros((1, 1))}), "crosstalk of"),
        (({"a": ONE, "b": ONE}, {}, {("a", "b"): np.ones((1, 1))}), "crosstalk of"),
        (({"a": ONE, "b": ONE}, {}, {("a", "b"): np.full((1, 1), np.nan)}), "crosstalk of"),
    ],
)
def test_impossible_cameras_are_refused(arguments, name):
    with pytest.raises(ParameterError, match=name):
        Camera("x", *arguments)


def test_round_trip():
    back = put_together(*take_apart(CAMERA))
    np.testing.assert_array_equal(back.crosstalk["S00", "S01"], MATRIX)
    assert back.detectors["S00"].amplifiers == ITL.amplifiers
