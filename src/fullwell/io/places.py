"""Where a file is to go: whether it may and can be written there, checked before the work."""

from __future__ import annotations

import os
from pathlib import Path

from fullwell.errors import AlreadyExists, FileError, ParameterError

__all__ = ["check_place", "checked_target"]


def checked_target(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Return a path that may be written to.

    Raises
    ------
    AlreadyExists
        If the file is there and `overwrite` is False.
    ParameterError
        If its name asks for compression.
    FileError
        If it is there and no plain file, such as a device or a pipe.
    """
    target = Path(path)
    if target.suffix.lower() in (".gz", ".fz", ".bz2"):
        raise ParameterError("path", str(path), "a name without compression; products are plain FITS")
    if not overwrite and os.path.lexists(target):
        raise AlreadyExists(f"{path} exists already; allow overwriting or choose another name")
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise FileError(target, "cannot be written: it is no plain file, but a device or a pipe")
    return target


def check_place(path: str | os.PathLike[str], *, overwrite: bool) -> None:
    """Check, before the work, that a file could be written.

    Raises
    ------
    AlreadyExists, ParameterError
        As for `checked_target`.
    FileError
        If there is no folder for it, or none that may be written to, or it is a folder itself.
    """
    target = checked_target(path, overwrite=overwrite)
    if not target.parent.is_dir():
        raise FileError(target, f"cannot be written: there is no folder {target.parent}; make it first")
    if target.is_dir():
        raise FileError(target, "cannot be written: it is a folder; give the name of a file")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise FileError(target, f"cannot be written: no permission to write to {target.parent}")
