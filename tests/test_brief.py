"""Representations that fit in a line or two."""

import attrs
import numpy as np
import pytest

import fullwell as fw
from fullwell.brief import Brief, brief


@attrs.frozen(eq=False, repr=False)
class Example(Brief):
    image: np.ndarray
    level: float = 1.0
    nothing: str | None = None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((3, 4), np.float32), "<3 x 4 float32>"),
        (np.array([1.5, 2.0]), "array([1.5, 2. ])"),
        (np.float64(2.5), "2.5"),
        ((1.5,), "(1.5,)"),
        ([], "[]"),
        ((1.68,) * 16, "(1.68, 1.68, 1.68, ... 16 in all)"),
        ((None,) * 16, "<16 of NoneType>"),
        ({"map": np.zeros(9)}, "{'map': <9 float64>}"),
        (dict.fromkeys("abcdefgh", 0), "{'a', 'b', 'c', ... 8 in all}"),
        (fw.Frame(np.zeros((2, 2))).header, "<0 cards>"),
        (Example, repr(Example)),
    ],
)
def test_a_value_in_short(value, text):
    assert brief(value) == text


def test_a_class_leaves_out_what_is_empty():
    assert repr(Example(np.zeros((2, 9)))) == "Example(image=<2 x 9 float64>, level=1.0)"


def test_what_takes_much_room_is_named():
    detector = fw.Detector.preset("lsst-itl")
    assert len(repr(detector)) > 1000
    assert brief(detector) == "<Detector lsst-itl>"


def test_frames_and_exposures_fit_in_a_few_lines():
    chain = fw.SignalChain([fw.Gain(2.0)])
    exposure = chain.expose(fw.Scene(fw.Sky(5.0)), 10.0, seed=1, detector=fw.Detector.single((50, 60)))
    assert "data=<50 x 60 float32>" in repr(exposure.frame)
    assert len(repr(exposure)) < 600
    assert "array(" not in repr(exposure)
