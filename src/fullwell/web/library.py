"""The frames under the opened folders, found and looked at in the background.

A frame is known by an opaque name that stays the same for one path and extension; nothing that a browser
sends is ever used as a path.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FullwellError, UnreadableFile
from fullwell.sorting import Found, Patterns, classify, find
from fullwell.web.answers import Refusal, refused, shown
from fullwell.web.opening import ASSEMBLED, MAIN, OpenFile, OpenFrame, open_file
from fullwell.web.store import Store

__all__ = ["Entry", "Library", "Root"]

_DECODED_BYTES = 160 * 2**20
_OPEN_FRAMES = 400
#: Seconds after which a listing looks at the folders again.
_FRESH = 2.0
_UNSEEN, _GONE, _OUTSIDE = (-1, -1, -1), (0, 0, 0), (-2, -2, -2)
_MASTERS = frozenset({"bias", "dark", "flat", "defects"})


@attrs.frozen
class Root:
    """What was opened: a folder or one file.

    Parameters
    ----------
    path : Path
        Absolute, links followed.
    name : str
    path_shown : str
        As the user gave it.
    """

    path: Path
    name: str
    path_shown: str


@attrs.frozen(eq=False)
class Entry:
    """One frame of the list.

    Parameters
    ----------
    id : str
    path : Path
    part : str
        Which of the frames in the file.
    root : Root
    name : str
        Relative to the root.
    state : tuple
        Size, time of change and inode when it was looked at.
    facts : dict
        What is known of it; empty until its header was read.
    """

    id: str
    path: Path
    part: str
    root: Root
    name: str
    state: tuple[int, int, int]
    facts: dict[str, Any] = attrs.field(factory=dict)

    @property
    def shown(self) -> str:
        """The name as text that can be shown."""
        return shown(self.name)


class Library:
    """All frames under some folders.

    Parameters
    ----------
    paths : sequence of Path
        Folders and files.

    Raises
    ------
    UnreadableFile
        If one of them is not there.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.roots = tuple(_root(path) for path in paths)
        self.decoded: Store[npt.NDArray[Any]] = Store(_DECODED_BYTES, size_of=lambda array: array.nbytes)
        self._open: Store[OpenFile] = Store(_OPEN_FRAMES, size_of=lambda file: max(1, len(file.frames)))
        self._lock = threading.Lock()
        self._files: dict[Path, list[Entry]] = {}
        self._order: list[Path] = []
        self._ids: dict[str, Entry] = {}
        self._others: dict[str, tuple[Root, Path]] = {}
        self._given: dict[str, Callable[[], OpenFrame]] = {}
        #: Sentences about what was left out, for people.
        self.remarks: list[str] = []
        self.generation = 0
        self._scanner: threading.Thread | None = None
        self._closing = threading.Event()
        self._finished = -np.inf

    def refresh(self) -> None:
        """Look at the folders again in the background, unless that is going on or was done just now."""
        with self._lock:
            if self.scanning or time.monotonic() - self._finished < _FRESH:
                return
            self._scanner = threading.Thread(target=self._scan, name="fullwell-scan", daemon=True)
            self._scanner.start()

    @property
    def scanning(self) -> bool:
        """Whether folders are being looked at."""
        return self._scanner is not None and self._scanner.is_alive()

    def wait(self) -> None:
        """Wait until everything has been looked at."""
        scanner = self._scanner
        if scanner is not None:
            scanner.join()

    def close(self) -> None:
        """Stop looking."""
        self._closing.set()
        self.wait()

    def entries(self) -> list[Entry]:
        """Return what is known now, in natural order, without views that only differ in layout."""
        with self._lock:
            return [
                entry
                for path in self._order
                for entry in self._files.get(path, ())
                if entry.part != ASSEMBLED
            ]

    def entry(self, frame_id: str) -> Entry:
        """Return one entry.

        Raises
        ------
        Refusal
            If there is none of that id.
        """
        with self._lock:
            entry = self._ids.get(frame_id)
        if entry is None:
            raise Refusal("not-found", f"There is no frame {frame_id[:40]!r}.")
        return entry

    def give(self, frame_id: str, opened: Callable[[], OpenFrame]) -> None:
        """Add a frame that does not lie in a file, such as that of a display."""
        with self._lock:
            self._given[frame_id] = opened

    def is_given(self, frame_id: str) -> bool:
        """Whether a frame lies in memory and not in a file."""
        return frame_id in self._given

    def open(self, frame_id: str) -> OpenFrame:
        """Return a frame as it is on disk now.

        Raises
        ------
        Refusal
            If it is not known, or not there any more.
        FileError
            If it cannot be read.
        """
        given = self._given.get(frame_id)
        if given is not None:
            return given()
        entry = self.entry(frame_id)
        self._check_inside(entry.path)
        try:
            status = entry.path.stat()
        except (OSError, ValueError):
            raise Refusal("gone", f"{shown(entry.path.name)} is no longer there.") from None
        opened = self._opened(entry.path, status)
        if opened.key[1:] != _state(status):
            raise Refusal("changed", f"{shown(entry.path.name)} is being written; try again.")
        if entry.part not in opened.frames:
            raise Refusal("gone", f"{shown(entry.path.name)} does not hold this image any more.")
        return opened.frames[entry.part]

    def _opened(self, path: Path, status: os.stat_result) -> OpenFile:
        return self._open.get((path, *_state(status)), lambda: open_file(path, self.decoded))

    def other(self, name: str) -> tuple[Root, Path]:
        """Return a file that is no frame, by its id.

        Raises
        ------
        Refusal
            If there is none.
        """
        with self._lock:
            found = self._others.get(name)
        if found is None:
            raise Refusal("not-found", f"There is no file {name[:40]!r}.")
        self._check_inside(found[1])
        return found

    def others(self, ending: str) -> list[tuple[str, Root, Path]]:
        """Return id, root and path of the files that are no frames and end so."""
        with self._lock:
            return [
                (key, root, path)
                for key, (root, path) in self._others.items()
                if path.name.lower().endswith(ending)
            ]

    def id_of(self, path: Path, part: str = MAIN) -> str | None:
        """Return the id of a frame, if there is one."""
        name = _id(path, part)
        with self._lock:
            return name if name in self._ids else None

    def _check_inside(self, path: Path) -> None:
        if not self._inside(path):
            raise Refusal("gone", f"{shown(path.name)} is a link out of the opened folders.")

    def _inside(self, path: Path) -> bool:
        real = Path(os.path.realpath(path))
        return any(real == root.path or root.path in real.parents for root in self.roots)

    def _scan(self) -> None:
        try:
            found = self._find()
            self._publish(found)
            for root, path in found:
                if self._closing.is_set():
                    return
                self._look(root, path)
        finally:
            self._finished = time.monotonic()

    def _find(self) -> list[tuple[Root, Path]]:
        found: dict[Path, Root] = {}
        others: dict[str, tuple[Root, Path]] = {}
        remarks: list[str] = []
        for root in self.roots:
            if not root.path.is_dir():
                found.setdefault(root.path, root)
                continue
            try:
                inside = find(root.path)
            except FullwellError:  # gone since it was opened; the list says so by being empty
                continue
            for path in inside.files:
                found.setdefault(path, root)
            remarks += self._left_out(root, inside)
            for name in inside.ignored:
                path = root.path / name
                if path.suffix.lower() in (".html", ".json") and path.is_file() and self._inside(path):
                    others.setdefault(_id(path, "file"), (root, path))
        with self._lock:
            self._others = others
            self.generation += remarks != self.remarks
            self.remarks = remarks
        return [(root, path) for path, root in found.items()]

    def _left_out(self, root: Root, inside: Found) -> list[str]:
        """Say what else may lie in a folder."""
        advice = "which is not followed; open that folder as well to see what is in it"
        links = [name for name in inside.links if not self._inside(root.path / name)]
        why = [(name, f"a link to a folder elsewhere, {advice}") for name in links]
        return [f"{root.name}/{shown(name)} is {shown(what)}." for name, what in (*why, *inside.unreadable)]

    def _publish(self, found: Iterable[tuple[Root, Path]]) -> None:
        """List all files at once, those that were not looked at yet with their names alone."""
        found = list(found)
        with self._lock:
            known, self._order = self._files, [path for _, path in found]
            self._files = {
                path: known.get(path)
                or [Entry(_id(path, MAIN), path, MAIN, root, _name(root, path), _UNSEEN)]
                for root, path in found
            }
            self._ids = {entry.id: entry for entries in self._files.values() for entry in entries}
            self.generation += set(known) != set(self._files)

    def _look(self, root: Root, path: Path) -> None:
        name = _name(root, path)
        state = _GONE
        try:
            if not self._inside(path):  # nothing is asked about what it leads to, not even its size
                state = _OUTSIDE
                if self._files[path][0].state == state:
                    return
                self._check_inside(path)
            status = path.stat()
            state = _state(status)
            if self._files[path][0].state == state:
                return
            frames = self._opened(path, status).frames
            entries = [
                Entry(
                    _id(path, part), path, part, root, name, state, _facts(name, frame) | {"bytes": state[0]}
                )
                for part, frame in frames.items()
            ]
        except Exception as error:  # one bad file must not stop the others, whatever it does to the reader
            facts = {"kind": "other", "problem": refused(error).sentence, "bytes": max(state[0], 0)}
            entries = [Entry(_id(path, MAIN), path, MAIN, root, name, state, facts)]
        with self._lock:
            for old in self._files.get(path, ()):
                self._ids.pop(old.id, None)
            self._files[path] = entries
            self._ids |= {entry.id: entry for entry in entries}
            self.generation += 1


