"""The output folder of a reduction: one run at a time, and nothing in it that is not known to be ours."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fullwell.errors import AlreadyExists, FileError
from fullwell.files import LEFT_OVER, write_whole

__all__ = ["FOLDERS", "OutputFolder"]

FOLDERS = ("masters", "calibrated")


class OutputFolder:
    """Where a reduction writes.

    Parameters
    ----------
    path : Path
        The folder; made when it is claimed.
    overwrite : bool
        Whether files of other origin may be there, and be replaced.

    Notes
    -----
    ``.fullwell/`` in it remembers what tasks did and, in ``outputs.json``, which files fullwell wrote: these
    may be replaced, and removed when nothing in the raw folder asks for them any more. Others are left alone.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path, self.overwrite = path, overwrite
        self.memory = path / ".fullwell"
        self._manifest = self.memory / "outputs.json"

    def check(self) -> None:
        """Refuse a folder that is not ours.

        Raises
        ------
        AlreadyExists
            If it is a file, or holds files of other origin.
        """
        if self.path.exists() and not self.path.is_dir():
            raise AlreadyExists(f"{self.path} is a file; choose another folder", overwriting_helps=False)
        foreign = self.path.is_dir() and not self.memory.is_dir() and any(self.path.iterdir())
        if foreign and not self.overwrite:
            raise AlreadyExists(
                f"{self.path} holds files that fullwell did not write; "
                "choose another folder or allow overwriting"
            )

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Take the folder for this run; remove what a killed run left half-written.

        Raises
        ------
        AlreadyExists
            If it is not ours, or another run is at work in it.
        FileError
            If it cannot be made.
        """
        self.check()
        made = not self.path.exists()
        handle = self._lock()
        try:
            for folder in (self.path, self.memory, self.path / "masters"):
                _remove(folder.glob(LEFT_OVER))
            _remove((self.path / "calibrated").rglob(LEFT_OVER))
            yield
        finally:
            if made and not self._manifest.exists():
                self._unmake()
            os.close(handle)

    def expect(self, outputs: Iterable[str]) -> None:
        """Note what will be written before anything is.

        Raises
        ------
        AlreadyExists
            If a file of that name is there that fullwell did not write.
        FileError
            If the note cannot be written.
        """
        known, wanted = self._known(), set(outputs)
        foreign = sorted(name for name in wanted - known if os.path.lexists(self.path / name))
        if foreign and not self.overwrite:
            raise AlreadyExists(
                f"{self.path / foreign[0]} exists and was not written by fullwell"
                + (f" ({len(foreign) - 1} more like it)" if len(foreign) > 1 else "")
                + "; move it away or allow overwriting"
            )
        self._note(known | wanted)

    def tidy(self, outputs: Iterable[str]) -> list[str]:
        """Remove what fullwell wrote earlier and nothing asks for any more; return its names.

        Parameters
        ----------
        outputs : iterable of str
            What is right and stays, relative to the folder.
        """
        kept = set(outputs)
        removed = []
        for name in sorted(self._known() - kept):
            path = self.path / name
            if path.is_file() or path.is_symlink():
                path.unlink()
                removed.append(name)
            for parent in path.parents:
                if parent in (self.path, self.path / "masters", self.path / "calibrated"):
                    break
                with suppress(OSError):
                    parent.rmdir()
        self._note(kept)
        return removed

    def forget(self, tasks: Iterable[str]) -> None:
        """Drop the memory of all tasks but these, and but what frames look like."""
        kept = {f"{task}.json" for task in tasks} | {self._manifest.name}
        for note in self.memory.glob("*.json"):
            if note.name not in kept and not note.name.startswith("look-"):
                note.unlink(missing_ok=True)

    def _lock(self) -> int:
        lock = self.memory / "lock"
        try:
            self.memory.mkdir(parents=True, exist_ok=True)
            (self.path / "masters").mkdir(exist_ok=True)
            handle = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise FileError(self.path, f"cannot be written to: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Somebody who failed may have removed the file between our opening and locking it.
            free = _same_file(handle, lock)
        except OSError:
            free = False
        if not free:
            os.close(handle)
            raise AlreadyExists(
                f"another reduction is at work in {self.path}; wait for it to end", overwriting_helps=False
            )
        return handle

    def _unmake(self) -> None:
        """Leave no empty folder behind where nothing came of it."""
        for note in self.memory.glob("*"):
            note.unlink(missing_ok=True)
        for folder in (self.memory, *(self.path / name for name in FOLDERS), self.path):
            with suppress(OSError):
                folder.rmdir()

    def _known(self) -> set[str]:
        try:
            return {str(name) for name in json.loads(self._manifest.read_text())}
        except (OSError, ValueError, TypeError):
            return set()

    def _note(self, names: set[str]) -> None:
        if names != self._known() or not self._manifest.exists():
            write_whole(self._manifest, json.dumps(sorted(names), indent=1).encode())


def _same_file(handle: int, path: Path) -> bool:
    ours, there = os.fstat(handle), path.stat()
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        path.unlink(missing_ok=True)
