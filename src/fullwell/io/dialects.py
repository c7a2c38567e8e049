"""Header dialects: from the keywords people really have to one vocabulary.

Which keywords are looked at, in which order, and what their values mean stands in ``dialects.toml``
beside this file; here is only how a card becomes a value. Nothing is guessed silently: each value
keeps its raw form and the rule that was used, and what cannot be used says why.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from fullwell.io.calibration_signs import calibration_signs
from fullwell.io.cards import Card, Cards, number
from fullwell.io.dates import time_of
from fullwell.io.metadata import Metadata, Value
from fullwell.io.readout_cards import binning, gain, gain_setting, saturation, window

__all__ = ["frame_types", "normalize_type", "reduced_as", "translate"]

_MILLISECONDS = re.compile(r"\b(ms|msecs?|milli-?seconds?)\b", re.IGNORECASE)
_KELVIN = re.compile(r"\bkelvins?\b|\[K\]|\(K\)|\bdeg(rees)?\.? K\b", re.IGNORECASE)
_CELSIUS_OF_KELVIN = -273.15
_MID = re.compile(r"\b(mid|middle|mid-?point|mean|center|centre)\b", re.IGNORECASE)
_END = re.compile(r"\b(end|stop|finish)\b", re.IGNORECASE)
_BEGIN = re.compile(r"\b(start|begin|beginning|began)\b", re.IGNORECASE)
_SECONDS_A_DAY = 86400.0


def translate(header: Mapping[str, Any]) -> Metadata:
    """Translate a FITS header.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Any header, with broken cards or hardly any; a mapping of keywords to values serves too.

    Returns
    -------
    Metadata
        Never raises because of what is in the header: a card that cannot be used leaves its value None
        and its rule says why.
    """
    tables = _tables()
    cards = Cards(header)
    exposure = _exposure_time(cards, tables["exposure_time"])
    start, mid = _times(cards, tables, exposure.value)
    setting = gain_setting(cards, tables["gain"], tables["gain_setting"])
    return Metadata(
        frame_type=_frame_type(cards, tables["frame_type"]),
        exposure_time=exposure,
        dark_time=_dark_time(
            cards, tables["dark_time"], exposure, longest=tables["exposure_time"]["longest"]
        ),
        filter=_filter(cards, tables["filter"]),
        temperature=_temperature(cards, tables["temperature"]["keywords"]),
        set_temperature=_temperature(cards, tables["set_temperature"]["keywords"]),
        gain=gain(cards, tables["gain"]),
        gain_setting=setting,
        offset_setting=_text_or_number(cards, tables["offset_setting"]["keywords"]),
        read_noise=_positive(cards, tables["read_noise"]["keywords"], "e-"),
        readout_mode=_text(cards, tables["readout_mode"]["keywords"]),
        binning=binning(cards, tables["binning"]),
        window=window(cards, tables["window"]),
        sections=_sections(cards, tables["sections"]["keywords"]),
        saturation=saturation(cards, tables["saturation"]),
        camera=_camera(cards, tables["camera"]),
        target=_text(cards, tables["object"]["keywords"]),
        start_time=start,
        mid_time=mid,
        already_calibrated=calibration_signs(cards, tables["already_calibrated"], tables["frame_type"]),
    )


def frame_types() -> tuple[str, ...]:
    """Return the types of frame that the vocabulary knows, first those that cards name."""
    table = _tables()["frame_type"]
    return tuple(dict.fromkeys([*table["values"], *table["named_by_users"]["types"]]))


def reduced_as(frame_type: str) -> str:
    """Return the type that frames of `frame_type` are treated as, such as ``'dark'`` for ``'darkflat'``."""
    found: str = _tables()["frame_type"]["reduced_as"].get(frame_type, frame_type)
    return found


def normalize_type(text: str) -> str:
    """Return the type that a card such as ``IMAGETYP = 'Light Frame'`` means; ``'unknown'`` if it is none."""
    table = _tables()["frame_type"]
    plain = _plain(text, table)
    return next((name for name, values in table["values"].items() if plain in values), "unknown")


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(files("fullwell.io").joinpath("dialects.toml").read_text(encoding="utf-8"))


def _plain(text: str, table: dict[str, Any]) -> str:
    words = re.sub(r"[_\-\s]+", " ", text.casefold()).split()
    dropped = {*table["ignored_words"], *table["master_words"]}
    return re.sub(r"\s*,\s*", ",", " ".join(word for word in words if word not in dropped))


def _frame_type(cards: Cards, table: dict[str, Any]) -> Value:
    """Take the first card whose value the vocabulary knows; a card with another value is remembered."""
    unknown: Card | None = None
    notes: list[str] = []
    for card, trouble in cards.present(table["keywords"]):
        if card is None:
            notes.append(trouble)
            continue
        kind = normalize_type(str(card.value))
        if kind != "unknown":
            return Value(kind, card.value, card.keyword, f"{card}" + _noted(notes))
        unknown = unknown or card
        notes.append(f"{card} is not in the vocabulary")
    if unknown is not None:
        return Value("unknown", unknown.value, unknown.keyword, "; ".join(notes))
    return Value(rule="; ".join(notes) or "no card says the type")


def _exposure_time(cards: Cards, table: dict[str, Any]) -> Value:
    scales = dict.fromkeys(table["keywords"], 1.0)
    scales |= dict.fromkeys(table["milliseconds"], 1e-3) | dict.fromkeys(table["microseconds"], 1e-6)
    card, notes = cards.first(scales)
    if card is None:
        return Value(rule="; ".join(notes) or "no card holds the exposure time")
    seconds, scale = number(card.value), scales[card.keyword]
    # A wrong exposure time is not replaced by that of a card further down: one of the two would be a lie.
    if seconds is None:
        return Value(None, card.value, card.keyword, f"{card} is no number of seconds")
    if seconds < 0:
        return Value(None, card.value, card.keyword, f"{card} is negative")
    if scale == 1.0 and _MILLISECONDS.search(card.comment):
        scale = 1e-3
    if seconds * scale > table["longest"]:
        return Value(None, card.value, card.keyword, f"{card} is longer than {table['longest']:g} s")
    rule = f"from {card.keyword}" + ("" if scale == 1.0 else f", {scale:g} s each") + _noted(notes)
    return Value(seconds * scale, card.value, card.keyword, rule)


def _dark_time(cards: Cards, table: dict[str, Any], exposure: Value, *, longest: float) -> Value:
    card, notes = cards.first(table["keywords"])
    seconds = None if card is None else number(card.value)
    # Charge collects during the exposure at least; some cameras write DARKTIME = 0 and mean nothing by it.
    shortest = 0.999 * (exposure.value or 0.0)
    possible = seconds is not None and shortest <= seconds <= longest and (seconds > 0 or bool(exposure))
    if card is not None and possible:
        return Value(seconds, card.value, card.keyword, f"from {card.keyword}" + _noted(notes))
    if card is not None:
        notes.append(f"{card} is no time that includes the exposure")
    if not exposure:
        return Value(rule="; ".join(notes) or "neither dark time nor exposure time in the header")
    return Value(exposure.value, exposure.raw, exposure.keyword, "the exposure time" + _noted(notes))


def _times(cards: Cards, tables: dict[str, Any], exposure: float | None) -> tuple[Value, Value]:
    """Find start and middle of the exposure; each is derived from the other where only one is there."""
    (start, comment), (mid, _) = time_of(cards, tables["start"]), time_of(cards, tables["mid"])
    half = None if exposure is None else exposure / 2 / _SECONDS_A_DAY
    if start and not _BEGIN.search(comment) and _MID.search(comment):
        moved = Value(start.value, start.raw, start.keyword, f"{start.rule}, the middle by its comment")
        mid = mid if mid else moved
        start = _moved(mid, None if half is None else -half, "minus half of the exposure")
    elif start and not _BEGIN.search(comment) and _END.search(comment):
        back = None if half is None else -2 * half
        start = _moved(start, back, "the end by its comment, minus the exposure")
    if not mid and start:
        mid = _moved(start, half, "plus half of the exposure")
        if not mid:  # without an exposure time the start is the best there is
            mid = Value(start.value, start.raw, start.keyword, f"{start.rule}, the start: no exposure time")
    elif mid and not start:
        start = _moved(mid, None if half is None else -half, "minus half of the exposure")
    return start, mid


def _moved(time: Value, days: float | None, why: str) -> Value:
    if days is None:
        return Value(None, time.raw, time.keyword, f"{time.rule}, {why}: there is no exposure time")
    return Value(time.value + days, time.raw, time.keyword, f"{time.rule}, {why}")


def _temperature(cards: Cards, keywords: list[str]) -> Value:
    limits = _tables()["temperature"]
    notes: list[str] = []
    for card, trouble in cards.present(keywords):
        degrees = number(card.value) if card else None
        if card is None or degrees is None:
            notes.append(trouble or f"{card} is no number")
            continue
        kelvin = degrees > limits["kelvin_above"] or (degrees > 0 and _KELVIN.search(card.comment))
        if kelvin and degrees < limits["kelvin_below"]:
            why = "says its comment" if _KELVIN.search(card.comment) else f"above {limits['kelvin_above']:g}"
            rule = f"from {card.keyword}, taken as kelvin ({why}) and converted to deg C" + _noted(notes)
            return Value(round(degrees + _CELSIUS_OF_KELVIN, 9), card.value, card.keyword, rule)
        if _CELSIUS_OF_KELVIN < degrees < limits["celsius_below"]:
            return Value(degrees, card.value, card.keyword, f"from {card.keyword}" + _noted(notes))
        notes.append(f"{card} is no temperature of a detector")
    return Value(rule="; ".join(notes) or "no card holds the temperature")


def _filter(cards: Cards, table: dict[str, Any]) -> Value:
    named = _text(cards, table["keywords"])
    if named:
        return named
    wheels = [card for card, _ in cards.present(table["wheels"]) if card is not None]
    if not wheels:
        return named
    names = [str(card.value).strip() for card in wheels]
    in_beam = [name for name in names if name.casefold() not in table["open"]]
    keyword = "+".join(card.keyword for card in wheels)
    rule = f"from {keyword}, open places left out"
    return Value("+".join(in_beam) or names[0], "+".join(names), keyword, rule)


def _camera(cards: Cards, table: dict[str, Any]) -> Value:
    camera = _text(cards, table["keywords"])
    serial = _text(cards, table["serials"])
    if not serial:
        return camera
    name = f"{camera.value} #{serial.value}" if camera else f"#{serial.value}"
    keyword = "+".join(filter(None, (camera.keyword, serial.keyword)))
    return Value(name, name, keyword, f"from {keyword}")


def _sections(cards: Cards, keywords: list[str]) -> Value:
    found = {
        card.keyword: re.sub(r"\s+", "", card.value)
        for card, _ in cards.present(keywords)
        if card is not None and isinstance(card.value, str)
    }
    if not found:
        return Value(rule="no section cards")
    raw = {keyword: cards.get(keyword)[0] for keyword in found}
    return Value(
        found,
        {keyword: card.value for keyword, card in raw.items() if card is not None},
        "+".join(found),
        "blanks removed",
    )


def _text(cards: Cards, keywords: list[str]) -> Value:
    card, notes = cards.first(keywords)
    if card is None:
        return Value(rule="; ".join(notes) or "not in the header")
    text = " ".join(str(card.value).split())
    return Value(text, card.value, card.keyword, f"from {card.keyword}" + _noted(notes))


def _text_or_number(cards: Cards, keywords: list[str]) -> Value:
    text = _text(cards, keywords)
    as_number = number(text.raw)
    return text if as_number is None else Value(as_number, text.raw, text.keyword, text.rule)


def _positive(cards: Cards, keywords: list[str], unit: str) -> Value:
    notes: list[str] = []
    for card, trouble in cards.present(keywords):
        found = number(card.value) if card else None
        if card is not None and found is not None and found > 0:
            return Value(found, card.value, card.keyword, f"from {card.keyword}, {unit}" + _noted(notes))
        notes.append(trouble or f"{card} is not above 0 {unit}")
    return Value(rule="; ".join(notes) or "not in the header")


def _noted(notes: list[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""
