"""Named planes of the 16-bit flag image, and which of them spoil a pixel for science."""

from __future__ import annotations

from enum import IntFlag

import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError
from fullwell.kernels.buffers import room

__all__ = ["BAD_FOR_SCIENCE", "FLAG_DTYPE", "FlagImage", "Flags", "mask_of", "names_of"]

FLAG_DTYPE = np.dtype(np.uint16)
FlagImage = npt.NDArray[np.uint16]


class Flags(IntFlag):
    """What is known of a pixel; any number of planes can be set together."""

    BAD = 1 << 0  #: unusable for a reason given outside (bad-pixel map, bad column)
    HOT = 1 << 1  #: dark current far above its neighbors
    DEAD = 1 << 2  #: responds to light far below its neighbors
    SATURATED = 1 << 3  #: the ADC or the pixel was full, judged on raw values
    COSMIC_RAY = 1 << 4  #: hit by a cosmic ray
    NO_DATA = 1 << 5  #: no finite value, or outside of the detector
    MASKED = 1 << 6  #: masked by whoever wrote the file, reason unknown
    UNCALIBRATED = 1 << 7  #: a master had no value here
    BLEED = 1 << 8  #: charge bled from a saturated pixel
    INTERPOLATED = 1 << 9  #: value replaced from neighbors (informational)
    SUSPECT = 1 << 10  #: near a limit, value probably right (informational)
    CROSSTALK = 1 << 11  #: ghost of a bright pixel on another amplifier (informational)
    EDGE = 1 << 12  #: near the edge of the detector (informational)


#: The planes that make a pixel unusable; the others only inform.
BAD_FOR_SCIENCE = (
    Flags.BAD
    | Flags.HOT
    | Flags.DEAD
    | Flags.SATURATED
    | Flags.COSMIC_RAY
    | Flags.NO_DATA
    | Flags.MASKED
    | Flags.UNCALIBRATED
    | Flags.BLEED
)


def mask_of(flags: FlagImage, *, bad: Flags = BAD_FOR_SCIENCE) -> npt.NDArray[np.bool_]:
    """Boolean mask of the pixels with any of the planes `bad` set.

    Parameters
    ----------
    flags : ndarray of uint16
        Flag image of any shape.
    bad : Flags
        The planes that count.

    Returns
    -------
    ndarray of bool
        Same shape; True is unusable.
    """
    bits = np.bitwise_and(flags, FLAG_DTYPE.type(int(bad)), out=room(flags.shape, FLAG_DTYPE))
    mask: npt.NDArray[np.bool_] = np.not_equal(bits, 0, out=room(flags.shape, np.bool_))
    return mask


def names_of(value: int) -> tuple[str, ...]:
    """Names of the planes set in one flag value, lowest bit first.

    Raises
    ------
    ParameterError
        If a bit without a name is set.
    """
    known = int(sum(plane.value for plane in Flags))
    if value < 0 or value & ~known:
        raise ParameterError("flag value", value, f"bits within {known:#06x}")
    return tuple(plane.name for plane in Flags if plane.name and value & plane)
