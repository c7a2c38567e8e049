from __future__ import annotations

import pytest
from astropy import units as u
from astropy.io.fits import Header
from hypothesis import given
from hypothesis import strategies as st

from fullwell.errors import FrameError
from fullwell.io.bunit import bunit_of, unit_from


@pytest.mark.parametrize("unit", [u.adu, u.electron, u.adu / u.s, u.electron / u.s, u.dimensionless_unscaled])
def test_units_come_back(unit: u.UnitBase) -> None:
    assert unit_from(Header([("BUNIT", bunit_of(unit))])) == unit


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20))
def test_any_text_is_a_unit_of_frames_or_an_error(text: str) -> None:
    try:
        unit = unit_from(Header([("BUNIT", text)]))
    except FrameError:
        return
    assert {u.adu, u.electron, u.s}.issuperset(unit.decompose().bases)
