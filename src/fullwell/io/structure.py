"""The bones of a FITS file: its header-data units, found and checked without touching the pixels.

Sizes and offsets follow the FITS standard 4.0, sections 3 and 4.4.1. They are compared with the
size of the file before anything is allocated, so that a header can promise nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

import attrs

from fullwell.errors import CorruptFile, NotFits, TooLarge, UnsupportedImage
from fullwell.io.card_text import BLOCK, CARD
from fullwell.io.checks import Limits, quiet
from fullwell.io.sources import Source

if TYPE_CHECKING:
    from astropy.io.fits import Header

__all__ = ["Unit", "integer_card", "walk"]

_BITPIX = (8, 16, 32, 64, -32, -64)
_PRINTABLE = bytes(code if 32 <= code < 127 else (32 if code == 0 else 63) for code in range(256))
_FOREIGN = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x89HDF": "an HDF5 file",
    b"XTENSION": "a FITS extension without its primary header",
}


@attrs.frozen(eq=False)
class Unit:
    """One header-data unit.

    Parameters
    ----------
    index : int
        0 is the primary.
    header : Header
        Its legal cards; of a compressed image those of its table.
    start : int
        Offset of its header.
    data : int
        Offset of its data.
    data_bytes : int
        Length of its data without the fill.
    kind : str
        ``'image'``, ``'compressed'`` or ``'other'``.
    bitpix : int
        Of the image.
    axes : tuple of int
        NAXIS1, NAXIS2, ... of the image.
    """

    index: int
    header: Header
    start: int
    data: int
    data_bytes: int
    kind: str
    bitpix: int
    axes: tuple[int, ...]

    @property
    def name(self) -> str:
        """EXTNAME in capitals, or ``''``."""
        return str(self.header.get("EXTNAME", "")).strip().upper()

    @property
    def label(self) -> str:
        """What to call it in messages."""
        return f"HDU {self.index}" + (f" ({self.name})" if self.name else "")

    @property
    def end(self) -> int:
        """Offset of what follows."""
        return self.data + -(-self.data_bytes // BLOCK) * BLOCK


def walk(source: Source, *, limits: Limits, parsed: Callable[[bytes], Header] | None = None) -> list[Unit]:
    """Find the header-data units of a file.

    Parameters
    ----------
    source : Source
    limits : Limits
    parsed : callable, optional
        What makes a header of the bytes before END; astropy, if not given.

    Returns
    -------
    list of Unit

    Raises
    ------
    NotFits
        If the file does not begin like a FITS file.
    CorruptFile
        If a header is broken, or promises more data than the file holds.
    TooLarge
        If a header, or the number of units, is over `limits`.
    """
    units: list[Unit] = []
    start = 0
    while start < source.size:
        if not units:
            _check_magic(source)
        elif not _begins_extension(source, start):
            break
        if len(units) >= limits.max_units:
            raise TooLarge(source.path, f"has more than {limits.max_units} HDUs (Limits.max_units)")
        unit = _unit_at(source, start, len(units), limits, parsed or _parsed)
        if unit.data + unit.data_bytes > source.size:
            raise CorruptFile(
                source.path,
                f"truncated: the header of {unit.label} promises {unit.data_bytes} bytes of data, "
                f"the file holds {max(source.size - unit.data, 0)}",
            )
        units.append(unit)
        start = unit.end
    return units


def integer_card(header: Header, keyword: str, *, source: Source, default: int | None = None) -> int:
    """Value of a card that must be a whole number.

    Raises
    ------
    CorruptFile
        If it is missing (and has no `default`) or something else.
    """
    value = header.get(keyword, default)
    if not isinstance(value, int) or isinstance(value, bool):
        seen = "missing" if value is None else repr(value)
        raise CorruptFile(source.path, f"broken header: {keyword} is {seen}, a whole number is needed")
    return value


def _check_magic(source: Source) -> None:
    start = source.read(0, min(CARD, source.size))
    if start.startswith(b"SIMPLE  ="):
        return
    found = next((name for magic, name in _FOREIGN.items() if start.startswith(magic)), None)
    if found is None:
        text = all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start)
        found = f"it begins with {start[:12]!r}" + (", a text file?" if text else "")
    raise NotFits(source.path, f"not a FITS file: {found}")


def _begins_extension(source: Source, start: int) -> bool:
    if source.read(start, min(8, source.size - start)) == b"XTENSION":
        return True
    # Fill behind the last unit is left over from tapes; anything else is a damaged extension.
    source.stream.seek(start)
    while block := source.stream.read(2**20):
        if block.strip(b"\0 "):
            raise CorruptFile(
                source.path, f"the {source.size - start} bytes behind the last HDU are no FITS extension"
            )
    return False


def _unit_at(
    source: Source, start: int, index: int, limits: Limits, parsed: Callable[[bytes], Header]
) -> Unit:
    text, data = _header_at(source, start, index, limits)
    header = parsed(text)
    if index == 0 and header.get("SIMPLE") is not True:
        raise NotFits(source.path, f"SIMPLE = {header.get('SIMPLE')!r}: not standard FITS")
    bitpix, axes = _image_of(header, source, prefix="", index=index)
    parameters, groups = 0, 1
    if index > 0 or "GROUPS" in header:
        parameters = _count(header, "PCOUNT", source, default=0)
        groups = _count(header, "GCOUNT", source, default=1)
    if index == 0 and header.get("GROUPS") is True and axes and axes[0] == 0:
        raise UnsupportedImage(source.path, "random groups (GROUPS = T); only images are treated")
    elements = prod(axes) if axes else 0
    data_bytes = abs(bitpix) // 8 * groups * (parameters + elements)
    extension = "IMAGE" if index == 0 else str(header.get("XTENSION", "")).strip().upper()
    kind = "image" if extension in ("IMAGE", "IUEIMAGE") else "other"
    if extension == "BINTABLE" and header.get("ZIMAGE") is True:
        kind = "compressed"
        bitpix, axes = _image_of(header, source, prefix="Z", index=index)
    elif kind == "image" and (groups != 1 or parameters != 0):
        raise UnsupportedImage(source.path, f"HDU {index} has PCOUNT {parameters} and GCOUNT {groups}")
    return Unit(index, header, start, data, data_bytes, kind, bitpix, axes)


def _header_at(source: Source, start: int, index: int, limits: Limits) -> tuple[bytes, int]:
    text = bytearray()
    while True:
        source.stream.seek(start + len(text))
        block = source.stream.read(BLOCK)
        for offset in range(0, len(block) - CARD + 1, CARD):
            card = block[offset : offset + CARD]
            if card.startswith(b"END") and card.rstrip(b" \0") == b"END":
                if len(block) != BLOCK and not _only_blank(block[offset + CARD :]):
                    raise CorruptFile(source.path, f"truncated within the header of HDU {index}")
                text += block[:offset]
                return bytes(text), start + -(-(len(text) + CARD) // BLOCK) * BLOCK
        text += block
        if len(block) != BLOCK:
            raise CorruptFile(source.path, f"the header of HDU {index} has no END card (truncated?)")
        if len(text) > limits.max_header_bytes:
            raise TooLarge(
                source.path,
                f"the header of HDU {index} has no END card within {limits.max_header_bytes} bytes "
                "(Limits.max_header_bytes)",
            )


@lru_cache(maxsize=256)
def _parsed(text: bytes) -> Header:
    """Return the legal cards of a header; nobody may change it, the next reader of the file gets it again."""
    from astropy.io.fits import Header

    from fullwell.io.hygiene import legal_header

    with quiet():
        return legal_header(Header.fromstring(_ascii(text)))


def _ascii(text: bytes) -> str:
    """Cards in printable ASCII; a CONTINUE that continues nothing becomes a COMMENT."""
    clean = text.translate(_PRINTABLE).decode("ascii")
    cards = [clean[start : start + CARD] for start in range(0, len(clean), CARD)]
    for before, (index, card) in zip(["", *cards], enumerate(cards), strict=False):
        if card.startswith("CONTINUE") and "&'" not in before:
            cards[index] = "COMMENT " + card[8:]
    return "".join(cards)


def _only_blank(rest: bytes) -> bool:
    return not rest.strip(b" \0")


def _image_of(header: Header, source: Source, *, prefix: str, index: int) -> tuple[int, tuple[int, ...]]:
    bitpix = integer_card(header, f"{prefix}BITPIX", source=source)
    if bitpix not in _BITPIX:
        raise CorruptFile(
            source.path, f"broken header: {prefix}BITPIX = {bitpix} in HDU {index}, allowed are {_BITPIX}"
        )
    number = integer_card(header, f"{prefix}NAXIS", source=source)
    if not 0 <= number <= 999:
        raise CorruptFile(source.path, f"broken header: {prefix}NAXIS = {number} in HDU {index}, 0 to 999")
    return bitpix, tuple(_count(header, f"{prefix}NAXIS{i + 1}", source) for i in range(number))


def _count(header: Header, keyword: str, source: Source, *, default: int | None = None) -> int:
    value = integer_card(header, keyword, source=source, default=default)
    if value < 0:
        raise CorruptFile(source.path, f"broken header: {keyword} = {value}, 0 or more is needed")
    return value
