"""Frames that stay where they are: plain FITS images mapped into memory, their pixels never copied."""

from __future__ import annotations

import mmap
import os
from typing import Any

import attrs
import numpy as np

from fullwell.flags import FLAG_DTYPE
from fullwell.frame import Frame
from fullwell.io.checks import Limits, own_errors
from fullwell.io.checksums import Memory, verify_checksums
from fullwell.io.contents import Contents, contents_of
from fullwell.io.dialects import translate
from fullwell.io.reading import DEFAULT_LIMITS, VERIFIED
from fullwell.io.sources import Source, open_source
from fullwell.kernels.planes import Plane

__all__ = ["MappedFrame", "map_frame"]

#: (BITPIX, BZERO) that need no arithmetic but the order of bytes.
_SIMPLE = {(16, 0): False, (16, 32768): True, (-32, 0): False}
_AROUND = max(2**16, mmap.PAGESIZE)


@attrs.frozen(eq=False)
class MappedFrame:
    """A frame whose pixels lie in its file.

    Parameters
    ----------
    frame : Frame
        All that the file says, with zeros for pixels.
    plane : Plane
        The pixels.
    """

    frame: Frame
    plane: Plane
    _memory: mmap.mmap
    _offset: int

    def release(self, part: slice) -> None:
        """Let go of the memory that holds some rows; they are read from the file again if needed."""
        if not hasattr(self._memory, "madvise"):
            return
        width = self.plane.array.strides[0]
        # The system maps pages around one that is asked for; they go too.
        start = (self._offset + part.start * width) // _AROUND * _AROUND
        stop = min(-(-(self._offset + part.stop * width) // _AROUND) * _AROUND, len(self._memory))
        self._memory.madvise(mmap.MADV_DONTNEED, start, stop - start)


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
        applied=tuple(str(contents.header.get("FWAPPLY", "")).split()),
        source=source.path.name,
    )
    return MappedFrame(frame, Plane(array, unsigned), memory, unit.data)
