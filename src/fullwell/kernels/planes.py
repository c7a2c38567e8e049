"""Where the pixels of a frame lie, and in which form: arrays, or files mapped into memory."""

from __future__ import annotations

import sys
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

__all__ = ["Plane"]

_SIGNED_TOP = 0x8000
_NATIVE = "<" if sys.byteorder == "little" else ">"
#: Byte order and type to the kind that `fullwell.kernels.memory_compiled` knows.
_KINDS = {"2x": 0, "2": 1, "f4x": 2, "f4": 3, "f8": 4}


@attrs.frozen(eq=False)
class Plane:
    """The pixels of one frame.

    Parameters
    ----------
    array : ndarray, shape (rows, columns)
        Of any type and byte order.
    unsigned : bool
        Whether 16-bit integers, signed in `array`, stand for numbers 32768 higher (BZERO of FITS).
    """

    array: npt.NDArray[Any]
    unsigned: bool = False

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.array.nbytes

    @property
    def is_ordered(self) -> bool:
        """Whether these are integers of 16 bits."""
        return self.array.dtype.kind in "iu" and self.array.dtype.itemsize == 2

    @property
    def zero(self) -> float:
        """Value of the integer whose ordered form is 0."""
        return float(-_SIGNED_TOP) if self.top and not self.unsigned else 0.0

    @property
    def top(self) -> int:
        """Bits to turn for the ordered form of an integer."""
        return _SIGNED_TOP if self.is_ordered and self.array.dtype.kind == "i" else 0

    @property
    def is_ready(self) -> bool:
        """Whether the kernels know the type; others are copied to floats, by `rows`."""
        return self.is_ordered or self.array.dtype.str[1:] == "f4" or self.array.dtype == np.float64

    @property
    def kind(self) -> int:
        """Code of the type, of an array that is `ready`."""
        dtype = self.array.dtype
        swapped = "x" if dtype.byteorder not in ("=", "|", _NATIVE) else ""
        return _KINDS[("2" if self.is_ordered else dtype.str[1:]) + swapped]

    def rows(self, part: slice) -> Plane:
        """Return some rows, one after the other in memory and of a type that the kernels know.

        Copied only where they are not so already.
        """
        block = self.array[part]
        if not self.is_ready:
            small = block.dtype.itemsize < 4 and block.dtype.kind != "f"
            block = block.astype(np.float32 if small else np.float64)
        return Plane(np.ascontiguousarray(block), self.unsigned)

    def release(self, part: slice) -> None:
        """Say that some rows are not needed for a while; nothing has to be done."""
