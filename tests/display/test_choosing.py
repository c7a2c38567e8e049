from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest

import fullwell as fw
from fullwell.display.choosing import BUILT_IN, backend_class, backend_names, default_backend
from fullwell.display.virtual import VirtualBackend
from fullwell.errors import DisplayError, ParameterError


def point(name, value):
    return EntryPoint(name=name, value=value, group="fullwell.display")


GOOD = point("mine", "fullwell.display.virtual:VirtualBackend")
BROKEN = point("broken", "no_such_module_anywhere:Thing")
NONE = point("none", "fullwell.display.virtual:attrs")


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_kind_has_its_name(name):
    assert backend_class(name).name == name


def test_explicit_then_environment_then_notebook_then_pictures(monkeypatch):
    assert default_backend({}) == "matplotlib"
    assert default_backend({"FULLWELL_DISPLAY": " ds9 "}) == "ds9"
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert default_backend({}) == "widget"
    assert default_backend({"FULLWELL_DISPLAY": "virtual"}) == "virtual"
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert default_backend({}) == "matplotlib"


def test_the_environment_is_asked_when_a_display_opens(monkeypatch):
    monkeypatch.setenv("FULLWELL_DISPLAY", "virtual")
    with fw.Display(31) as display:
        assert isinstance(display.backend, VirtualBackend)
        with fw.Display(32, backend="matplotlib") as other:
            assert other.backend.name == "matplotlib"
    monkeypatch.setenv("FULLWELL_DISPLAY", "nonsense")
    with pytest.raises(ParameterError, match=r"'nonsense'.*matplotlib"):
        fw.Display(33)


def test_others_are_found_and_broken_ones_only_matter_when_asked_for():
    others = [GOOD, BROKEN, NONE]
    assert {"mine", "broken", "none", "ds9"} <= set(backend_names(others))
    assert backend_class("mine", others=others) is VirtualBackend
    assert backend_class("virtual", others=others) is VirtualBackend
    with pytest.raises(DisplayError, match=r"'broken' \(no_such_module_anywhere:Thing\).*ModuleNotFound"):
        backend_class("broken", others=others)
    with pytest.raises(DisplayError, match="not a DisplayBackend"):
        backend_class("none", others=others)
    with pytest.raises(ParameterError, match="broken, ds9"):
        backend_class("nonsense", others=others)
