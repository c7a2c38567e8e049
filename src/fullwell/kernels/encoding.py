"""Pixels as FITS stores them, and the sum of their words for CHECKSUM, in one pass.

The sum is that of big-endian words of four bytes, as the ones' complement sums of FITS are made of; bytes
that do not fill the last word are followed by zeros.
"""

from __future__ import annotations

import sys
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

__all__ = [
    "Encoded",
    "decode_halves",
    "encode",
    "encode_deviations",
    "encode_mask",
    "sum_of_words",
    "warm_up",
]

SMALL = 2**15  # pixels; the plain form is done before the compiled one is loaded


@attrs.frozen(eq=False)
class Encoded:
    """What goes into the file.

    Parameters
    ----------
    content : ndarray
        Flat, in big-endian order.
    total : int
        Sum of its words.
    """

    content: npt.NDArray[Any]
    total: int


def encode(values: npt.NDArray[Any], *, compiled: bool | None = None) -> Encoded:
    """Encode numbers of a type that FITS has, or has with the sign turned.

    Parameters
    ----------
    values : ndarray
        Flat; integers of any size and sign, or floats.
    compiled : bool, optional
        Whether the compiled loops are used, which float32 and uint16 have; unless there are few.

    Returns
    -------
    Encoded
        Integers of the sign that FITS does not have lack half of their range, by which BZERO makes up for it.
    """
    native = values.dtype.isnative and values.flags.c_contiguous
    if native and values.dtype in (np.float32, np.uint16) and _compiled(values, compiled):
        from fullwell.kernels import encoding_compiled as fast

        if values.dtype == np.float32:
            words = np.empty(values.size, np.uint32)
            total = fast.swap_words(values.view(np.uint32), words)
            return Encoded(words.view(">f4"), int(total))
        halves = np.empty(values.size, np.uint16)
        total = fast.swap_halves(values, halves)
        return Encoded(halves.view(">u2"), int(total))
    dtype = values.dtype
    if (dtype.kind, dtype.itemsize > 1) in (("u", True), ("i", False)):
        # FITS has one of the two signs only; BZERO makes the other by half of the range, the top bit.
        unsigned = np.dtype(f"u{dtype.itemsize}")
        native_values = values.astype(dtype.newbyteorder("="), copy=False)
        values = native_values.view(unsigned) ^ unsigned.type(1 << (8 * dtype.itemsize - 1))
    content = values.astype(values.dtype.newbyteorder(">"), copy=False)
    return Encoded(content, sum_of_words(content))


def encode_deviations(variance: npt.NDArray[Any], *, compiled: bool | None = None) -> tuple[Encoded, float]:
    """Encode standard deviations as float32.

    Parameters
    ----------
    variance : ndarray
        Flat, of floats.
    compiled : bool, optional
        As for `encode`.

    Returns
    -------
    encoded : Encoded
    lowest : float
        Least variance where one is below 0, else 0. The root of a negative one is NaN.
    """
    if variance.dtype == np.float32 and variance.dtype.isnative and _compiled(variance, compiled):
        from fullwell.kernels.encoding_compiled import swap_roots

        words = np.empty(variance.size, np.uint32)
        total, lowest = swap_roots(np.ascontiguousarray(variance), words)
        return Encoded(words.view(">f4"), int(total)), float(lowest)
    lowest = float(np.fmin.reduce(variance, axis=None, initial=0.0))
    with np.errstate(invalid="ignore"):
        deviation = np.sqrt(variance, dtype=np.result_type(variance.dtype, np.float32))
    return encode(deviation.astype(np.float32, copy=False), compiled=False), lowest


def encode_mask(flags: npt.NDArray[np.uint16], bad: int, *, compiled: bool | None = None) -> Encoded:
    """Encode as 1 what has any of the bits `bad`, as 0 all else; one byte each.

    Parameters
    ----------
    flags : ndarray of uint16
        Flat.
    bad : int
    compiled : bool, optional
        As for `encode`.
    """
    if flags.flags.c_contiguous and _compiled(flags, compiled):
        from fullwell.kernels.encoding_compiled import mask_bytes

        content = np.empty(flags.size, np.uint8)
        total = mask_bytes(flags, np.uint16(bad), content)
        return Encoded(content, int(total))
    return encode(((flags & np.uint16(bad)) != 0).astype(np.uint8), compiled=False)


def decode_halves(words: npt.NDArray[np.uint16], *, turn: int, compiled: bool | None = None) -> None:
    """Bring words of two bytes from the order of FITS to that of this machine, where they lie.

    Parameters
    ----------
    words : ndarray of uint16
        Flat; changed.
    turn : int
        Bits to turn: 0x8000 for integers without sign, else 0.
    compiled : bool, optional
        As for `encode`.
    """
    if _compiled(words, compiled):
        from fullwell.kernels.encoding_compiled import unswap_halves

        unswap_halves(words, np.uint16(turn))
        return
    if sys.byteorder == "little":
        words.byteswap(inplace=True)
    if turn:
        words ^= np.uint16(turn)


def sum_of_words(content: npt.NDArray[Any]) -> int:
    """Sum of the big-endian words of an array."""
    octets = np.ascontiguousarray(content).view(np.uint8).reshape(-1)
    whole = octets.size // 4 * 4
    total = int(octets[:whole].view(">u4").sum(dtype=np.uint64))
    return total + int.from_bytes(octets[whole:].tobytes().ljust(4, b"\0"), "big")


def warm_up() -> None:
    """Compile all loops."""
    decode_halves(np.ones(8, np.uint16), turn=0, compiled=True)
    encode(np.ones(8, np.float32), compiled=True)
    encode(np.ones(8, np.uint16), compiled=True)
    encode_deviations(np.ones(8, np.float32), compiled=True)
    encode_mask(np.ones(8, np.uint16), 1, compiled=True)


def _compiled(values: npt.NDArray[Any], asked: bool | None) -> bool:
    return sys.byteorder == "little" and (values.size >= SMALL if asked is None else asked)
