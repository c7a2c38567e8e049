"""Pixels that stay where they are: rows of FITS images, mapped into memory or read when asked for."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import UnreadableFile
from fullwell.io.checks import own_errors
from fullwell.io.sources import FileKey, Source
from fullwell.io.structure import Unit
from fullwell.kernels.planes import Plane

__all__ = ["FileImage", "FilePlane", "MappedPlane", "is_simple", "map_image"]

#: (BITPIX, BZERO) that need no arithmetic but the order of bytes, and whether the integers are unsigned.
_SIMPLE = {(16, 0): False, (16, 32768): True, (-32, 0): False}


@attrs.frozen(eq=False)
class FilePlane(Plane):
    """Pixels that are read from their file when rows of them are asked for; no file stays open.

    Parameters
    ----------
    array : ndarray
        Type and shape; its values do not count.
    unsigned : bool
        As for `Plane`.
    key : tuple
        Identity of the file.
    offset : int
        Of the first pixel in it.
    """

    key: FileKey = attrs.field(kw_only=True)
    offset: int = attrs.field(kw_only=True)

    def rows(self, part: slice, space: npt.NDArray[Any] | None = None) -> Plane:
        """Read some rows.

        Parameters
        ----------
        part : slice
            Rows.
        space : ndarray, optional
            Flat, of the same type; the pixels go to its beginning.

        Raises
        ------
        UnreadableFile
            If the file is gone, or another one now.
        """
        path, size, changed, inode = self.key
        shape = part.stop - part.start, self.array.shape[1]
        space = np.empty(shape[0] * shape[1], self.array.dtype) if space is None else space
        block = space[: shape[0] * shape[1]]
        target = block.view(np.uint8).data
        with own_errors(path), Path(path).open("rb", buffering=0) as stream:
            status = os.fstat(stream.fileno())
            if (status.st_size, status.st_mtime_ns, status.st_ino) != (size, changed, inode):
                raise UnreadableFile(path, "has changed since it was opened")
            stream.seek(self.offset + part.start * shape[1] * block.itemsize)
            while target and (count := stream.readinto(target)):
                target = target[count:]
        return Plane(block.reshape(shape), self.unsigned)


@attrs.frozen(eq=False)
class MappedPlane(Plane):
    """Pixels of a file mapped into memory; rows that are released no longer count as memory of the process.

    Parameters
    ----------
    array, unsigned
        As for `Plane`.
    memory : mmap
        The whole file.
    offset : int
        Of the first pixel in it.
    """

    memory: mmap.mmap = attrs.field(kw_only=True)
    offset: int = attrs.field(kw_only=True)

    #: Whether the system takes rows back.
    can_release = hasattr(mmap, "MADV_DONTNEED")

    def release(self, part: slice) -> None:
        """Give the pages of some rows back; they come again when somebody looks at them."""
        if self.can_release:
            row = self.array.shape[1] * self.array.itemsize
            start = (self.offset + part.start * row) // mmap.PAGESIZE * mmap.PAGESIZE
            self.memory.madvise(mmap.MADV_DONTNEED, start, self.offset + part.stop * row - start)


@attrs.frozen(eq=False)
class FileImage:
    """The pixels of an image that lies in its file as the kernels take it.

    Parameters
    ----------
    plane : MappedPlane
        Its pixels.
    """

    plane: MappedPlane
    _key: FileKey

    def unmapped(self) -> FilePlane:
        """Return the pixels as rows that are read one after the other, for more files than may be open."""
        array = np.broadcast_to(np.zeros((), self.plane.array.dtype), self.plane.array.shape)
        return FilePlane(array, self.plane.unsigned, key=self._key, offset=self.plane.offset)


def is_simple(unit: Unit) -> bool:
    """Whether these are 16-bit integers without BLANK, or 32-bit floats, and no scale changes them."""
    blank = unit.bitpix > 0 and "BLANK" in unit.header
    if unit.kind != "image" or blank or unit.header.get("BSCALE", 1) != 1:
        return False
    return (unit.bitpix, unit.header.get("BZERO", 0)) in _SIMPLE


def map_image(source: Source, unit: Unit, shape: tuple[int, int]) -> FileImage:
    """Map a simple image into memory."""
    memory = mmap.mmap(source.stream.fileno(), 0, access=mmap.ACCESS_READ)
    stored: Any = np.dtype(">i2" if unit.bitpix == 16 else ">f4")
    array = np.frombuffer(memory, stored, shape[0] * shape[1], unit.data).reshape(shape)
    unsigned = _SIMPLE[unit.bitpix, unit.header.get("BZERO", 0)]
    return FileImage(MappedPlane(array, unsigned, memory=memory, offset=unit.data), source.key)
