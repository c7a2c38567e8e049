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

from fullwell.kernels.machine_code import keep, native

__all__ = [
    "Encoded",
    "decode_halves",
    "encode",
    "encode_deviations",
    "encode_mask",
    "sum_of_words",
    "warm_up",
]

#: What the compiled loop is told; `lowest` is the address of a float32 for the least variance.
JOB = np.dtype(
    [
        ("kind", np.int64),
        ("size", np.int64),
        ("source", np.uint64),
        ("target", np.uint64),
        ("bad", np.int64),
        ("lowest", np.uint64),
    ]
)
#: Kinds of pixels: of four bytes, of two, flags to a mask, variances to standard deviations.
WORDS, HALVES, MASK, ROOTS = 0, 1, 2, 3
Target = npt.NDArray[np.uint8] | None
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


def encode(values: npt.NDArray[Any], *, into: Target = None, compiled: bool | None = None) -> Encoded:
    """Encode numbers of a type that FITS has, or has with the sign turned.

    Parameters
    ----------
    values : ndarray
        Flat; integers of any size and sign, or floats.
    into : ndarray of uint8, optional
        Where to put the bytes; room of its own is made if not given.
    compiled : bool, optional
        Whether the compiled loops are used, which float32 and uint16 have; unless there are few.

    Returns
    -------
    Encoded
        Integers of the sign that FITS does not have lack half of their range, by which BZERO makes up for it.
    """
    native = values.dtype.isnative and values.flags.c_contiguous
    if native and values.dtype in (np.float32, np.uint16) and _compiled(values, compiled):
        content = _room(into, values.size, values.dtype.newbyteorder(">"))
        return _run(WORDS if values.dtype == np.float32 else HALVES, values, content)
    dtype = values.dtype
    if (dtype.kind, dtype.itemsize > 1) in (("u", True), ("i", False)):
        # FITS has one of the two signs only; BZERO makes the other by half of the range, the top bit.
        unsigned = np.dtype(f"u{dtype.itemsize}")
        native_values = values.astype(dtype.newbyteorder("="), copy=False)
        values = native_values.view(unsigned) ^ unsigned.type(1 << (8 * dtype.itemsize - 1))
    content = values.astype(values.dtype.newbyteorder(">"), copy=False)
    if into is not None:
        placed = _room(into, content.size, content.dtype)
        placed[:] = content
        content = placed
    return Encoded(content, sum_of_words(content))


def encode_deviations(
    variance: npt.NDArray[Any], *, into: Target = None, compiled: bool | None = None
) -> tuple[Encoded, float]:
    """Encode standard deviations as float32.

    Parameters
    ----------
    variance : ndarray
        Flat, of floats.
    into, compiled
        As for `encode`.

    Returns
    -------
    encoded : Encoded
    lowest : float
        Least variance where one is below 0, else 0. The root of a negative one is NaN.
    """
    if variance.dtype == np.float32 and variance.dtype.isnative and _compiled(variance, compiled):
        least = np.zeros(1, np.float32)
        content = _room(into, variance.size, np.dtype(">f4"))
        return _run(ROOTS, np.ascontiguousarray(variance), content, least=least), float(least[0])
    lowest = float(np.fmin.reduce(variance, axis=None, initial=0.0))
    with np.errstate(invalid="ignore"):
        deviation = np.sqrt(variance, dtype=np.result_type(variance.dtype, np.float32))
    return encode(deviation.astype(np.float32, copy=False), into=into, compiled=False), lowest


def encode_mask(
    flags: npt.NDArray[np.uint16], bad: int, *, into: Target = None, compiled: bool | None = None
) -> Encoded:
    """Encode as 1 what has any of the bits `bad`, as 0 all else; one byte each.

    Parameters
    ----------
    flags : ndarray of uint16
        Flat.
    bad : int
    into, compiled
        As for `encode`.
    """
    if flags.flags.c_contiguous and _compiled(flags, compiled):
        return _run(MASK, flags, _room(into, flags.size, np.dtype(np.uint8)), bad=int(bad))
    return encode(((flags & np.uint16(bad)) != 0).astype(np.uint8), into=into, compiled=False)


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
    """Compile all loops, and keep them for processes that start without Numba."""
    decode_halves(np.ones(8, np.uint16), turn=0, compiled=True)
    keep("encode_pixels", _make)


def _room(into: Target, size: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    return np.empty(size, dtype) if into is None else into.view(dtype)


def _run(
    kind: int, source: npt.NDArray[Any], content: npt.NDArray[Any], *, bad: int = 0, least: Any = None
) -> Encoded:
    lowest = 0 if least is None else least.ctypes.data
    job = np.array((kind, source.size, source.ctypes.data, content.ctypes.data, bad, lowest), JOB)
    return Encoded(content, native("encode_pixels", _make)(job.ctypes.data))


def _make(*, cache: bool) -> Any:
    from fullwell.kernels.encoding_compiled import make

    return make(cache=cache)


def _compiled(values: npt.NDArray[Any], asked: bool | None) -> bool:
    return sys.byteorder == "little" and (values.size >= SMALL if asked is None else asked)
