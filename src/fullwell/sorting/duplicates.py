"""Frames that are there twice: copied files, and the same pixels under another header."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import attrs

__all__ = ["Duplicates", "pixel_hash"]

_BLOCK, _CARD = 2880, 80
_CHUNK = 1 << 20
_LONGEST_HEADER = 16 << 20


@attrs.define
class Duplicates:
    """Remembers what was seen, in the order in which frames are shown to it."""

    _contents: dict[str, str] = attrs.field(factory=dict, init=False)
    _pixels: dict[str, str] = attrs.field(factory=dict, init=False)

    def reason(self, name: str, *, content: str, pixels: str | None) -> str | None:
        """Return why a frame is one too many; None for the first of its kind.

        Parameters
        ----------
        name : str
        content : str
            Hash of the file.
        pixels : str or None
            Hash of its pixels, where it is known.
        """
        copied = self._contents.setdefault(content, name)
        again = copied if pixels is None else self._pixels.setdefault(pixels, name)
        if copied != name:
            return f"the same content as {copied}, which comes first"
        if again != name:
            return f"the same pixels as {again}, which comes first, under another header"
        return None


def pixel_hash(path: Path) -> str | None:
    """Hash what follows the first header of a FITS file.

    Two frames of one detector never agree in every pixel: noise forbids it. In a file with
    extensions their headers go into the hash, so that such a file resembles only its own copies.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str or None
        None for files that are packed as a whole, that have no data behind the header, or that
        cannot be read.
    """
    try:
        with path.open("rb") as handle:
            if not _skip_header(handle.read, limit=_LONGEST_HEADER):
                return None
            digest = hashlib.sha256()
            length = 0
            while chunk := handle.read(_CHUNK):
                digest.update(chunk)
                length += len(chunk)
            return digest.hexdigest() if length else None
    except OSError:
        return None


def _skip_header(read: Callable[[int], bytes], *, limit: int) -> bool:
    """Read up to the end of the first header; False if the file does not begin with one."""
    for number in range(limit // _BLOCK):
        block = read(_BLOCK)
        if len(block) < _BLOCK or (number == 0 and not block.startswith(b"SIMPLE")):
            return False
        cards = (block[start : start + _CARD] for start in range(0, _BLOCK, _CARD))
        if any(card.rstrip() == b"END" for card in cards):
            return True
    return False
