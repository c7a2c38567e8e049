"""How many bits the analog-to-digital converter really had.

Cameras with a 12-bit or 14-bit converter often shift their values to the left until they fill
16 bits: then each value is a multiple of 16 or 4, saturation stands at 65520 or 65532, and the
step of the converter is 16 or 4 ADU.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError

__all__ = ["effective_bits"]

#: Distinct values needed to decide. Values of a full converter are all even by chance with
#: probability 2^-16, that is once in 65 000 images.
_DISTINCT_VALUES = 16
_FEWEST_BITS = 8


def effective_bits(data: npt.NDArray[Any], *, bits: int = 16) -> tuple[int, int] | None:
    """Find out whether the values were shifted to the left to fill `bits` bits.

    Parameters
    ----------
    data : ndarray
        Raw values in ADU: integers of any type, or floats that hold integers.
    bits : int
        Bits of the values as they are stored, offsets like BZERO applied.

    Returns
    -------
    (effective, shift) : tuple of int, or None
        Bits of the converter, and by how many bits its values were shifted: ``(14, 2)`` when each
        value is a multiple of 4, ``(16, 0)`` when nothing was shifted. None when the image cannot
        tell: fewer than 16 distinct values, values outside of 0 to ``2**bits - 1``, or fractions.

    Raises
    ------
    ParameterError
        If `bits` is not between 8 and 32.
    """
    if not _FEWEST_BITS <= bits <= 32:
        raise ParameterError("bits", bits, "8 to 32")
    full = (1 << bits) - 1
    values = _whole_numbers(np.asarray(data), full)
    # Some drivers clip to the full range after the shift: full scale says nothing about the step.
    values = values[values != full] if values is not None else None
    if values is None or not _many_distinct(values):
        return None
    used = int(np.bitwise_or.reduce(values))
    shift = min((used & -used).bit_length() - 1, bits - _FEWEST_BITS)
    return bits - shift, shift


def _whole_numbers(data: npt.NDArray[Any], full: int) -> npt.NDArray[np.int64] | None:
    if data.dtype.kind not in "iuf" or data.size == 0:
        return None
    if data.dtype.kind == "f" and not (np.isfinite(data).all() and (data == np.rint(data)).all()):
        return None
    if data.min() < 0 or data.max() > full:
        return None
    return data.astype(np.int64).ravel()


def _many_distinct(values: npt.NDArray[np.int64]) -> bool:
    # Most images settle this in their first pixels; sorting them all is the exception.
    few = values[: 64 * _DISTINCT_VALUES]
    return np.unique(few).size >= _DISTINCT_VALUES or np.unique(values).size >= _DISTINCT_VALUES
