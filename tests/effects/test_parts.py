"""Any effect as plain parts and back."""

import json

import attrs
import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from fullwell.effects import ADC, Bias, Dark, Flat, Gain, Kind, ReadNoise
from fullwell.effects.parts import put_together, take_apart
from fullwell.errors import FrameError, ParameterError
from fullwell.frame import Shared


def again(value):
    tree, arrays = take_apart(value)
    return put_together(json.loads(json.dumps(tree, allow_nan=False)), arrays)


def same(one, other):
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif attrs.has(type(one)):
        for field in attrs.fields(type(one)):
            same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    else:
        assert one == other or (one != one and other != other)


IMAGE = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize(
    "effect",
    [
        Gain([1.5, 1.7] * u.electron / u.adu, source="flat pairs"),
        ReadNoise(4.5, unit=u.adu, digitized=True),
        Bias(1000.0, structure=IMAGE, drift=0.3, statistics={"frames": (1, np.float64(2.5), float("nan"))}),
        Dark(rate=IMAGE, offset=3.0),
        Flat(IMAGE + 1, filter="V", shared={"b": Shared(0.5, IMAGE)}),
        ADC(bits=18),
    ],
    ids=lambda effect: effect.name,
)
def test_effects_come_back_to_the_last_bit(effect):
    same(again(effect), effect)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_anything_plain_comes_back(value):
    same(again(value), value)


@pytest.mark.parametrize(
    "array", [np.arange(3), np.zeros((0, 2), bool), np.array(2.5), np.float32(1 / 3), Kind.POINTWISE]
)
def test_arrays_scalars_and_enumerations_come_back(array):
    same(again(array), array)


def test_what_is_no_part_of_an_effect_is_refused():
    with pytest.raises(ParameterError, match="object"):
        take_apart({"a": object()})


@pytest.mark.parametrize(
    "path",
    [
        "os:system",
        "fullwell.files:write_whole",
        "fullwell.effects.gain:Absent",
        "subprocess:Popen",
        "fullwell.gone:X",
    ],
)
def test_a_file_does_not_choose_what_is_called(path):
    with pytest.raises(FrameError, match=r"fullwell|effects"):
        put_together({"class": path, "parts": {}}, {})


def test_missing_arrays_and_strange_trees_are_refused():
    with pytest.raises(FrameError, match="ARRAY7"):
        put_together({"array": "ARRAY7", "dtype": "float32", "shape": [1]}, {})
    with pytest.raises(FrameError, match="no part"):
        put_together({"what": 1}, {})
