"""Find the files of a night: what looks like FITS, in natural order, and what does not."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import attrs

from fullwell.errors import UnreadableFile
from fullwell.sorting.names import natural_key

__all__ = ["FITS_SUFFIXES", "Found", "find"]

#: Endings of FITS files, whatever their case.
FITS_SUFFIXES = tuple(
    plain + packed for plain in (".fits", ".fit", ".fts") for packed in ("", ".gz", ".fz", ".bz2", ".z")
)


@attrs.frozen
class Found:
    """What lies in a folder.

    Parameters
    ----------
    folder : Path
    files : tuple of Path
        What looks like FITS by its name, in natural order.
    ignored : tuple of str
        Other files, and links to folders, relative to `folder`.
    unreadable : tuple of (str, str)
        Folders that could not be looked into, relative to `folder`, with the reason.
    links : tuple of str
        Links to folders, which are not followed, relative to `folder`.
    """

    folder: Path
    files: tuple[Path, ...]
    ignored: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()

    def name_of(self, path: Path) -> str:
        """Return the path relative to the folder, with ``/``."""
        return path.relative_to(self.folder).as_posix()


def find(
    folder: Path | str,
    *,
    patterns: Iterable[str] = FITS_SUFFIXES,
    exclude: Iterable[Path | str] = (),
    recursive: bool = True,
) -> Found:
    """Find FITS files by their names; nothing is opened.

    Parameters
    ----------
    folder : path
    patterns : iterable of str
        Endings of file names, in lower case, that count as FITS; the case of the names does not matter.
    exclude : iterable of path
        Files and folders to leave out, such as the output folder.
    recursive : bool
        Whether to look into folders within.

    Returns
    -------
    Found
        Hidden files and folders are left out. A folder whose name ends like a FITS file is among the
        files, so that whoever opens it can say that it is none; links to folders are not followed.

    Raises
    ------
    UnreadableFile
        If `folder` is no folder or may not be read.
    """
    top, endings = Path(folder), tuple(patterns)
    if not top.is_dir():
        raise UnreadableFile(top, "is a file, not a folder" if top.exists() else "there is no such folder")
    left_out = {Path(path).resolve() for path in exclude}
    files: list[Path] = []
    ignored: list[str] = []
    linked: list[str] = []
    unreadable: list[tuple[str, str]] = []

    def troubled(error: OSError) -> None:
        where = Path(error.filename)
        if where == top:
            raise UnreadableFile(top, f"cannot be read ({error.strerror})") from error
        name = f"{where.relative_to(top).as_posix()}/"
        unreadable.append((name, f"a folder that cannot be read ({error.strerror})"))

    for here, folders, names in os.walk(top, onerror=troubled):
        inside = [name for name in folders if _is_wanted(Path(here, name), left_out)]
        looks_like_file = [name for name in inside if name.lower().endswith(endings)]
        links = [name for name in inside if Path(here, name).is_symlink() and name not in looks_like_file]
        linked += [Path(here, name).relative_to(top).as_posix() for name in links]
        folders[:] = [name for name in inside if recursive and name not in looks_like_file]
        for name in (*names, *looks_like_file):
            path = Path(here, name)
            if not _is_wanted(path, left_out):
                continue
            if name.lower().endswith(endings):
                files.append(path)
            else:
                ignored.append(path.relative_to(top).as_posix())
    files.sort(key=lambda path: natural_key(path.relative_to(top).as_posix()))
    unreadable.sort(key=lambda pair: natural_key(pair[0]))
    linked.sort(key=natural_key)
    ignored += [f"{name}/ (a link to a folder)" for name in linked]
    ignored.sort(key=natural_key)
    return Found(top, tuple(files), tuple(ignored), tuple(unreadable), tuple(linked))


def _is_wanted(path: Path, left_out: set[Path]) -> bool:
    return not path.name.startswith(".") and (not left_out or Path(os.path.realpath(path)) not in left_out)
