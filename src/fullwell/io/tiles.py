"""Tile-compressed images, checked before they are unpacked.

The layout is that of the FITS standard 4.0, section 10.1. The decoders trust what the streams
say of themselves; so each tile's place in the heap, its claimed size and, for gzip, its true
size are compared with what the header says first.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from math import ceil, prod

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import CorruptFile, TooLarge
from fullwell.io.checks import Limits
from fullwell.io.sources import Source
from fullwell.io.structure import Unit, integer_card

__all__ = ["check_tiles"]

_ALGORITHMS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS")
_ELEMENT_BYTES = {"L": 1, "X": 1, "B": 1, "A": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8}
_FORM = re.compile(r"(\d*)([LXBAIJKEDCMPQ])([LXBAIJKED]?)")


@attrs.frozen(eq=False)
class _Column:
    """A column of the table; `streams` are counts and byte offsets in the heap."""

    name: str
    element_bytes: int
    streams: npt.NDArray[np.int64] | None


def check_tiles(source: Source, unit: Unit, *, limits: Limits) -> None:
    """Check a tile-compressed image without unpacking it.

    Raises
    ------
    CorruptFile
        If its table does not fit the image, a stream lies outside of the heap, or a stream
        contradicts the size of its tile.
    TooLarge
        If a tile, or the image as compared with its file, expands past `limits`.
    """
    image_bytes = prod(unit.axes) * abs(unit.bitpix) // 8
    if image_bytes > limits.unpacked(unit.data_bytes):
        raise TooLarge(
            source.path,
            f"{unit.label} unpacks from {unit.data_bytes} to {image_bytes} bytes, the limit is "
            f"{limits.unpacked(unit.data_bytes)} (Limits.max_bytes, Limits.expansion)",
        )
    algorithm = _algorithm(source, unit)
    tiles = _tile_shapes(source, unit, limits)
    rows = integer_card(unit.header, "NAXIS2", source=source)
    number = prod(ceil(axis / tile) for axis, tile in zip(unit.axes, tiles, strict=True))
    if rows != number:
        raise CorruptFile(source.path, f"{unit.label} has {rows} compressed tiles, the image needs {number}")
    columns = {column.name: column for column in _columns(source, unit, rows)}
    main = columns.get("COMPRESSED_DATA")
    if main is None or main.streams is None:
        raise CorruptFile(source.path, f"{unit.label} has no column COMPRESSED_DATA")
    heap = unit.data + _heap_offset(source, unit)
    pixels = _pixels_per_tile(unit, tiles)
    fallbacks = [columns[name] for name in ("GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA") if name in columns]
    for row in range(rows):
        count, offset = (int(value) for value in main.streams[row])
        if count:
            stream = source.read(heap + offset, count * main.element_bytes)
            _check_stream(stream, algorithm, pixels[row], source, f"tile {row + 1} of {unit.label}")
        elif not any(c.streams is not None and c.streams[row][0] > 0 for c in fallbacks):
            raise CorruptFile(source.path, f"tile {row + 1} of {unit.label} is empty")
        for column in fallbacks:
            if (
                column.name == "GZIP_COMPRESSED_DATA"
                and column.streams is not None
                and column.streams[row][0]
            ):
                count, offset = (int(value) for value in column.streams[row])
                stream = source.read(heap + offset, count * column.element_bytes)
                _check_stream(stream, "GZIP_1", pixels[row], source, f"tile {row + 1} of {unit.label}")


def _algorithm(source: Source, unit: Unit) -> str:
    algorithm = str(unit.header.get("ZCMPTYPE", "")).strip().upper()
    if algorithm not in _ALGORITHMS:
        raise CorruptFile(source.path, f"ZCMPTYPE = {algorithm!r} in {unit.label}, known are {_ALGORITHMS}")
    for index in range(1, 100):
        if f"ZNAME{index}" not in unit.header:
            break
        name = str(unit.header[f"ZNAME{index}"]).strip().upper()
        allowed = {"BLOCKSIZE": (16, 32), "BYTEPIX": (1, 2, 4, 8)}.get(name)
        value = unit.header.get(f"ZVAL{index}")
        if allowed is not None and value not in allowed:
            raise CorruptFile(source.path, f"{name} = {value!r} in {unit.label}, allowed are {allowed}")
    return algorithm


def _tile_shapes(source: Source, unit: Unit, limits: Limits) -> list[int]:
    tiles = []
    for index, axis in enumerate(unit.axes, start=1):
        tile = integer_card(
            unit.header, f"ZTILE{index}", source=source, default=unit.axes[0] if index == 1 else 1
        )
        if tile < 1:
            raise CorruptFile(source.path, f"ZTILE{index} = {tile} in {unit.label}, 1 or more is needed")
        tiles.append(tile)
        if tile > max(axis, 1) and prod(tiles) > limits.max_pixels:
            raise TooLarge(source.path, f"a tile of {unit.label} promises {prod(tiles)} pixels")
    return tiles


def _pixels_per_tile(unit: Unit, tiles: list[int]) -> npt.NDArray[np.int64]:
    """Pixels of each tile in the order of the rows: NAXIS1 runs fastest, tiles at the edge are cut."""
    pixels = np.ones(1, dtype=np.int64)
    for axis, tile in zip(unit.axes, tiles, strict=True):
        starts = np.arange(0, axis, tile)
        pixels = np.outer(np.minimum(tile, axis - starts), pixels).ravel()
    return pixels


def _heap_offset(source: Source, unit: Unit) -> int:
    table = _table_bytes(source, unit)
    offset = integer_card(unit.header, "THEAP", source=source, default=table)
    if not table <= offset <= unit.data_bytes:
        raise CorruptFile(source.path, f"THEAP = {offset} in {unit.label} lies outside of the data")
    return offset


def _table_bytes(source: Source, unit: Unit) -> int:
    return integer_card(unit.header, "NAXIS1", source=source) * integer_card(
        unit.header, "NAXIS2", source=source
    )


def _columns(source: Source, unit: Unit, rows: int) -> Iterator[_Column]:
    width = integer_card(unit.header, "NAXIS1", source=source)
    heap_bytes = unit.data_bytes - _heap_offset(source, unit)
    block = np.frombuffer(source.read(unit.data, width * rows), dtype=np.uint8).reshape(rows, width)
    position = 0
    for index in range(1, integer_card(unit.header, "TFIELDS", source=source) + 1):
        name = str(unit.header.get(f"TTYPE{index}", "")).strip().upper()
        form = _FORM.match(str(unit.header.get(f"TFORM{index}", "")).strip().upper())
        if form is None:
            raise CorruptFile(source.path, f"broken header: no TFORM{index} that can be read in {unit.label}")
        repeat, letter = int(form[1] or 1), form[2]
        pointer = {"P": 8, "Q": 16}.get(letter)
        size = repeat * (pointer or {"C": 8, "M": 16, **_ELEMENT_BYTES}[letter])
        if letter == "X":
            size = -(-repeat // 8)
        if position + size > width:
            raise CorruptFile(source.path, f"the columns of {unit.label} are wider than its rows")
        streams = None
        if pointer and repeat:
            kind = ">i4" if letter == "P" else ">i8"
            cells = np.ascontiguousarray(block[:, position : position + pointer])
            streams = cells.view(kind).astype(np.int64)
            _check_inside(streams, _ELEMENT_BYTES.get(form[3], 1), heap_bytes, source, unit)
        yield _Column(name, _ELEMENT_BYTES.get(form[3], 1), streams)
        position += size


def _check_inside(
    streams: npt.NDArray[np.int64], element: int, heap_bytes: int, source: Source, unit: Unit
) -> None:
    counts, offsets = streams[:, 0], streams[:, 1]
    # An upper bound on each number first, so that the sum cannot overflow.
    bad = (counts < 0) | (offsets < 0) | (counts > heap_bytes) | (offsets > heap_bytes)
    bad |= offsets + counts * element > heap_bytes
    bad &= counts != 0
    if bad.any():
        raise CorruptFile(
            source.path, f"tile {int(bad.argmax()) + 1} of {unit.label} lies outside of the heap"
        )


def _check_stream(stream: bytes, algorithm: str, pixels: int, source: Source, label: str) -> None:
    if algorithm in ("GZIP_1", "GZIP_2"):
        _check_gzip(stream, int(pixels) * 8, source, label)
    elif algorithm == "HCOMPRESS_1":
        # magic number, then the two sides of the tile
        sides = struct.unpack(">ii", stream[2:10]) if len(stream) >= 10 else (0, 0)
        if stream[:2] != b"\xdd\x99" or sides[0] <= 0 or sides[1] <= 0 or prod(sides) != pixels:
            raise CorruptFile(
                source.path, f"{label} is damaged: its stream is for {sides}, not {pixels} pixels"
            )
    elif algorithm == "PLIO_1":
        words = np.frombuffer(stream[: len(stream) // 2 * 2], dtype=">i2").astype(int)
        if words.size < 3 or _plio_length(words) > words.size:
            raise CorruptFile(source.path, f"{label} is damaged: its stream is longer than its place")


def _plio_length(words: npt.NDArray[np.int_]) -> int:
    if words[2] > 0:
        return int(words[2])
    return int((words[4] << 15) + words[3]) if words.size > 4 and words[1] >= 0 else 2**31


def _check_gzip(stream: bytes, allowed: int, source: Source, label: str) -> None:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        unpacked = len(unpacker.decompress(stream, allowed + 1))
    except zlib.error as error:
        raise CorruptFile(source.path, f"{label} is damaged ({error})") from error
    if unpacked > allowed:
        raise TooLarge(source.path, f"{label} unpacks to more than its {allowed} bytes")
    if not unpacker.eof:
        raise CorruptFile(source.path, f"{label} is truncated: its gzip stream ends early")
