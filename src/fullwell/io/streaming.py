"""Images to a file: FITS form and sums are made piece by piece, in the file itself or in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError, ParameterError
from fullwell.io.card_text import BLOCK, card_text
from fullwell.io.checksums import encoded, folded
from fullwell.kernels.buffers import room
from fullwell.kernels.encoding import Encoded, Target, encode, sum_of_words

__all__ = ["Pixels", "UnitWriter", "file_image", "file_size", "sum_cards", "write_units"]

_PIECE = 2**18  # pixels; what they become fits into the cache of the processor


@attrs.frozen(eq=False)
class Pixels:
    """Pixels to be written.

    Parameters
    ----------
    array : ndarray
        What they are made of.
    dtype : dtype
        What they are in the end; floats are cast to it, all else already is.
    label : str
        What to call them in messages.
    encoder : callable, optional
        Encodes a flat piece of `array`, into room that it may be given, where that takes more than a cast to
        `dtype`.
    """

    array: npt.NDArray[Any]
    dtype: np.dtype[Any]
    label: str
    encoder: Callable[[npt.NDArray[Any], Target], Encoded] | None = None

    @classmethod
    def of(cls, array: npt.NDArray[Any], dtype: np.dtype[Any], label: str) -> Pixels:
        """Take pixels as they are, floats as `dtype`.

        Raises
        ------
        FrameError
            If FITS has no such type.
        ParameterError
            If `dtype` is none of the two floating point types of FITS.
        """
        if array.dtype.kind == "b":
            return cls(array, np.dtype(np.uint8), label)
        if array.dtype.kind in "iu":
            return cls(array, array.dtype.newbyteorder("="), label)
        if array.dtype.kind != "f":
            raise FrameError(f"{label} of type {array.dtype} cannot be written; integers and floats can")
        if dtype not in (np.float32, np.float64):
            raise ParameterError("dtype", str(dtype), "float32 or float64")
        return cls(array, dtype, label)

    @property
    def placeholder(self) -> npt.NDArray[Any]:
        """Zeros of the same shape and type that take no memory."""
        return np.broadcast_to(np.zeros((), self.dtype), self.array.shape)

    @property
    def nbytes(self) -> int:
        """Bytes in the file."""
        return self.array.size * self.dtype.itemsize

    def pieces(self, into: Target = None) -> Iterator[Encoded]:
        """Yield the pixels as FITS stores them, some at a time, with the sums of their words.

        Parameters
        ----------
        into : ndarray of uint8, optional
            Where to put all of them.

        Raises
        ------
        FrameError
            If a value is beyond the range of the type.
        """
        flat = np.ascontiguousarray(self.array).reshape(-1)
        for start in range(0, flat.size, _PIECE):
            piece = flat[start : start + _PIECE]
            size = self.dtype.itemsize
            place = None if into is None else into[start * size : (start + piece.size) * size]
            try:
                with np.errstate(over="raise"):
                    yield self._encoded(piece, place)
            except FloatingPointError as error:
                raise FrameError(
                    f"{self.label} has values beyond the range of {self.dtype}; write with dtype='f8'"
                ) from error

    def _encoded(self, piece: npt.NDArray[Any], into: Target) -> Encoded:
        if self.encoder is not None:
            return self.encoder(piece, into)
        return encode(piece.astype(self.dtype, copy=False), into=into)


class UnitWriter:
    """Header-data units into a file: room is made first, pixels come in any order, headers with sums last.

    Parameters
    ----------
    stream : binary file
        A file on disk.
    headers : list of bytes
        Whole blocks, with `sum_cards` in each.
    pixels : list of Pixels
        What belongs to the headers; of their arrays only shapes count.
    """

    def __init__(self, stream: BinaryIO, headers: list[bytes], pixels: list[Pixels]) -> None:
        self._stream, self._pixels = stream, pixels
        self._texts = [bytearray(header) for header in headers]
        self._sums: list[dict[int, int]] = [{} for _ in pixels]
        self._lock = threading.Lock()
        self._starts, end = _places(headers, pixels)
        stream.truncate(end)  # which fills with zeros

    def put(self, index: int, block: npt.NDArray[Any], *, first: int = 0) -> None:
        """Write some pixels of an image; threads may do so at once.

        Parameters
        ----------
        index : int
            Of the image.
        block : ndarray
            What its pixels are made of, from pixel `first` on. Written again, the last one counts.

        Raises
        ------
        FrameError
            As for `Pixels.pieces`.
        """
        image = attrs.evolve(self._pixels[index], array=block)
        start = at = first * image.dtype.itemsize
        total = 0
        for piece in image.pieces():
            content = piece.content.view(np.uint8).data
            self._write(content, self._starts[index][1] + at)
            total = folded(total + (_sum(content, at) if at % 4 else piece.total))
            at += content.nbytes
        with self._lock:
            self._sums[index][start] = total

    def finish(self, *, primary: bytes | None = None) -> None:
        """Write the headers with the sums.

        Parameters
        ----------
        primary : bytes, optional
            What to write instead of the first header.

        Raises
        ------
        ValueError
            If it does not fit into the room of that one.
        """
        if primary is not None:
            self._texts[0] = bytearray(primary)
        for text, (start, data), sums in zip(self._texts, self._starts, self._sums, strict=True):
            if len(text) != data - start:
                raise ValueError(f"a header of {len(text)} bytes does not fit into {data - start}")
            _set_sums(text, folded(sum(sums.values())))
            self._write(memoryview(text), start)

    def _write(self, content: memoryview, position: int) -> None:
        if hasattr(os, "pwrite"):
            while content:
                written = os.pwrite(self._stream.fileno(), content, position)
                content, position = content[written:], position + written
        else:
            with self._lock:
                self._stream.seek(position)
                self._stream.write(content)


def write_units(stream: BinaryIO, headers: list[bytes], pixels: list[Pixels]) -> None:
    """Write header-data units with their sums.

    Parameters
    ----------
    stream, headers, pixels
        As for `UnitWriter`; all pixels are in `pixels`.

    Raises
    ------
    FrameError
        As for `Pixels.pieces`.
    """
    writer = UnitWriter(stream, headers, pixels)
    for index, image in enumerate(pixels):
        writer.put(index, image.array)
    writer.finish()


def file_size(headers: list[bytes], pixels: list[Pixels]) -> int:
    """Return the bytes of the file that header-data units make."""
    return _places(headers, pixels)[1]


def file_image(headers: list[bytes], pixels: list[Pixels]) -> npt.NDArray[np.uint8]:
    """Return the bytes of the file that header-data units make, with their sums.

    Parameters
    ----------
    headers, pixels
        As for `write_units`.

    Raises
    ------
    FrameError
        As for `Pixels.pieces`.
    """
    starts, end = _places(headers, pixels)
    whole = room((end,), np.uint8)
    for header, image, (start, data) in zip(headers, pixels, starts, strict=True):
        behind = data + image.nbytes
        total = sum(piece.total for piece in image.pieces(whole[data:behind]))
        whole[behind : behind + -image.nbytes % BLOCK] = 0
        text = bytearray(header)
        _set_sums(text, folded(total))
        whole[start:data] = text
    return whole


def _places(headers: list[bytes], pixels: list[Pixels]) -> tuple[list[tuple[int, int]], int]:
    """Return where headers and their data begin, and the size of it all."""
    starts, end = [], 0
    for text, image in zip(headers, pixels, strict=True):
        starts.append((end, end + len(text)))
        end += len(text) + -(-image.nbytes // BLOCK) * BLOCK
    return starts, end


def sum_cards() -> str:
    """Return the cards of the two sums, zeros for the time being."""
    return _sum_card("CHECKSUM", "0" * 16) + _sum_card("DATASUM", "0")


def _sum_card(keyword: str, value: str) -> str:
    return card_text(keyword, value, "ones' complement sum")


def _set_sums(text: bytearray, total: int) -> None:
    """State the sum of the data, and that of the whole unit."""
    _set_sum(text, "DATASUM", f"{total}")
    _set_sum(text, "CHECKSUM", encoded(folded(total + _sum(memoryview(text), 0))))


def _set_sum(text: bytearray, keyword: str, value: str) -> None:
    card = _sum_card(keyword, value).encode("ascii")
    start = next(i for i in range(0, len(text), len(card)) if text.startswith(card[:10], i))
    text[start : start + len(card)] = card


def _sum(content: memoryview, offset: int) -> int:
    """Sum of big-endian words of bytes that begin `offset` bytes after a word did."""
    lead = min(-offset % 4, content.nbytes)
    total = int.from_bytes(bytes(offset % 4) + bytes(content[:lead]).ljust(4 - offset % 4, b"\0"), "big")
    return total + sum_of_words(np.frombuffer(content[lead:], np.uint8))
