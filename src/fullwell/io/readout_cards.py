"""How the detector was read, from its cards: gain, camera settings, binning, window, saturation."""

from __future__ import annotations

import re
from typing import Any

from fullwell.detector import parse_section
from fullwell.errors import ParameterError
from fullwell.io.cards import Card, Cards, number
from fullwell.io.metadata import Value

__all__ = ["binning", "gain", "gain_setting", "saturation", "window"]

_ELECTRON, _COUNT = r"(?:e-?|electrons?|elec|photo-?electrons?)", r"(?:adus?|dns?|counts?)"
_ONE_PER, _TO = r"\s*(?:/|per)\s*", r"\s*(?:to|->)\s*"


def _ratio(upper: str, lower: str) -> re.Pattern[str]:
    """Match ``upper/lower`` and ``lower to upper``, as comments write units."""
    ratio = rf"(?<![a-z]){upper}{_ONE_PER}{lower}(?![a-z])|(?<![a-z]){lower}{_TO}{upper}(?![a-z])"
    return re.compile(ratio, re.IGNORECASE)


_PER_COUNT, _PER_ELECTRON = _ratio(_ELECTRON, _COUNT), _ratio(_COUNT, _ELECTRON)
_BINNING = re.compile(r"(\d+)\s*(?:[x×*,]|\s)\s*(\d+)", re.IGNORECASE)
_MOST_BINNED = 1024


def gain(cards: Cards, table: dict[str, Any]) -> Value:
    """Return the gain in e-/ADU, of the first amplifier where there are several.

    GAIN is ambiguous: e-/ADU at observatories, the setting of an amplifier in amateur CMOS cameras, ADU/e-
    in some ESO headers. The comment of the card decides where it can.

    Parameters
    ----------
    cards : Cards
    table : dict
        Table ``gain`` of the vocabulary.
    """
    notes: list[str] = []
    for kind in ("certain", "conversion", "likely", "inverse"):
        for card, trouble in cards.present(table[kind]):
            if card is None:
                notes.append(trouble)
                continue
            value, why = _as_gain(cards, card, table, kind)
            if value is not None:
                return Value(value, card.value, card.keyword, f"from {card.keyword}, {why}{_noted(notes)}")
            notes.append(f"{card} is not used: {why}")
    return Value(rule="; ".join(notes) or "no card holds the gain")


def gain_setting(cards: Cards, table: dict[str, Any], settings: dict[str, Any]) -> Value:
    """Return what the gain of a camera was set to: a number without a unit, or a word.

    Parameters
    ----------
    cards : Cards
    table, settings : dict
        Tables ``gain`` and ``gain_setting`` of the vocabulary.
    """
    card, _ = cards.first(settings["keywords"])
    why = "a camera setting"
    if card is None:
        card, _ = cards.get("GAIN")
        why = "" if card is None else _why_setting(cards, card, table)
    if card is None or not why:
        return Value(rule="no card holds a gain setting")
    as_number = number(card.value)
    value = str(card.value).strip() if as_number is None else as_number
    return Value(value, card.value, card.keyword, f"from {card.keyword}: {why}")


def binning(cards: Cards, table: dict[str, Any]) -> Value:
    """Return the binning along x and y.

    Parameters
    ----------
    cards : Cards
    table : dict
        Table ``binning`` of the vocabulary.
    """
    notes: list[str] = []
    for x_key, y_key in table["pairs"]:
        found = _pair(cards, x_key, y_key, notes)
        if found is not None:
            x, y = (_whole(number(card.value)) for card in found)
            raw = tuple(card.value for card in found)
            if x is not None and y is not None and 1 <= x <= _MOST_BINNED and 1 <= y <= _MOST_BINNED:
                keyword = f"{x_key}+{y_key}"
                return Value((x, y), raw, keyword, f"from {keyword}")
            notes.append(f"{x_key}, {y_key} = {raw} are no binning")
    for card, trouble in cards.present(table["strings"]):
        value = None if card is None else _parse_binning(card.value)
        if card is not None and value is not None:
            return Value(value, card.value, card.keyword, f"from {card.keyword}{_noted(notes)}")
        notes.append(trouble or f"{card} is no binning")
    return Value(rule="; ".join(notes) or "no card holds the binning")


def window(cards: Cards, table: dict[str, Any]) -> Value:
    """Return column and row of the first pixel that was read, counted from 0 in (binned) pixels.

    Cards that name it come first, then IRAF's offsets, then CCDSEC together with DATASEC. With the last two
    it is the first pixel of DATASEC that is placed, so that a prescan is no window.

    Parameters
    ----------
    cards : Cards
    table : dict
        Table ``window`` of the vocabulary.
    """
    notes: list[str] = []
    for x_key, y_key, first in table["pairs"]:
        found = _pair(cards, x_key, y_key, notes)
        if found is not None:
            x, y = (_whole(number(card.value)) for card in found)
            if x is not None and y is not None and x >= first and y >= first:
                keyword = f"{x_key}+{y_key}"
                raw = tuple(card.value for card in found)
                return Value((x - first, y - first), raw, keyword, f"from {keyword}")
            notes.append(f"{x_key}, {y_key} are no position")
    for rule in (_from_offsets, _from_sections):
        origin, keyword, raw = rule(cards, table, notes)
        if origin is not None and min(origin) >= 0:
            return Value(origin, raw, keyword, f"from {keyword}{_noted(notes)}")
        if origin is not None:
            notes.append(f"{keyword} are no position")
    return Value(rule="; ".join(notes) or "no card holds the origin of the window")


_Origin = tuple[tuple[int, int] | None, str, Any]


