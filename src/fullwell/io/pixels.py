"""From the bytes of one image to an array: byte order, BZERO and BSCALE, BLANK, tile compression."""

from __future__ import annotations

import math
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from fullwell.errors import CorruptFile
from fullwell.io.checks import Limits, quiet
from fullwell.io.sources import Source
from fullwell.io.structure import Unit
from fullwell.io.tiles import check_tiles
from fullwell.kernels.buffers import room
from fullwell.kernels.encoding import decode_halves

__all__ = ["decode", "pixel_type"]

_TYPES = {8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}
#: Integers of the other sign are stored with this BZERO (FITS standard 4.0, section 4.4.2.5).
_OTHER_SIGN = {8: -128, 16: 2**15, 32: 2**31, 64: 2**63}
_OTHER_TYPE = {8: "i1", 16: "u2", 32: "u4", 64: "u8"}


def pixel_type(unit: Unit, *, source: Source) -> np.dtype[Any]:
    """Type of the array that `decode` will return.

    Raises
    ------
    CorruptFile
        If BZERO or BSCALE are no numbers.
    """
    zero, scale = _scaling(unit, source)
    stored = np.dtype(_TYPES[unit.bitpix])
    if (zero, scale) == (0, 1):
        return stored
    if stored.kind == "f":
        return stored
    if scale == 1 and zero == _OTHER_SIGN[unit.bitpix]:
        return np.dtype(_OTHER_TYPE[unit.bitpix])
    return np.dtype(np.float32 if stored.itemsize <= 2 else np.float64)


def decode(
    source: Source, unit: Unit, *, limits: Limits
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """Read the pixels of one image.

    Parameters
    ----------
    source : Source
    unit : Unit
        Image or compressed image, its size checked by the caller.
    limits : Limits

    Returns
    -------
    data : ndarray
        In native byte order, of the type of `pixel_type`, shape ``(..., NAXIS2, NAXIS1)``.
    blank : ndarray of bool or None
        Pixels that hold the value of BLANK.

    Raises
    ------
    CorruptFile, TooLarge
        If the data are damaged, or a tile unpacks to more than its size.
    """
    value = unit.header.get("BLANK", unit.header.get("ZBLANK") if unit.kind == "compressed" else None)
    halves = unit.kind != "compressed" and unit.bitpix == 16 and value is None
    if halves and _scaling(unit, source) == (_OTHER_SIGN[16], 1):
        return _plain(source, unit, turned=True).view(np.uint16), None
    stored = _compressed(source, unit, limits) if unit.kind == "compressed" else _plain(source, unit)
    blank = None
    if stored.dtype.kind in "iu" and isinstance(value, int) and not isinstance(value, bool):
        found = stored == value
        blank = found if found.any() else None
    return _scaled(stored, unit, source), blank


def _plain(source: Source, unit: Unit, *, turned: bool = False) -> npt.NDArray[Any]:
    """Read the pixels as they are stored; with their top bit turned, if those of 16 bits are unsigned."""
    stored = np.dtype(_TYPES[unit.bitpix])
    array = room(unit.axes[::-1], stored)
    source.stream.seek(unit.data)
    target = array.reshape(-1).view(np.uint8)
    if source.stream.readinto(target) != target.size:  # type: ignore[attr-defined]
        raise CorruptFile(source.path, f"truncated: the file ended within the data of {unit.label}")
    if stored.itemsize == 2:
        decode_halves(array.reshape(-1).view(np.uint16), turn=0x8000 if turned else 0)
    elif np.little_endian and stored.itemsize > 1:
        array.byteswap(inplace=True)
    return array


def _compressed(source: Source, unit: Unit, limits: Limits) -> npt.NDArray[Any]:
    check_tiles(source, unit, limits=limits)
    primary = fits.PrimaryHDU().header.tostring().encode("ascii")
    table = source.read(unit.start, unit.data - unit.start) + source.read(unit.data, unit.data_bytes)
    table += b"\0" * (-len(table) % 2880)
    with (
        quiet(),
        fits.open(BytesIO(primary + table), memmap=False, do_not_scale_image_data=True) as units,
    ):
        array = np.asarray(units[1].data)
    expected = np.dtype(_TYPES[unit.bitpix])
    if array.shape != unit.axes[::-1] or array.dtype.newbyteorder("=") != expected:
        raise CorruptFile(
            source.path,
            f"{unit.label} unpacks to {array.dtype} {array.shape}, not {expected} {unit.axes[::-1]}",
        )
    return np.array(array, dtype=expected)


def _scaling(unit: Unit, source: Source) -> tuple[float, float]:
    numbers = []
    for keyword, default in (("BZERO", 0), ("BSCALE", 1)):
        value = unit.header.get(keyword, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise CorruptFile(source.path, f"broken header: {keyword} = {value!r} in {unit.label}, no number")
        numbers.append(value)
    if numbers[1] == 0:
        raise CorruptFile(source.path, f"broken header: BSCALE = 0 in {unit.label} makes all pixels equal")
    return numbers[0], numbers[1]


def _scaled(stored: npt.NDArray[Any], unit: Unit, source: Source) -> npt.NDArray[Any]:
    zero, scale = _scaling(unit, source)
    wanted = pixel_type(unit, source=source)
    if (zero, scale) == (0, 1):
        return stored
    if wanted.kind in "iu":
        # Adding half of the range is the same as turning the top bit, and cannot overflow.
        other = stored.view(f"u{stored.itemsize}")
        other ^= other.dtype.type(1 << (8 * stored.itemsize - 1))
        return other.view(wanted)
    scaled = stored.astype(wanted, copy=False)
    with np.errstate(all="ignore"):  # infinities of foreign values are flagged by the reader
        if scale != 1:
            scaled *= wanted.type(scale)
        if zero != 0:
            scaled += wanted.type(zero)
    return scaled