def _facts(name: str, frame: OpenFrame) -> dict[str, Any]:
    known = frame.metadata
    decision = classify(name, known, patterns=Patterns())
    return {
        "extension": frame.extension or None,
        "kind": _kind(frame, known_type=decision.type),
        "type": decision.type or frame.cards.get("PRODUCT"),
        "filter": known.filter.value,
        "exposure_time": known.exposure_time.value,
        "temperature": known.temperature.value,
        "date": known.start_iso or known.mid_iso,
        "shape": frame.shape,
        "dtype": str(frame.data.dtype),
        "unit": frame.unit,
        "problem": frame.problem,
    }


def _kind(frame: OpenFrame, *, known_type: str | None) -> str:
    product = str(frame.cards.get("PRODUCT", "")).strip().casefold()
    if product == "truth":
        return "truth"
    if product and frame.extension:
        return "part"
    if product:
        return "calibrated" if product == "calibrated" else "master" if product in _MASTERS else "product"
    if frame.cards.get("NCOMBINE", 1) not in (0, 1):
        return "master"
    if frame.metadata.already_calibrated.value and frame.variance is not None:
        return "calibrated"
    return "raw" if known_type is not None or frame.data.dtype.kind in "iu" else "other"


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _root(path: Path) -> Root:
    if not path.exists():
        raise UnreadableFile(path, "does not exist")
    real = Path(os.path.realpath(path))
    return Root(real, shown(real.name or real), shown(path))


def _name(root: Root, path: Path) -> str:
    return path.name if path == root.path else path.relative_to(root.path).as_posix()


def _id(path: Path, part: str) -> str:
    digest = hashlib.blake2b(os.fsencode(path) + b"\0" + part.encode(), digest_size=12).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii")
