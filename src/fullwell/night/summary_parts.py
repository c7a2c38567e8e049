"""What the parts of the night's report share: numbers, units, pictures with their scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fullwell.night.results import NightResult
from fullwell.report import Badge, Number, Picture, Scale

__all__ = [
    "DARK_RULES",
    "Row",
    "fixed",
    "number",
    "percent",
    "picture",
    "plural",
    "status_badge",
    "unit_name",
]

#: One record of `NightResult.data`.
Row = Mapping[str, Any]

#: How `Dark.weights` came about, in words.
DARK_RULES = {
    "same length": "of the same length",
    "line": "from the line through its lengths",
    "line extended": "from the line through its lengths, extended beyond the longest",
    "scaled down": "scaled down",
    "scaled up": "scaled up",
}

_UNITS = {"electron": "e-", "adu": "ADU"}


def number(value: Any, digits: int = 4, *, unit: str = "") -> Number | None:
    """Return a number with that many significant digits; None stays None."""
    return None if value is None else Number(float(value), digits=digits, unit=unit)


def fixed(value: Any, decimals: int, *, unit: str = "") -> Number | None:
    """Return a number with that many digits behind the point; None stays None."""
    return None if value is None else Number(float(value), decimals=decimals, unit=unit)


def percent(fraction: Any, decimals: int = 4, *, unit: str = "") -> Number | None:
    """Return a fraction in percent; four decimals tell one pixel in a million."""
    return None if fraction is None else Number(100 * float(fraction), decimals=decimals, unit=unit)


def unit_name(unit: str | None) -> str:
    """Return the name of a unit as observers write it."""
    return _UNITS.get(str(unit), str(unit)) if unit else ""


def plural(count: int, noun: str) -> str:
    """Return ``'1 frame'``, ``'2 frames'``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def status_badge(status: str, good: str) -> Badge:
    """Return how a product went."""
    return Badge(good, "ok") if status == "done" else Badge(status, "error" if status == "failed" else "note")


def picture(
    result: NightResult, owner: str, key: str, record: Row, *, alt: str, unit: str = "", caption: str = ""
) -> Picture | None:
    """Return a picture of a product with what its grays mean, if there is one.

    Parameters
    ----------
    result : NightResult
    owner : str
        Name of the product among the pictures.
    key : str
        Name of the picture.
    record : mapping
        Where ``<key>_scale`` is.
    alt, unit, caption : str
    """
    image = result.pictures.get(f"{owner}:{key}")
    if image is None:
        return None
    grays = record.get(f"{key}_scale")
    scale = None
    if grays is not None:
        block = grays["block"]
        each = f"; each pixel of the picture is the mean of {block} x {block}" if block > 1 else ""
        note = f"{grays['how']} stretch{each}"
        scale = Scale(grays["black"], grays["middle"], grays["white"], unit, note)
    return Picture(image, alt=alt, caption=caption, scale=scale)
