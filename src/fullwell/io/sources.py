"""Opening a file so that it can neither block nor burst: regular files only, gzip unpacked within limits."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import attrs

from fullwell.errors import CorruptFile, NotFits, ParameterError, UnreadableFile
from fullwell.io.checks import Limits
from fullwell.io.gunzip import unpacked

__all__ = ["FileKey", "Source", "open_regular", "open_source"]

#: What stays the same as long as nobody writes to a file: path, size, time of change, inode.
FileKey = tuple[str, int, int, int]

_GZIP_MAGIC = b"\x1f\x8b"


@attrs.frozen(eq=False)
class Source:
    """An opened file.

    Parameters
    ----------
    path : Path
        As the user named it.
    stream : binary file
        Its FITS bytes, unpacked where the file is gzipped.
    size : int
        Number of FITS bytes.
    file_size : int
        Number of bytes on disk.
    gzipped : bool
        Whether the file is gzipped.
    key : tuple
        Identity of the file on disk.
    """

    path: Path
    stream: BinaryIO
    size: int
    file_size: int
    gzipped: bool
    key: FileKey

    def read(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset`.

        Raises
        ------
        CorruptFile
            If the file ends before.
        """
        self.stream.seek(offset)
        block = self.stream.read(count)
        if len(block) != count:
            raise CorruptFile(
                self.path, f"truncated: {count} bytes expected at {offset}, {len(block)} are there"
            )
        return block


@contextmanager
def open_source(path: str | os.PathLike[str], *, limits: Limits) -> Iterator[Source]:
    """Open a regular file for reading.

    Yields
    ------
    Source

    Raises
    ------
    UnreadableFile
        If it is missing, a folder, a pipe or a device, or may not be read.
    NotFits
        If it is empty.
    TooLarge, CorruptFile
        If it is gzipped, and unpacks to more than `limits` allows, or is damaged.
    """
    try:
        name = Path(path)
    except TypeError:
        raise ParameterError("path", path, "the name of a file") from None
    with open_regular(name) as handle:
        status = os.fstat(handle.fileno())
        if status.st_size == 0:
            raise NotFits(path, "empty file (0 bytes)")
        key = (str(name.absolute()), status.st_size, status.st_mtime_ns, status.st_ino)
        gzipped = handle.read(2) == _GZIP_MAGIC
        handle.seek(0)
        stream: BinaryIO = handle
        if gzipped:
            stream = unpacked(handle, status.st_size, limits=limits, path=name)
        size = stream.seek(0, os.SEEK_END)
        if size == 0:
            raise NotFits(path, "empty file (0 bytes after unpacking)")
        yield Source(name, stream, size, status.st_size, gzipped, key)


def open_regular(path: Path) -> BinaryIO:
    """Open a file that is none of those that can block.

    Raises
    ------
    UnreadableFile
        As for `open_source`.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UnreadableFile(path, "is a folder, not a file")
        if not stat.S_ISREG(mode):
            raise UnreadableFile(path, "is not a regular file (a pipe, socket or device)")
        # Without O_NONBLOCK a pipe put here since the check above would block for ever.
        handle = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except UnreadableFile:
        raise
    except FileNotFoundError as error:
        raise UnreadableFile(path, "does not exist") from error
    except PermissionError as error:
        raise UnreadableFile(path, "may not be read (permission denied)") from error
    except (OSError, ValueError) as error:
        raise UnreadableFile(path, f"cannot be opened ({error})") from error
    if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
        handle.close()
        raise UnreadableFile(path, "is not a regular file (a pipe, socket or device)")
    return handle
