"""Dates and clock times of headers as modified Julian dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import attrs

from fullwell.io.cards import Card, Cards, number
from fullwell.io.metadata import Value

__all__ = ["parse_clock", "parse_date", "time_of"]

_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_JD_OF_MJD_ZERO = 2_400_000.5
_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ]+(.+))?")
_OLD = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?\s*(Z|\+00:?00)?", re.IGNORECASE)
#: Dates before this are a clock that was never set.
_EARLIEST = 40_587.0  # 1970-01-01


def parse_date(text: str) -> tuple[float, float | None] | None:
    """Parse ``'2017-09-08T22:48:01.984'``, ``'2017/09/08'`` or the ``'08/09/97'`` of old FITS.

    Returns
    -------
    day : float
        Modified Julian date of midnight.
    fraction : float or None
        Fraction of the day; None if the text holds no clock time.

    None if the text is no date.
    """
    text = text.strip()
    iso, old = _ISO.fullmatch(text), _OLD.fullmatch(text)
    if iso:
        year, month, day = (int(part) for part in iso.groups()[:3])
    elif old:  # the FITS standard: two digits of the year are of the twentieth century
        day, month, year = (int(part) for part in old.groups())
        year += 1900
    else:
        return None
    try:
        midnight = (datetime(year, month, day, tzinfo=UTC) - _MJD_ZERO) / timedelta(days=1)
    except ValueError:
        return None
    clock = iso.group(4) if iso else None
    if clock is None:
        return midnight, None
    fraction = parse_clock(clock)
    return None if fraction is None else (midnight, fraction)


def parse_clock(text: str) -> float | None:
    """Parse ``'22:48:01.984'`` into a fraction of a day; None if it is no clock time."""
    match = _CLOCK.fullmatch(text.strip())
    if not match:
        return None
    hours, minutes, seconds = int(match[1]), int(match[2]), float(match[3] or 0)
    if hours > 23 or minutes > 59 or seconds >= 61:
        return None
    return (hours * 3600 + minutes * 60 + seconds) / 86400


def time_of(cards: Cards, keywords: dict[str, list[str]]) -> tuple[Value, str]:
    """Find a time in a header.

    Parameters
    ----------
    cards : Cards
    keywords : dict
        Lists under ``dates``, ``mjd``, ``jd`` and, optionally, ``clocks`` (for dates without a time).

    Returns
    -------
    value : Value of float
        Modified Julian date.
    comment : str
        Comment of the card, which may say that the time is not the start.
    """
    scale, _ = cards.get("TIMESYS")
    value, comment = _search(cards, keywords)
    if value and scale is not None and str(scale.value).strip().upper() not in ("UTC", "UT"):
        value = attrs.evolve(value, rule=f"{value.rule}, {scale}")
    return value, comment


def _search(cards: Cards, keywords: dict[str, list[str]]) -> tuple[Value, str]:
    troubles: list[str] = []
    for card, trouble in cards.present(keywords["dates"]):
        found = None if card is None else _from_date(cards, card, keywords.get("clocks", []))
        if isinstance(found, Value):
            return found, "" if card is None else card.comment
        troubles.append(found or trouble)
    for name, zero in (("mjd", 0.0), ("jd", _JD_OF_MJD_ZERO)):
        for card, trouble in cards.present(keywords[name]):
            mjd = number(card.value) if card else None
            if card is None or mjd is None:
                troubles.append(trouble or f"{card} is no number")
            elif not _EARLIEST < mjd - zero < 2 * _EARLIEST:
                troubles.append(f"{card} is no date of this or the last century")
            elif troubles and (mjd - zero).is_integer():
                troubles.append(f"{card} has no time of day")
            else:
                return Value(mjd - zero, card.value, card.keyword, f"from {card.keyword}"), card.comment
    return Value(rule="; ".join(troubles) or "no date in the header"), ""


def _from_date(cards: Cards, card: Card, clocks: list[str]) -> Value | str:
    """Return the time that a date card gives, with a clock card where it has none, or the trouble with it."""
    parsed = parse_date(str(card.value))
    if parsed is None:
        return f"{card} is no date"
    day, fraction = parsed
    if day < _EARLIEST and fraction is not None:
        return f"{card} is before 1970"
    if fraction is not None:
        return Value(day + fraction, card.value, card.keyword, f"from {card.keyword}")
    for clock, _ in cards.present(clocks):
        fraction = None if clock is None else parse_clock(str(clock.value))
        if clock is not None and fraction is not None:
            keyword = f"{card.keyword}+{clock.keyword}"
            rule = f"the date of {card.keyword} and the time of {clock.keyword}"
            return Value(day + fraction, f"{card.value} {clock.value}", keyword, rule)
    return f"{card} has no time of day"
