"""Headers of which nothing has to be interpreted: every card is such that it can be handed on as it stands.

astropy reads any header, and takes a quarter of a second to load. Most raw frames have nothing but cards of
the plainest form; these are read here, and for anything else there is astropy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from fullwell.io.card_text import CARD, COMMENTARY

__all__ = ["NotPlain", "PlainCard", "PlainHeader", "plain_header"]

_VALUE = re.compile(
    r"(?P<keyword>[A-Z0-9_-]{1,8}) *= +"
    r"(?:(?P<logical>[TF])|(?P<whole>[+-]?\d{1,18})|(?P<real>[+-]?\d{1,18}\.\d{0,18}(?:E[+-]?\d{1,3})?)"
    r"|'(?P<text>[^']*)')"
    r" *(?:/ ?(?P<comment>.*))?"
)
#: Texts that astropy takes for more than a text: continued on the next card, or a field and its number.
_SPECIAL_TEXT = re.compile(r".*&|.*: +[+-]?[\d.].*")
_PRINTABLE = frozenset(range(32, 127))


#: What a truth value would pass for, 0 or 1, though it is none.
_NUMBERS = ("BZERO", "BSCALE")


class NotPlain(Exception):  # noqa: N818  # nothing is wrong with such a header
    """There is a card that astropy has to look at."""


@attrs.frozen
class PlainCard:
    """A card: what it says, and its 80 characters."""

    keyword: str
    value: str | bool | int | float
    comment: str
    text: str

    def __str__(self) -> str:
        return self.text


@attrs.frozen(eq=False)
class PlainHeader(Mapping[str, Any]):
    """Cards in order; a mapping of the keywords of those that have values, each there once."""

    cards: tuple[PlainCard, ...]
    _by_keyword: dict[str, PlainCard] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        valued = [card for card in self.cards if card.keyword not in COMMENTARY]
        object.__setattr__(self, "_by_keyword", {card.keyword: card for card in valued})
        if len(self._by_keyword) < len(valued):
            raise NotPlain

    def __getitem__(self, keyword: str) -> Any:
        return self._by_keyword[keyword].value

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_keyword)

    def __len__(self) -> int:
        return len(self._by_keyword)

    def card(self, keyword: str) -> PlainCard | None:
        """Return a card that has a value."""
        return self._by_keyword.get(keyword)


def plain_header(text: bytes) -> PlainHeader:
    """Read the cards before END.

    Raises
    ------
    NotPlain
        If one of them is broken, unusual, blank, or there twice.
    """
    if not _PRINTABLE.issuperset(text):
        raise NotPlain
    cards = text.decode("ascii")
    return PlainHeader(tuple(_card(cards[start : start + CARD]) for start in range(0, len(cards), CARD)))


def _card(text: str) -> PlainCard:
    if text.startswith(("COMMENT ", "HISTORY ")):
        return PlainCard(text[:7], text[8:].rstrip(), "", text)
    found = _VALUE.fullmatch(text)
    if found is None or text[8:10] != "= " or found["keyword"] == "CONTINUE":
        raise NotPlain
    value: str | bool | int | float
    if found["text"] is not None:
        value = found["text"].rstrip()
        if not value or _SPECIAL_TEXT.fullmatch(value):
            raise NotPlain
    elif found["logical"] is not None:
        if found["keyword"] in _NUMBERS:
            raise NotPlain
        value = found["logical"] == "T"
    else:
        value = int(found["whole"]) if found["whole"] is not None else float(found["real"])
        if not math.isfinite(value):
            raise NotPlain
    return PlainCard(found["keyword"], value, (found["comment"] or "").rstrip(), text)
