"""Raw FITS files: chosen cards, bytes that depend on nothing else, and whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io.fits import Card, Header

from fullwell.errors import FileError

__all__ = ["fits_bytes", "write_whole"]

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


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears complete or not at all.

    Raises
    ------
    FileError
        If the disk does not take it.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise FileError(path, f"cannot be written ({error.strerror})") from error
