"""Images to a file piece by piece: FITS form and sums are made on the way, and no plane is held twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import attrs
import numpy as np
import numpy.typing as npt
from astropy.io import fits

from fullwell.errors import FrameError, ParameterError
from fullwell.io.checks import quiet
from fullwell.io.checksums import encoded, folded
from fullwell.io.structure import BLOCK

__all__ = ["Pixels", "write_units"]

_PIECE = 2**18  # pixels; what they become fits into the cache of the processor
_SUM = "ones' complement sum"


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
    make : callable, optional
        Makes pixels of a piece of `array`.
    """

    array: npt.NDArray[Any]
    dtype: np.dtype[Any]
    label: str
    make: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] | None = None

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

    def pieces(self) -> Iterator[npt.NDArray[Any]]:
        """Yield the pixels as FITS stores them, some at a time.

        Raises
        ------
        FrameError
            If a value is beyond the range of the type.
        """
        flat = np.ascontiguousarray(self.array).reshape(-1)
        for start in range(0, flat.size, _PIECE):
            piece = flat[start : start + _PIECE]
            try:
                with np.errstate(over="raise"):
                    yield _stored(piece if self.make is None else self.make(piece), self.dtype)
            except FloatingPointError as error:
                raise FrameError(
                    f"{self.label} has values beyond the range of {self.dtype}; write with dtype='f8'"
                ) from error


def _stored(piece: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    piece = piece.astype(dtype, copy=False)
    if (dtype.kind, dtype.itemsize > 1) in (("u", True), ("i", False)):
        # FITS has one of the two signs only; BZERO makes the other by half of the range, the top bit.
        unsigned = np.dtype(f"u{dtype.itemsize}")
        piece = piece.view(unsigned) ^ unsigned.type(1 << (8 * dtype.itemsize - 1))
    return piece.astype(piece.dtype.newbyteorder(">"), copy=False)


def write_units(stream: BinaryIO, units: fits.HDUList, pixels: list[Pixels]) -> None:
    """Write header-data units with their sums.

    Parameters
    ----------
    stream : binary file
        Can be written and moved in.
    units : HDUList
        The headers; their data are placeholders.
    pixels : list of Pixels
        What comes in their place.

    Raises
    ------
    astropy.io.fits.VerifyError
        If a header is not legal.
    FrameError
        As for `Pixels.pieces`.
    """
    with quiet():
        units.verify("exception")
    for unit, image in zip(units, pixels, strict=True):
        unit.header["CHECKSUM"] = ("0" * 16, _SUM)
        unit.header["DATASUM"] = ("0", _SUM)
        start, total, count = stream.tell(), 0, 0
        stream.write(_bytes(unit))
        for piece in image.pieces():
            content = piece.view(np.uint8).data
            stream.write(content)
            total, count = folded(total + _sum(content)), count + content.nbytes
        stream.write(bytes(-count % BLOCK))
        end = stream.tell()
        unit.header["DATASUM"] = (str(total), _SUM)
        unit.header["CHECKSUM"] = (encoded(folded(total + _sum(memoryview(_bytes(unit))))), _SUM)
        stream.seek(start)
        stream.write(_bytes(unit))
        stream.seek(end)


def _bytes(unit: Any) -> bytes:
    with quiet():
        return bytes(unit.header.tostring().encode("ascii"))


def _sum(content: memoryview) -> int:
    """Sum of big-endian words; only the last piece of all may end within one."""
    whole = content.nbytes // 4 * 4
    total = int(np.frombuffer(content[:whole], ">u4").sum(dtype=np.uint64))
    rest = bytes(content[whole:])
    return total + int.from_bytes(rest.ljust(4, b"\0"), "big") if rest else total
