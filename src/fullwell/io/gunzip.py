"""Unpacking gzip within limits: with libdeflate where it is installed, else with the standard library."""

from __future__ import annotations

import gzip
import io
import zlib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from fullwell.errors import CorruptFile, TooLarge
from fullwell.io.checks import Limits

__all__ = ["unpacked"]

_CHUNK = 2**20
#: Fewer packed bytes are not worth the import of imagecodecs, a third of a second.
_WORTH_IT = 2**20
#: Deflate cannot shrink anything further; a file that says so does not say how long it is.
_LARGEST_EXPANSION = 1033


def unpacked(handle: BinaryIO, packed: int, *, limits: Limits, path: Path) -> io.BytesIO:
    """Unpack a gzipped file, in memory.

    Files of one member, as nearly all are, go through libdeflate if imagecodecs is there and the file is
    not small; all others, and any that is damaged, through the standard library. The bytes are the same.

    Parameters
    ----------
    handle : binary file
        At its start.
    packed : int
        Its size in bytes.
    limits : Limits
        How much it may become; no more than that is ever allocated.
    path : Path
        What to call it in messages.

    Raises
    ------
    TooLarge
        If it unpacks to more than `limits` allows.
    CorruptFile
        If it is damaged or ends early.
    """
    allowed = limits.unpacked(packed)
    codecs = _imagecodecs() if _WORTH_IT <= packed <= allowed else None
    if codecs is not None:
        content = _at_once(codecs, handle.read(packed), allowed)
        if content is not None:
            return io.BytesIO(content)
        handle.seek(0)
    return _by_chunks(handle, packed, allowed, path)


@cache
def _imagecodecs() -> ModuleType | None:
    try:
        import imagecodecs
    except ImportError:
        return None
    module: ModuleType = imagecodecs
    return module if module.DEFLATE.available else None


def _at_once(codecs: ModuleType, stream: bytes, allowed: int) -> bytes | None:
    """Return the content of a file of one member, or None if it is not surely that.

    libdeflate decodes the first member, and does not tell where it ended. It has compared its content with
    the checksum and the length behind it, and both are those at the end of the file: so the member ends
    there, unless the same eight bytes stand somewhere before.
    """
    end = stream[-8:]
    length = int.from_bytes(end[4:], "little")
    if not 0 < length <= min(allowed, _LARGEST_EXPANSION * len(stream)):
        return None
    if stream.find(end) != len(stream) - 8:
        return None
    try:
        content: bytes = codecs.gzip_decode(stream, out=length)
    except (codecs.DeflateError, ValueError):
        return None  # the standard library finds out what is wrong
    same = len(content) == length and codecs.deflate_crc32(content) == int.from_bytes(end[:4], "little")
    return content if same else None


def _by_chunks(handle: BinaryIO, packed: int, allowed: int, path: Path) -> io.BytesIO:
    buffer = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=handle, mode="rb") as unpacker:
            while block := unpacker.read(_CHUNK):
                if buffer.tell() + len(block) > allowed:
                    raise TooLarge(
                        path,
                        f"unpacks from {packed} to more than {allowed} bytes "
                        "(Limits.max_bytes, Limits.expansion)",
                    )
                buffer.write(block)
    except EOFError as error:
        raise CorruptFile(path, "truncated: the gzip stream ends early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise CorruptFile(path, f"damaged gzip stream ({error})") from error
    return buffer
