"""Signs in a header that a frame has been calibrated before."""

from __future__ import annotations

import re
from typing import Any

from fullwell.io.cards import Card, Cards
from fullwell.io.metadata import Value

__all__ = ["calibration_signs"]

_NEGATED = re.compile(r"\b(no|not|without|never|skipp?ed)\b", re.IGNORECASE)
_DONE = re.compile(r"overscan|correct|subtract", re.IGNORECASE)


def calibration_signs(cards: Cards, table: dict[str, Any], types: dict[str, Any]) -> Value:
    """Collect the signs of earlier calibration.

    Parameters
    ----------
    cards : Cards
    table, types : dict
        Tables ``already_calibrated`` and ``frame_type`` of the vocabulary.

    Returns
    -------
    Value of tuple of str
        One sentence a sign; an empty tuple if there are none.
    """
    signs = [
        *_from_correction_cards(cards, table),
        *_from_letters(cards, table),
        *_from_unit(cards, table),
        *_from_type(cards, types),
        *_from_history(cards, table),
    ]
    rule = "cards and HISTORY" if signs else "no card or HISTORY line speaks of a calibration"
    return Value(value=tuple(signs), raw=tuple(signs), rule=rule)


def _from_correction_cards(cards: Cards, table: dict[str, Any]) -> list[str]:
    found = [card for card, _ in cards.present(table["cards"]) if card and _is_done(card, table["refused"])]
    found += [
        card
        for card, _ in cards.present(table["completed"])
        if card and str(card.value).strip().casefold() == table["completed_value"]
    ]
    found += [card for card, _ in cards.present(table["overscan"]) if card and _speaks_of_it(card)]
    return [str(card) for card in found]


def _speaks_of_it(card: Card) -> bool:
    text = card.value
    return isinstance(text, str) and bool(_DONE.search(text)) and not _NEGATED.search(text)


def _is_done(card: Card, refused: list[str]) -> bool:
    return card.value is not False and str(card.value).strip().casefold() not in refused


def _from_letters(cards: Cards, table: dict[str, Any]) -> list[str]:
    card, _ = cards.get(table["letters"])
    if card is None or not isinstance(card.value, str):
        return []
    letters = card.value.upper()
    done = [meaning for letter, meaning in table["letter_meanings"].items() if letter in letters]
    return [f"{card} ({', '.join(done)} taken out)"] if done else []


def _from_unit(cards: Cards, table: dict[str, Any]) -> list[str]:
    raw_units = table["raw_units"]
    return [
        f"{card} is no raw unit"
        for card, _ in cards.present(table["units"])
        if card is not None and str(card.value).strip().casefold() not in raw_units
    ]


def _from_type(cards: Cards, types: dict[str, Any]) -> list[str]:
    for card, _ in cards.present(types["keywords"]):
        if card is not None:
            words = re.split(r"[\s_\-]+", str(card.value).casefold())
            if any(word in types["master_words"] for word in words):
                return [f"{card} is a combined frame"]
    return []


def _from_history(cards: Cards, table: dict[str, Any]) -> list[str]:
    lines = [line.strip() for line in cards.history()]
    return [
        f"HISTORY {line}"
        for line in lines
        if any(phrase in line.casefold() for phrase in table["history"]) and not _NEGATED.search(line)
    ]
