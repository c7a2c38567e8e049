"""Headers as they stand in a file: first what describes the image, as astropy writes it, then all else."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from fullwell.errors import FrameError
from fullwell.io.card_text import CARD, WrittenCard, card_text, place_of_new, whole_blocks
from fullwell.io.streaming import Pixels, sum_cards

__all__ = ["header_text", "plane_text"]


def header_text(
    own: Iterable[WrittenCard], pixels: Pixels, *, name: str = "", extended: bool = False
) -> bytes:
    """Return the header of an image, whole blocks of it, with zeros for the sums.

    Parameters
    ----------
    own : iterable of cards
        Legal cards that do not describe the image.
    pixels : Pixels
        The image; its shape and type count.
    name : str
        EXTNAME of an extension; none makes the header of a primary.
    extended : bool
        Whether extensions follow a primary.
    """
    before, behind = _structure(pixels.array.shape, pixels.dtype.str, name, extended)
    cards = list(own)
    place = len(cards) if behind else place_of_new(cards)
    texts = [str(card) for card in cards]
    return whole_blocks("".join([before, *texts[:place], behind, sum_cards(), *texts[place:]]))


@lru_cache(maxsize=64)
def plane_text(shape: tuple[int, ...], dtype: str, name: str, cards: str) -> bytes:
    """Return the header of an extension with these cards: that of a plane is the same in each frame."""
    pixels = Pixels(np.broadcast_to(np.zeros((), dtype), shape), np.dtype(dtype), name)
    own = [_Text(cards[start : start + CARD]) for start in range(0, len(cards), CARD)]
    return header_text(own, pixels, name=name)


class _Text(str):
    """A card with a value, as text."""

    __slots__ = ()

    @property
    def keyword(self) -> str:
        return self[:8].rstrip()


@lru_cache(maxsize=64)
def _structure(shape: tuple[int, ...], dtype: str, name: str, extended: bool) -> tuple[str, str]:
    """Return the cards in front of those that come from elsewhere, and those behind."""
    if not shape:
        raise FrameError("an image in a FITS file has at least one dimension, not a single number")
    kind = np.dtype(dtype)
    if name:
        first = card_text("XTENSION", "IMAGE", "Image extension")
    else:
        first = card_text("SIMPLE", True, "conforms to FITS standard")
    cards = [
        first,
        card_text("BITPIX", kind.itemsize * (-8 if kind.kind == "f" else 8), "array data type"),
        card_text("NAXIS", len(shape), "number of array dimensions"),
        *(card_text(f"NAXIS{i}", length) for i, length in enumerate(reversed(shape), 1)),
    ]
    # Integers of the other sign are stored moved by half of their range.
    moved = -128 if dtype[1:] == "i1" else 1 << (8 * kind.itemsize - 1)
    turned = (kind.kind == "u" and kind.itemsize > 1) or dtype[1:] == "i1"
    scaling = card_text("BSCALE", 1) + card_text("BZERO", moved) if turned else ""
    if name:
        cards += [card_text("PCOUNT", 0, "number of parameters"), card_text("GCOUNT", 1, "number of groups")]
        return "".join(cards) + scaling, card_text("EXTNAME", name, "extension name")
    if extended:
        cards.append(card_text("EXTEND", True))
    return "".join(cards), scaling
