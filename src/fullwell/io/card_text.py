"""Cards as text: the few that describe an image, without the classes of astropy, which take long to load.

What astropy would write for the same values is the measure; a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

__all__ = [
    "BLOCK",
    "CARD",
    "COMMENTARY",
    "STRUCTURE",
    "UNIT_NAMES",
    "WrittenCard",
    "card_text",
    "history_lines",
    "place_of_new",
    "whole_blocks",
]

#: Bytes of a card, and of a FITS block; headers and data fill whole ones.
CARD, BLOCK = 80, 2880
#: Keywords of cards that hold text and no value.
COMMENTARY = ("COMMENT", "HISTORY", "")
#: Cards that describe how the bytes lie in a file. They are no property of the frame.
STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|EXTEND|INHERIT|BZERO|BSCALE|BLANK|CHECKSUM|DATASUM"
    r"|TFIELDS|THEAP|(?:TTYPE|TFORM|TUNIT|TDIM|TNULL|TSCAL|TZERO|TDISP)\d+"
    r"|ZIMAGE|ZSIMPLE|ZTENSION|ZEXTEND|ZBITPIX|ZNAXIS\d*|ZTILE\d+|ZPCOUNT|ZGCOUNT|ZCMPTYPE|ZNAME\d+|ZVAL\d+"
    r"|ZQUANTIZ|ZDITHER0|ZBLANK|ZMASKCMP|ZHECKSUM|ZDATASUM|FZALGOR|FZTILE"
)
#: Spellings of BUNIT, in capitals, and how the unit is written.
UNIT_NAMES = {
    **dict.fromkeys(("", "ADU", "ADUS", "COUNT", "COUNTS", "CT", "CTS", "DN", "DNS"), "adu"),
    **dict.fromkeys(("ELECTRON", "ELECTRONS", "E-", "E"), "electron"),
}


def card_text(keyword: str, value: str | bool | int, comment: str = "") -> str:
    """Return the 80 characters of a card; a comment that is too long is cut off, as astropy does.

    Raises
    ------
    ValueError
        If keyword or value do not fit, or are not printable ASCII.
    """
    if isinstance(value, str):
        shown = f"'{value.replace(chr(39), chr(39) * 2):8}'".ljust(20)
    else:
        shown = f"{('F', 'T')[value] if isinstance(value, bool) else value:>20}"
    if len(keyword) > 8 or len(shown) > CARD - 10:
        raise ValueError(f"{keyword} = {value!r} does not fit into a card")
    comment = comment.rstrip()  # of blanks alone there is no comment
    text = (f"{keyword:8}= {shown}" + (f" / {comment}" if comment else "")).ljust(CARD)[:CARD]
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"{keyword} = {value!r} / {comment!r} is not printable ASCII")
    return text


class WrittenCard(Protocol):
    """A card, of astropy or of `fullwell.io.plain_header`; as a string it is its 80 characters."""

    @property
    def keyword(self) -> str:
        """In capitals."""
        ...


def place_of_new(cards: Sequence[WrittenCard]) -> int:
    """Return where astropy puts a new card: before the comments at the end."""
    place = len(cards)
    while place and cards[place - 1].keyword in COMMENTARY:
        place -= 1
    return place


def history_lines(history: Iterable[str]) -> list[str]:
    """Return HISTORY as lines of printable ASCII."""
    lines = [line for entry in history for line in str(entry).splitlines()]
    return ["".join(letter if 32 <= ord(letter) < 127 else "?" for letter in line) for line in lines]


def whole_blocks(cards: str) -> bytes:
    """Return a header of these cards, its END and what fills the last block."""
    text = cards + "END".ljust(CARD)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")