def _from_offsets(cards: Cards, table: dict[str, Any], notes: list[str]) -> _Origin:
    """Take IRAF's rule, image = LTM * CCD + LTV, at the first pixel of the data."""
    x_key, y_key = table["offsets"]
    found = _pair(cards, x_key, y_key, notes)
    if found is None:
        return None, "", None
    x, y = (number(card.value) for card in found)
    if x is None or y is None:
        notes.append(f"{x_key}, {y_key} are no numbers")
        return None, "", None
    data = _section(cards, "DATASEC", notes)
    x0, y0 = (0, 0) if data is None else data[0]
    # Under binning the centers of pixels shift LTV by less than half a pixel.
    return (x0 - round(x), y0 - round(y)), f"{x_key}+{y_key}", (found[0].value, found[1].value)


def _from_sections(cards: Cards, _: dict[str, Any], notes: list[str]) -> _Origin:
    ccd, data = _section(cards, "CCDSEC", notes), _section(cards, "DATASEC", notes)
    if ccd is None or data is None:
        return None, "", None
    origin = []
    for first, wide, narrow in zip(ccd[0], ccd[1], data[1], strict=True):
        step = max(1, round(wide / narrow))  # the binning; CCDSEC counts single pixels
        if abs(wide - step * narrow) >= step or first % step:
            notes.append("CCDSEC and DATASEC do not agree")
            return None, "", None
        origin.append(first // step)
    return (origin[0], origin[1]), "CCDSEC+DATASEC", (ccd[2], data[2])


def _section(
    cards: Cards, keyword: str, notes: list[str]
) -> tuple[tuple[int, int], tuple[int, int], Any] | None:
    """First pixel and size of a section, each x before y, and the card as it is."""
    card, trouble = cards.get(keyword)
    if card is None:
        notes += [trouble] if trouble else []
        return None
    try:
        box = parse_section(str(card.value))[0]
    except ParameterError:
        notes.append(f"{card} is no section")
        return None
    return ((box.x0, box.y0), (box.x1 - box.x0, box.y1 - box.y0), card.value)


def saturation(cards: Cards, table: dict[str, Any]) -> Value:
    """Return the level in ADU at which pixels saturate.

    Parameters
    ----------
    cards : Cards
    table : dict
        Table ``saturation`` of the vocabulary.
    """
    notes: list[str] = []
    for card, trouble in cards.present([*table["certain"], *table["likely"]]):
        level = number(card.value) if card else None
        if card is None or level is None or level <= 0:
            notes.append(trouble or f"{card} is no level")
        elif card.keyword in table["likely"] and not _is_limit(card, level):
            # The FITS standard has DATAMAX as the largest value in the file, SBIG as the end of the scale.
            notes.append(f"{card} looks like the largest value in the file, not like a limit")
        else:
            return Value(level, card.value, card.keyword, f"from {card.keyword}{_noted(notes)}")
    return Value(rule="; ".join(notes) or "no card holds the saturation level")


def _as_gain(cards: Cards, card: Card, table: dict[str, Any], kind: str) -> tuple[float | None, str]:
    value = number(card.value)
    if value is None or value <= 0:
        return None, "not a number above 0"
    if kind == "likely" and (why := _why_setting(cards, card, table)):
        return None, why
    per_count, per_electron = _PER_COUNT.search(card.comment), _PER_ELECTRON.search(card.comment)
    said = bool(per_count) != bool(per_electron)
    inverse = bool(per_electron) if said else kind == "inverse"
    why = "says its comment" if said else "the usual meaning of this keyword"
    result = 1 / value if inverse else value
    if not 0 < result <= table["largest"]:
        return None, f"not between 0 and {table['largest']:g} e-/ADU"
    return result, f"in ADU/e- ({why}), inverted" if inverse else f"in e-/ADU ({why})"


def _why_setting(cards: Cards, card: Card, table: dict[str, Any]) -> str:
    """Return why GAIN is a camera setting; empty if it is not."""
    if card.keyword != "GAIN":
        return ""
    if cards.first(table["certain"])[0] is not None:
        return "a camera setting, the gain in e-/ADU stands beside it"
    value = number(card.value)
    if value is None:
        return "a camera setting, not a number"
    if _PER_COUNT.search(card.comment) or _PER_ELECTRON.search(card.comment):
        return ""
    if value <= 0 or value > table["largest"]:
        return f"a camera setting, no detector has this many e-/ADU (0 to {table['largest']:g})"
    companion, _ = cards.first(table["setting_companions"])
    if companion is not None and value.is_integer():
        return f"a camera setting, a whole number beside {companion.keyword}"
    return ""


def _pair(cards: Cards, x_key: str, y_key: str, notes: list[str]) -> tuple[Card, Card] | None:
    (x, x_trouble), (y, y_trouble) = cards.get(x_key), cards.get(y_key)
    if x is not None and y is not None:
        return x, y
    notes += [trouble for trouble in (x_trouble, y_trouble) if trouble]
    if x is not None or y is not None:
        notes.append(f"{x_key} and {y_key} are not both there")
    return None


def _parse_binning(value: Any) -> tuple[int, int] | None:
    single = _whole(number(value))
    if single is not None:
        return (single, single) if 1 <= single <= _MOST_BINNED else None
    match = _BINNING.fullmatch(str(value).strip())
    if not match or len(match[1]) > 4 or len(match[2]) > 4:
        return None
    x, y = int(match[1]), int(match[2])
    return (x, y) if 1 <= x <= _MOST_BINNED and 1 <= y <= _MOST_BINNED else None


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and value.is_integer() else None


def _is_limit(card: Card, level: float) -> bool:
    if re.search(r"satur|limit|full scale", card.comment, re.IGNORECASE):
        return True
    return level >= 255 and any(
        (whole := _whole(level + step)) is not None and whole & (whole - 1) == 0 for step in (0, 1)
    )


def _noted(notes: list[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""
