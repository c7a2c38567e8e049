"""FITS files made byte by byte, so that they can be wrong in every way."""

from __future__ import annotations

import numpy as np


def card(keyword: str, value: object = None, comment: str = "") -> bytes:
    """One card of 80 bytes; a value given as bytes is used as it stands."""
    if isinstance(value, bytes):
        return (keyword.encode("latin-1").ljust(8) + b"= " + value).ljust(80)[:80]
    if isinstance(value, bool):
        text = "T" if value else "F"
    elif isinstance(value, str):
        text = f"'{value:<8}'"
    else:
        text = str(value)
    text = f"{text:>20}" if not isinstance(value, str) else text
    line = f"{keyword:<8}= {text}" + (f" / {comment}" if comment else "")
    return line.encode("latin-1").ljust(80)[:80]


def padded(block: bytes, fill: bytes = b"\0") -> bytes:
    return block + fill * (-len(block) % 2880)


def header(*cards: bytes, end: bytes = b"END") -> bytes:
    return padded(b"".join(cards) + end.ljust(80), b" ")


def image_cards(
    axes: tuple[int, ...] = (4, 3), *, bitpix: object = 16, naxis: object = None, extension: bool = False
) -> list[bytes]:
    first = card("XTENSION", "IMAGE") if extension else card("SIMPLE", True)
    cards = [first, card("BITPIX", bitpix), card("NAXIS", len(axes) if naxis is None else naxis)]
    cards += [card(f"NAXIS{i + 1}", axis) for i, axis in enumerate(axes)]
    if extension:
        cards += [card("PCOUNT", 0), card("GCOUNT", 1)]
    return cards


def pixels(axes: tuple[int, ...] = (4, 3), dtype: str = ">i2") -> bytes:
    return padded(np.arange(np.prod(axes), dtype=dtype).tobytes())


def valid(*more: bytes) -> bytes:
    """A small valid file: 3 rows of 4 pixels of 16 bits."""
    return header(*image_cards(), *more) + pixels()


def table_cards(width: int, rows: int, heap: int, fields: int) -> list[bytes]:
    return [
        card("XTENSION", "BINTABLE"),
        card("BITPIX", 8),
        card("NAXIS", 2),
        card("NAXIS1", width),
        card("NAXIS2", rows),
        card("PCOUNT", heap),
        card("GCOUNT", 1),
        card("TFIELDS", fields),
    ]


def compressed(
    streams: list[bytes],
    *,
    algorithm: str = "GZIP_1",
    axes: tuple[int, ...] = (4, 3),
    tiles: tuple[int, ...] = (4, 1),
    bitpix: int = 16,
    descriptors: list[tuple[int, int]] | None = None,
    more: tuple[bytes, ...] = (),
) -> bytes:
    """A file with one tile-compressed image, its streams as given."""
    if descriptors is None:
        starts = np.cumsum([0, *map(len, streams)])
        descriptors = [(len(s), int(start)) for s, start in zip(streams, starts, strict=False)]
    heap = b"".join(streams)
    cards = [
        *table_cards(8, len(descriptors), len(heap), 1),
        card("TTYPE1", "COMPRESSED_DATA"),
        card("TFORM1", f"1PB({max(map(len, streams), default=0)})"),
        card("ZIMAGE", True),
        card("ZCMPTYPE", algorithm),
        card("ZBITPIX", bitpix),
        card("ZNAXIS", len(axes)),
        *(card(f"ZNAXIS{i + 1}", axis) for i, axis in enumerate(axes)),
        *(card(f"ZTILE{i + 1}", tile) for i, tile in enumerate(tiles)),
        *more,
    ]
    primary = header(card("SIMPLE", True), card("BITPIX", 8), card("NAXIS", 0), card("EXTEND", True))
    table = np.array(descriptors, dtype=">i4").tobytes()
    return primary + header(*cards) + padded(table + heap)


def extension_file(*extensions: tuple[bytes, ...], primary: tuple[bytes, ...] = ()) -> bytes:
    """An empty primary and one 3 x 4 image for each tuple of cards."""
    content = header(
        card("SIMPLE", True), card("BITPIX", 8), card("NAXIS", 0), card("EXTEND", True), *primary
    )
    for cards in extensions:
        content += header(*image_cards(extension=True), *cards) + pixels()
    return content
