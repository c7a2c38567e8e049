"""Frames that stay where they are: plain FITS images mapped into memory, their pixels never copied."""

from __future__ import annotations

import os

import attrs
import numpy as np

from fullwell.flags import FLAG_DTYPE
from fullwell.frame import Frame
from fullwell.io.checks import DEFAULT_LIMITS, Limits, own_errors
from fullwell.io.checksums import VERIFIED, Memory, verify_checksums
from fullwell.io.contents import Contents, contents_of
from fullwell.io.dialects import translate
from fullwell.io.file_planes import FileImage, is_simple, map_image
from fullwell.io.sources import Source, open_source

__all__ = ["MappedFrame", "map_frame"]


@attrs.frozen(eq=False)
class MappedFrame:
    """A frame whose pixels lie in its file.

    Parameters
    ----------
    frame : Frame
        All that the file says, with zeros for pixels.
    image : FileImage
        The pixels.
    """

    frame: Frame
    image: FileImage


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
        if source.gzipped or contents.mosaic or contents.planes or not is_simple(contents.images[0]):
            return None
        if verify:
            verify_checksums(source, contents.units, memory=memory)
        return _mapped(source, contents)


def _mapped(source: Source, contents: Contents) -> MappedFrame:
    metadata = translate(contents.header)
    frame = Frame(
        np.broadcast_to(contents.dtype.type(0), contents.shape),
        flags=np.broadcast_to(FLAG_DTYPE.type(0), contents.shape),
        unit=contents.unit,
        header=contents.header,
        detector=contents.detector,
        exposure_time=metadata.exposure_time.value,
        dark_time=metadata.dark_time.value,
        temperature=metadata.kelvin,
        applied=tuple(str(contents.header.get("FWAPPLY", "")).split()),
        source=source.path.name,
    )
    return MappedFrame(frame, map_image(source, contents.images[0], contents.shape))
