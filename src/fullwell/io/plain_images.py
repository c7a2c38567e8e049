"""Raw frames in their plainest form, read and written without astropy: one simple image under a plain header.

What is found here is what `map_frame` finds, and what is written what `write_by_rows` writes, byte for byte;
whatever differs from the plainest form in any way is left to those two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FullwellError
from fullwell.flags import FLAG_DTYPE
from fullwell.io.card_text import CARD, STRUCTURE, UNIT_NAMES, card_text, history_lines, place_of_new
from fullwell.io.checks import DEFAULT_LIMITS, Limits, check_monochrome, check_size, two_dimensional
from fullwell.io.checksums import VERIFIED, Memory, verify_checksums
from fullwell.io.file_planes import FileImage, is_simple, map_image
from fullwell.io.plain_header import NotPlain, PlainCard, PlainHeader, plain_header
from fullwell.io.planes import plane_images
from fullwell.io.rows import Units
from fullwell.io.section_cards import read_cards
from fullwell.io.sources import Source, open_regular, open_source
from fullwell.io.streaming import Pixels
from fullwell.io.structure import walk
from fullwell.io.structure_cards import header_text, plane_text

__all__ = ["PlainImage", "plain_image", "plain_units"]

_MAGIC = b"SIMPLE  ="
#: Cards that say more of the pixels than their values.
_TELLING = ("FWAPPLY", "EXTNAME")


@attrs.frozen(eq=False)
class PlainImage:
    """The only image of a file.

    Parameters
    ----------
    name : str
        Of the file.
    image : FileImage
        Its pixels.
    shape : tuple of int
        Rows and columns.
    unit : str
        As BUNIT has it when we write it.
    cards : tuple of PlainCard
        Those that do not describe the layout of the file.
    """

    name: str
    image: FileImage
    shape: tuple[int, int]
    unit: str
    cards: tuple[PlainCard, ...]

    def fits_to(self, other: PlainImage) -> bool:
        """Whether the two may be combined."""
        return (self.shape, self.unit) == (other.shape, other.unit)


def plain_image(
    path: Path, *, limits: Limits = DEFAULT_LIMITS, memory: Memory = VERIFIED
) -> PlainImage | None:
    """Find the image of a file.

    Parameters
    ----------
    path, limits, memory
        As for `fullwell.io.map_frame`.

    Returns
    -------
    PlainImage or None
        None if the file is not of the plainest form, or anything is wrong with it; the usual way will tell.
    """
    try:
        with open_regular(path) as stream:
            if stream.read(len(_MAGIC)) != _MAGIC:  # what is packed would be unpacked for nothing
                return None
        with open_source(path, limits=limits) as source:
            return _found(source, limits, memory)
    except (FullwellError, NotPlain, OSError, ValueError, MemoryError):
        return None


def _found(source: Source, limits: Limits, memory: Memory) -> PlainImage | None:
    units = walk(source, limits=limits, parsed=plain_header)
    unit = units[0]
    header: PlainHeader = unit.header
    if len(units) > 1 or not is_simple(unit) or any(keyword in header for keyword in _TELLING):
        return None
    shape = two_dimensional(unit.axes, path=source.path, label=unit.label)
    check_size([shape], item_bytes=abs(unit.bitpix) // 8, limits=limits, path=source.path)
    check_monochrome(header, path=source.path)
    name = header.get("BUNIT", "")
    if read_cards([header], [shape]) or not isinstance(name, str) or name.strip().upper() not in UNIT_NAMES:
        return None
    verify_checksums(source, units, memory=memory)
    cards = tuple(card for card in header.cards if not STRUCTURE.fullmatch(card.keyword))
    return PlainImage(
        source.path.name, map_image(source, unit, shape), shape, UNIT_NAMES[name.strip().upper()], cards
    )


def plain_units(
    first: PlainImage,
    *,
    extra: Mapping[str, npt.DTypeLike],
    cards: Mapping[str, tuple[int, str]],
    history: Sequence[str],
) -> Units:
    """Return headers and pixels of a frame with a variance, under the cards of `first`.

    Parameters
    ----------
    first : PlainImage
    extra : mapping of str to dtype
        Further planes of the same shape.
    cards : mapping of str to (int, str)
        Values and comments of cards that `first` does not have.
    history : sequence of str
        HISTORY lines to add.
    """

    def zeros(kind: npt.DTypeLike) -> Any:
        return np.broadcast_to(np.zeros((), kind), first.shape)

    pixels = [Pixels.of(zeros(np.float32), np.dtype(np.float32), "data")]
    headers = []
    for name, image, own in plane_images(zeros(np.float32), zeros(FLAG_DTYPE)):
        pixels.append(image)
        headers.append(plane_text(first.shape, image.dtype.str, name, own))
    for name, kind in extra.items():
        pixels.append(Pixels.of(zeros(kind), np.dtype(np.float32), name))
        headers.append(plane_text(first.shape, pixels[-1].dtype.str, name, ""))
    kept = _with_unit(first)
    place = place_of_new(kept)
    kept[place:place] = [_card(keyword, *value) for keyword, value in cards.items()]
    text = header_text(_with_history(kept, history), pixels[0], extended=True)
    return [text, *headers], pixels


def _with_unit(first: PlainImage) -> list[PlainCard]:
    """Return the cards with BUNIT as it is written: in its place, or before the comments at the end."""
    cards = list(first.cards)
    place = next((i for i, card in enumerate(cards) if card.keyword == "BUNIT"), None)
    if place is None:
        cards.insert(place_of_new(cards), _card("BUNIT", first.unit, ""))
    elif cards[place].value != first.unit:
        cards[place] = _card("BUNIT", first.unit, cards[place].comment)
    return cards


def _with_history(cards: list[PlainCard], history: Sequence[str]) -> list[PlainCard]:
    """Return the cards with lines of HISTORY behind those that are there, or at the end."""
    room = CARD - len("HISTORY ")
    parts = [
        line[start : start + room]
        for line in history_lines(history)
        for start in range(0, max(len(line), 1), room)
    ]
    own = [PlainCard("HISTORY", part, "", f"HISTORY {part}".ljust(CARD)) for part in parts]
    places = [i for i, card in enumerate(cards, 1) if card.keyword == "HISTORY"]
    place = places[-1] if places else len(cards)
    return [*cards[:place], *own, *cards[place:]]


def _card(keyword: str, value: str | int, comment: str) -> PlainCard:
    return PlainCard(keyword, value, comment, card_text(keyword, value, comment))
