"""The planes beside the data: UNCERT and MASK as astropy's CCDData keeps them, FLAGS with its names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError
from fullwell.flags import BAD_FOR_SCIENCE, FLAG_DTYPE, FlagImage, Flags
from fullwell.io.card_text import card_text
from fullwell.io.streaming import Pixels
from fullwell.kernels.encoding import Encoded, Target, encode_deviations, encode_mask

if TYPE_CHECKING:
    from astropy.io.fits import Header

__all__ = ["PLANES", "flags_from_flags", "flags_from_mask", "plane_images", "variance_from"]

#: Names of extensions that belong to the image, and are none themselves.
PLANES = ("UNCERT", "MASK", "FLAGS")

_BITS = 16
_STD, _VAR, _IVAR = (
    ("STDDEVUNCERTAINTY", "STD", "NONE", ""),
    ("VARIANCEUNCERTAINTY", "VAR"),
    ("INVERSEVARIANCE", "IVAR"),
)


def variance_from(array: npt.NDArray[Any], header: Header) -> npt.NDArray[Any]:
    """Turn an UNCERT image into a variance, by its card UTYPE; a standard deviation if there is none.

    Raises
    ------
    FrameError
        If UTYPE is not known.
    """
    if array.dtype.kind != "f":
        array = array.astype(np.float32)
    kind = str(header.get("UTYPE", "")).strip().upper()
    with np.errstate(all="ignore"):  # infinite variance is a legal way to say 'no weight'
        if kind in _STD:
            variance: npt.NDArray[Any] = np.square(array)
        elif kind in _VAR:
            variance = array
        elif kind in _IVAR:
            variance = np.reciprocal(array)
        else:
            raise FrameError(f"UTYPE = {header['UTYPE']!r} of UNCERT is not known: STD, VAR or IVAR are")
    return variance


def flags_from_mask(array: npt.NDArray[Any]) -> FlagImage:
    """Turn a MASK image into flags: whatever is not 0 has the plane MASKED."""
    flags = np.zeros(array.shape, FLAG_DTYPE)
    flags[array != 0] = Flags.MASKED
    return flags


def flags_from_flags(array: npt.NDArray[Any], header: Header) -> FlagImage:
    """Turn a FLAGS image into flags.

    The planes go by the names in the cards FLAG00 to FLAG15, and by their place where there are
    none. A plane with an unknown name, or without any, becomes MASKED.

    Raises
    ------
    FrameError
        If the image does not hold integers.
    """
    if array.dtype.kind not in "iu":
        raise FrameError(f"FLAGS holds {array.dtype}, not integers")
    names = {bit: str(header[f"FLAG{bit:02d}"]).strip() for bit in range(_BITS) if f"FLAG{bit:02d}" in header}
    if not names:
        names = {plane.value.bit_length() - 1: str(plane.name) for plane in Flags}
    bits = array.astype(FLAG_DTYPE)  # what lies above 16 bits is cut off here, and looked at below
    known = {bit: Flags[name].value for bit, name in names.items() if name in Flags.__members__}
    straight = sum(value for bit, value in known.items() if value == 1 << bit)
    flags = bits & FLAG_DTYPE.type(straight)
    for bit, value in known.items():
        if value != 1 << bit:
            flags[(bits & FLAG_DTYPE.type(1 << bit)) != 0] |= FLAG_DTYPE.type(value)
    unexplained = (bits & FLAG_DTYPE.type(0xFFFF ^ sum(1 << bit for bit in known))) != 0
    if array.dtype.itemsize > FLAG_DTYPE.itemsize:
        unexplained |= array != bits
    flags[unexplained] |= FLAG_DTYPE.type(Flags.MASKED)
    return flags


def plane_images(variance: npt.NDArray[Any] | None, flags: FlagImage) -> list[tuple[str, Pixels, str]]:
    """Return name, pixels and cards of the planes to write.

    MASK and FLAGS are left out when no flag is set and there is no variance: a plain raw frame. Where a
    variance is negative, making the pixels raises FrameError.
    """
    images: list[tuple[str, Pixels, str]] = []
    if variance is not None:
        images.append(
            ("UNCERT", Pixels(variance, np.dtype(np.float32), "UNCERT", _deviations), _cards("UNCERT"))
        )
    if variance is not None or flags.any():
        images.append(("MASK", Pixels(flags, np.dtype(np.uint8), "MASK", _mask), ""))
        images.append(("FLAGS", Pixels(flags, FLAG_DTYPE, "FLAGS"), _cards("FLAGS")))
    return images


@cache
def _cards(name: str) -> str:
    """Return the cards that say what is in a plane."""
    if name == "UNCERT":
        return card_text("UTYPE", "StdDevUncertainty", "kind of uncertainty")
    return "".join(
        card_text(f"FLAG{plane.value.bit_length() - 1:02d}", str(plane.name), f"plane of value {plane.value}")
        for plane in Flags
    )


def _deviations(variance: npt.NDArray[Any], into: Target) -> Encoded:
    encoded, worst = encode_deviations(variance, into=into)
    if worst < 0:
        raise FrameError(f"the variance is negative in places (down to {worst:g}): no such noise exists")
    return encoded


def _mask(flags: FlagImage, into: Target) -> Encoded:
    return encode_mask(flags, int(BAD_FOR_SCIENCE), into=into)
