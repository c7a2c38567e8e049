"""Frames that stay where they are: plain FITS images mapped into memory, their pixels never copied."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import UnreadableFile
from fullwell.flags import FLAG_DTYPE
from fullwell.frame import Frame
from fullwell.io.checks import Limits, own_errors
from fullwell.io.checksums import Memory, verify_checksums
from fullwell.io.contents import Contents, contents_of
from fullwell.io.dialects import translate
from fullwell.io.reading import DEFAULT_LIMITS, VERIFIED
from fullwell.io.sources import FileKey, Source, open_source
from fullwell.kernels.planes import Plane

__all__ = ["FilePlane", "MappedFrame", "MappedPlane", "map_frame"]

#: (BITPIX, BZERO) that need no arithmetic but the order of bytes.
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
class MappedFrame:
    """A frame whose pixels lie in its file.

    Parameters
    ----------
    frame : Frame
        All that the file says, with zeros for pixels.
    plane : MappedPlane
        The pixels.
    """

    frame: Frame
    plane: MappedPlane
    _key: FileKey
    _offset: int

    def unmapped(self) -> FilePlane:
        """Return the pixels as rows that are read one after the other, for more files than may be open."""
        array = np.broadcast_to(np.zeros((), self.plane.array.dtype), self.plane.array.shape)
        return FilePlane(array, self.plane.unsigned, key=self._key, offset=self._offset)


def map_frame(
    path: str | os.PathLike[str],
    *,
    limits: Limits = DEFAULT_LIMITS,
    verify: bool = True,
    memory: Memory = VERIFIED,
) -> MappedFrame | None:
    """Map one frame; None for a file that has to be decoded, which `read` does.

    That is everything but a single plain image of 16-bit integers without BLANK, or of 32-bit floats.

    Parameters
    ----------
    path, limits, verify, memory
        As for `read`.

    Raises
    ------
    FileError, FrameError
        As for `read`.
    """
    with own_errors(path), open_source(path, limits=limits) as source:
        contents = contents_of(source, limits=limits)
        unsigned = _simple(source, contents)
        if unsigned is None:
            return None
        if verify:
            verify_checksums(source, contents.units, memory=memory)
        return _mapped(source, contents, unsigned=unsigned)


def _simple(source: Source, contents: Contents) -> bool | None:
    """Whether the integers of the only image are unsigned; None if it is not simple."""
    unit = contents.images[0]
    if source.gzipped or contents.mosaic or contents.planes or unit.kind != "image":
        return None
    if unit.header.get("BSCALE", 1) != 1 or (unit.bitpix > 0 and "BLANK" in unit.header):
        return None
    return _SIMPLE.get((unit.bitpix, unit.header.get("BZERO", 0)))


def _mapped(source: Source, contents: Contents, *, unsigned: bool) -> MappedFrame:
    unit, shape = contents.images[0], contents.shape
    memory = mmap.mmap(source.stream.fileno(), 0, access=mmap.ACCESS_READ)
    stored: Any = np.dtype(">i2" if unit.bitpix == 16 else ">f4")
    array = np.frombuffer(memory, stored, shape[0] * shape[1], unit.data).reshape(shape)
    metadata = translate(contents.header)
    frame = Frame(
        np.broadcast_to(contents.dtype.type(0), shape),
        flags=np.broadcast_to(FLAG_DTYPE.type(0), shape),
        unit=contents.unit,
        header=contents.header,
        detector=contents.detector,
        exposure_time=metadata.exposure_time.value,
        dark_time=metadata.dark_time.value,
        temperature=metadata.kelvin,
        applied=tuple(str(contents.header.get("FWAPPLY", "")).split()),
        source=source.path.name,
    )
    plane = MappedPlane(array, unsigned, memory=memory, offset=unit.data)
    return MappedFrame(frame, plane, source.key, unit.data)
