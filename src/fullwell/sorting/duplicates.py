"""Frames that are there twice: copied files, and the same pixels under another header."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import BinaryIO

import attrs

__all__ = ["Duplicates", "PixelHash", "pixel_hash"]

_BLOCK, _CARD = 2880, 80
_CHUNK = 1 << 20
_SAMPLES, _SAMPLE = 16, 1 << 12  # pieces, and bytes of each
_LONGEST_HEADER = 16 << 20


@attrs.define
class Duplicates:
    """Remembers what was seen, in the order in which frames are shown to it."""

    _contents: dict[str, str] = attrs.field(factory=dict, init=False)
    _pixels: dict[Hashable, str] = attrs.field(factory=dict, init=False)

    def reason(self, name: str, *, content: str, pixels: Hashable | None) -> str | None:
        """Return why a frame is one too many; None for the first of its kind.

        Parameters
        ----------
        name : str
        content : str
            Hash of the file.
        pixels : hashable or None
            What stands for its pixels, such as a `PixelHash`, where that is known.
        """
        copied = self._contents.setdefault(content, name)
        again = copied if pixels is None else self._pixels.setdefault(pixels, name)
        if copied != name:
            return f"the same content as {copied}, which comes first"
        if again != name:
            return f"the same pixels as {again}, which comes first, under another header"
        return None


@attrs.frozen(eq=False)
class PixelHash:
    """Stands for what follows the first header of a file: some of it at once, all of it where that is alike.

    Parameters
    ----------
    path : Path
    sample : bytes
        Digest of the length and of some pieces.
    """

    path: Path
    sample: bytes

    def __hash__(self) -> int:
        return hash(self.sample)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PixelHash):
            return NotImplemented
        if self.path == other.path or self.sample != other.sample:
            return self.sample == other.sample
        mine, others = _digest(self.path), _digest(other.path)
        return mine is not None and mine == others


def pixel_hash(path: Path) -> PixelHash | None:
    """Hash what follows the first header of a FITS file.

    Two frames of one detector never agree in every pixel: noise forbids it. In a file with
    extensions their headers go into the hash, so that such a file resembles only its own copies.

    Parameters
    ----------
    path : Path

    Returns
    -------
    PixelHash or None
        None for files that are packed as a whole, that have no data behind the header, or that
        cannot be read.
    """
    try:
        with path.open("rb") as handle:
            if not _skip_header(handle.read, limit=_LONGEST_HEADER):
                return None
            sample = _sample(handle)
            return None if sample is None else PixelHash(path, sample)
    except OSError:
        return None


def _sample(handle: BinaryIO) -> bytes | None:
    """Digest of length, beginning, end and what lies evenly between; None if nothing follows."""
    start = handle.tell()
    length = handle.seek(0, os.SEEK_END) - start
    if not length:
        return None
    digest = hashlib.sha256(str(length).encode())
    last = max(0, length - _SAMPLE)
    for i in range(_SAMPLES):
        handle.seek(start + last * i // (_SAMPLES - 1))
        digest.update(handle.read(_SAMPLE))
    return digest.digest()


def _digest(path: Path) -> bytes | None:
    """Digest of all that follows the first header."""
    try:
        with path.open("rb") as handle:
            if not _skip_header(handle.read, limit=_LONGEST_HEADER):
                return None
            digest = hashlib.sha256()
            while chunk := handle.read(_CHUNK):
                digest.update(chunk)
            return digest.digest()
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
