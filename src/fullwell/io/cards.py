"""Safe look-up in FITS headers: a broken card is reported as absent, never raised."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

import attrs
from astropy.io.fits.card import Undefined

__all__ = ["Card", "Cards", "number"]


@attrs.frozen
class Card:
    """One card as it stands in the header.

    Parameters
    ----------
    keyword : str
        Such as ``'EXPTIME'``.
    value : object
        str, int, float or bool.
    comment : str
        What is written behind the slash.
    """

    keyword: str
    value: Any
    comment: str = ""

    def __str__(self) -> str:
        return f"{self.keyword} = {self.value!r}"


class Cards:
    """Look-up in a header that never raises.

    Parameters
    ----------
    header : astropy.io.fits.Header or Mapping
        Where to look. Of a keyword that is there twice the first card counts.
    """

    def __init__(self, header: Mapping[str, Any]) -> None:
        self._header = header
        self._known = _keywords(header)

    def get(self, keyword: str) -> tuple[Card | None, str]:
        """Return the card and what is wrong with it.

        Returns
        -------
        card : Card or None
            None if it is absent, blank or cannot be parsed.
        trouble : str
            Why it is None although it is there; empty otherwise.
        """
        try:
            if keyword not in self._known:
                return None, ""
            value, comment = self._raw(keyword)
        except Exception:  # astropy raises errors of many kinds on broken cards, and none may stop a night
            return None, f"the card {keyword} cannot be parsed"
        if value is None or isinstance(value, Undefined) or (isinstance(value, str) and not value.strip()):
            return None, f"the card {keyword} is blank"
        if not isinstance(value, (str, int, float, complex)):
            return None, f"the card {keyword} holds no single value"
        return Card(keyword, value, comment), ""

    def first(self, keywords: Iterable[str]) -> tuple[Card | None, list[str]]:
        """Return the first of `keywords` that is there, and what was wrong with those before it."""
        troubles: list[str] = []
        for keyword in keywords:
            card, trouble = self.get(keyword)
            if card is not None:
                return card, troubles
            if trouble:
                troubles.append(trouble)
        return None, troubles

    def present(self, keywords: Iterable[str]) -> Iterator[tuple[Card | None, str]]:
        """Go through those of `keywords` that are there: the card, or what is wrong with it."""
        for keyword in keywords:
            card, trouble = self.get(keyword)
            if card is not None or trouble:
                yield card, trouble

    def history(self) -> list[str]:
        """Return the lines of HISTORY."""
        try:
            if "HISTORY" not in self._header:
                return []
            lines = self._header["HISTORY"]
            return [lines] if isinstance(lines, str) else [str(line) for line in lines]
        except Exception:  # as in `get`
            return []

    def _raw(self, keyword: str) -> tuple[Any, str]:
        cards = getattr(self._header, "cards", None)
        if cards is None:
            return self._header[keyword], ""
        card = cards[keyword]
        return card.value, str(card.comment)


def _keywords(header: Mapping[str, Any]) -> Container[str]:
    """Return the keywords of a header, in which a look-up is a hundred times faster than in it."""
    cards = getattr(header, "cards", None)
    if cards is None:
        return header
    try:
        return {card.keyword.upper() for card in cards}
    except Exception:  # as in `Cards.get`
        return header


def number(value: Any) -> float | None:
    """Return a finite float, or None for anything that is none (booleans included)."""
    if isinstance(value, (bool, complex)):
        return None
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None
