"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from fullwell.errors import AlreadyExists, FileError
from fullwell.workers import waiting

__all__ = ["LEFT_OVER", "Content", "write_whole"]

#: What is in a file, or what writes it to a binary stream.
Content = bytes | memoryview | Callable[[BinaryIO], None]

#: Glob of what a killed process may leave behind.
LEFT_OVER = ".fullwell-*.tmp"
#: Bytes from which content goes past the cache of the system, and how many at once.
LARGE, _PIECE = 2**22, 2**22
_PAGE = 2**12  # what memory and place in a file are multiples of then; no disk wants more
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def write_whole(
    path: Path,
    content: Content,
    *,
    overwrite: bool = True,
    durable: bool = True,
) -> None:
    """Write a file aside, force it to disk, then give it its name.

    A reader finds the old file, the new one or none, and never a part, whatever happens to this process or
    to the machine.

    Parameters
    ----------
    path : Path
        Where to; the folder must exist.
    content : Content
        Large content that begins with a page of the
        memory goes to disk without a copy in the system's cache, which costs more than the disk itself.
    overwrite : bool
        Whether a file of that name may be replaced.
    durable : bool
        Whether to wait until it is on the disk. Without, the file may be lost or empty after the machine
        has stopped, which is right for what can be made again and is checked when it is read.

    Raises
    ------
    AlreadyExists
        If the file is there and may not be replaced.
    FileError
        If it cannot be written (no folder, no permission, disk full); nothing is left behind.
    """
    aside = path.parent / f".fullwell-{os.getpid()}-{secrets.token_hex(4)}.tmp"
    try:
        with ExitStack() as wait:
            with aside.open("wb") as stream:
                if callable(content):
                    content(stream)
                if durable:
                    wait.enter_context(waiting())
                if not callable(content):
                    _write(stream, memoryview(content).cast("B"))
                stream.flush()
                if durable:
                    os.fsync(stream.fileno())
            _put_in_place(aside, path, overwrite=overwrite)
            if durable:
                _sync_folder(path.parent)
    except FileExistsError as error:
        raise AlreadyExists(f"{path} exists already; allow overwriting or choose another name") from error
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError, NotADirectoryError):
            aside.unlink()


def _write(stream: BinaryIO, content: memoryview) -> None:
    """Write content; what is large past the cache of the system, as far as it lets us."""
    done = 0
    if content.nbytes >= LARGE and hasattr(os, "O_DIRECT"):
        import fcntl

        usual = fcntl.fcntl(stream, fcntl.F_GETFL)
        # Wherever this does not work (file systems in memory, pages of another size), the usual way goes on.
        with suppress(OSError):
            fcntl.fcntl(stream, fcntl.F_SETFL, usual | os.O_DIRECT)
            while content.nbytes - done >= _PAGE and done % _PAGE == 0:
                size = min(_PIECE, (content.nbytes - done) // _PAGE * _PAGE)
                done += os.pwrite(stream.fileno(), content[done : done + size], done)
        fcntl.fcntl(stream, fcntl.F_SETFL, usual)
    stream.seek(done)
    stream.write(content[done:])


def _put_in_place(aside: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        aside.replace(path)
        return
    try:
        # Unlike a rename, a link fails when somebody else was faster.
        os.link(aside, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        aside.replace(path)


def _sync_folder(folder: Path) -> None:
    """Force the new name to disk as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
