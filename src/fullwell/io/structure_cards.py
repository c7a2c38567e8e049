"""Headers as they stand in a file: first what describes the image, as astropy writes it, then all else."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from astropy.io import fits
from astropy.io.fits import Header

from fullwell.io.streaming import Pixels, sum_cards
from fullwell.io.structure import BLOCK

__all__ = ["header_text", "plane_text"]

_MARK = "FWMARK"
_COMMENTARY = ("COMMENT", "HISTORY", "")


def header_text(own: Header, pixels: Pixels, *, name: str = "", extended: bool = False) -> bytes:
    """Return the header of an image, whole blocks of it, with zeros for the sums.

    Parameters
    ----------
    own : Header
        Legal cards that do not describe the image.
    pixels : Pixels
        The image; its shape and type count.
    name : str
        EXTNAME of an extension; none makes the header of a primary.
    extended : bool
        Whether extensions follow a primary.
    """
    before, behind = _structure(pixels.array.shape, pixels.dtype.str, name, extended)
    cards, place = [str(card) for card in own.cards], len(own.cards)
    # As astropy does: new cards come before the comments at the end.
    while not behind and place and own.cards[place - 1].keyword in _COMMENTARY:
        place -= 1
    text = "".join([before, *cards[:place], behind, sum_cards(), *cards[place:], "END".ljust(80)])
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")


@lru_cache(maxsize=64)
def plane_text(shape: tuple[int, ...], dtype: str, name: str, cards: str) -> bytes:
    """Return the header of an extension with these cards: that of a plane is the same in each frame."""
    pixels = Pixels(np.broadcast_to(np.zeros((), dtype), shape), np.dtype(dtype), name)
    return header_text(Header.fromstring(cards), pixels, name=name)


@lru_cache(maxsize=64)
def _structure(shape: tuple[int, ...], dtype: str, name: str, extended: bool) -> tuple[str, str]:
    """Return the cards in front of those that come from elsewhere, and those behind."""
    placeholder = np.broadcast_to(np.zeros((), dtype), shape)
    mark = Header([(_MARK, 1)])
    if name:
        header = fits.ImageHDU(placeholder, mark, name=name).header
    else:
        units = fits.HDUList([fits.PrimaryHDU(placeholder, mark), *[fits.ImageHDU()] * extended])
        units.update_extend()
        header = units[0].header
    cards = [str(card) for card in header.cards]
    place = [card.keyword for card in header.cards].index(_MARK)
    return "".join(cards[:place]), "".join(cards[place + 1 :])
