"""BUNIT: the card that says what a pixel value counts."""

from __future__ import annotations

from astropy import units as u
from astropy.io.fits import Header

from fullwell.errors import FrameError
from fullwell.io.card_text import UNIT_NAMES
from fullwell.io.checks import quiet

__all__ = ["bunit_of", "unit_from"]


def unit_from(header: Header) -> u.UnitBase:
    """Tell the unit of an image by its card BUNIT; ADU if there is none.

    Besides ADU and electrons in their spellings, whatever is made of ADU, electrons and seconds
    (the rate of a dark) or is a pure number (a flat) is understood.

    Raises
    ------
    FrameError
        If it is another unit, or none.
    """
    text = header.get("BUNIT", "")
    if isinstance(text, str):
        known = UNIT_NAMES.get(text.strip().upper())
        if known is not None:
            return u.Unit(known)
        try:
            with quiet():
                unit = u.Unit(text)
            if {u.adu, u.electron, u.s}.issuperset(unit.decompose().bases):
                return unit
        except (ValueError, TypeError, AttributeError):  # of a structure of units: it has no bases
            pass
    raise FrameError(f"BUNIT = {text!r} is no unit of a frame; adu and electron are")


def bunit_of(unit: u.UnitBase) -> str:
    """Return the text for BUNIT: ``'adu'``, ``'electron'``, ``'electron / s'``, ``'1'`` for a pure number."""
    return unit.to_string() or "1"
