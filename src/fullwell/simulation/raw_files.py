"""Raw FITS files: chosen cards, bytes that depend on nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io.fits import Card, Header

__all__ = ["fits_bytes"]

BLOCK = 2880


def fits_bytes(data: npt.NDArray[Any], cards: list[Card]) -> bytes:
    """Return the bytes of a FITS file with one image.

    Parameters
    ----------
    data : ndarray of uint16 or int32, two-dimensional
        uint16 is stored as int16 with an offset of 32768, for which `cards` must hold BZERO.
    cards : list of Card
        All cards but END, in the order they are to have, SIMPLE first.
    """
    header: bytes = Header(cards).tostring(sep="", endcard=True, padding=True).encode("ascii")
    stored = (data ^ np.uint16(0x8000)).view(np.int16) if data.dtype == np.uint16 else data
    body: bytes = stored.astype(stored.dtype.newbyteorder(">")).tobytes()
    return header + body + bytes(-len(body) % BLOCK)
