from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from fullwell.errors import ParameterError
from fullwell.simulation import playground_widget, simulator_widget
from fullwell.simulation.playground import Playground
from fullwell.simulation.playground_controls import Settings, describe

needs_anywidget = pytest.mark.skipif(find_spec("anywidget") is None, reason="the extra 'notebook' is missing")


@needs_anywidget
def test_the_kernel_answers_with_the_frame_of_the_model():
    widget = simulator_widget(sky=20)
    values = {"sky": 30, "fringes": 0.2, "seed": 4}
    widget.asked = {"number": 7, "parameters": values}
    play = Playground().take(Settings.of(values))
    assert widget.played["number"] == 7
    assert widget.played["reading"] == play.reading()
    np.testing.assert_array_equal(np.frombuffer(widget.played["pixels"], "<u2"), play.frame.ravel())
    np.testing.assert_array_equal(widget.frame, play.frame)
    widget.asked = {"number": 8, "parameters": {"sky": -1}}
    assert widget.played == {"number": 8, "error": widget.played["error"]}
    assert "sky = -1" in widget.played["error"]
    widget.asked = {"number": 9, "parameters": values}
    assert widget.played["number"] == 9


@needs_anywidget
def test_first_values_and_page():
    widget = simulator_widget(gain=2, vignetting=0.5)
    assert widget.parameters == {"gain": 2, "vignetting": 0.5}
    assert widget.description == describe()
    np.testing.assert_array_equal(widget.frame, Playground().take(Settings.of(widget.parameters)).frame)
    assert "export default" in str(widget._esm)
    assert ".simulator" in str(widget._css)
    with pytest.raises(ParameterError, match="gain"):
        widget.parameters = {"gain": 0}


def test_what_is_impossible_is_said():
    with pytest.raises(ParameterError, match="nothing"):
        simulator_widget(nothing=1)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    playground_widget._widget_class.cache_clear()
    with pytest.raises(ImportError, match=r"fullwell\[notebook\]"):
        simulator_widget()
    playground_widget._widget_class.cache_clear()
