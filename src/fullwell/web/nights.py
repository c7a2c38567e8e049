"""What ``results.json`` of a reduction says: masters, what they are made of, and which frames used them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from fullwell.web.answers import shown
from fullwell.web.inspecting import Inspector
from fullwell.web.library import Library
from fullwell.web.opening import ASSEMBLED

__all__ = ["Nights", "nights_of"]

_RESULTS = "results.json"
_MOST_BYTES = 64 * 2**20


@attrs.frozen(eq=False)
class Nights:
    """All reductions that lie in the opened folders.

    Parameters
    ----------
    masters : list of dict
        ``id``, ``name``, ``type``, ``made_from``, ``used_by``: frames by id where they are listed, else
        by name.
    related : dict of str to dict
        Id to ``raw`` or ``calibrated``: the id of the same exposure. What is called ``raw`` has the pixels of
        the calibrated frame: a raw frame with scans is trimmed and assembled there.
    """

    masters: list[dict[str, Any]]
    related: dict[str, dict[str, str]]


def nights_of(inspector: Inspector) -> Nights:
    """Read all ``results.json``; what was read is kept until a file or the list of frames changes."""
    library = inspector.library
    files = []
    for _, _, path in library.others(_RESULTS):
        try:
            status = path.stat()
        except OSError:
            continue
        if path.name == _RESULTS and status.st_size <= _MOST_BYTES:
            files.append((path, status.st_mtime_ns, status.st_size))
    key = ("nights", library.generation, tuple(sorted(files)))
    nights: Nights = inspector.numbers.get(
        key, lambda: _read(library, [path for path, _, _ in sorted(files)])
    )
    return nights


def _read(library: Library, paths: list[Path]) -> Nights:
    nights = Nights([], {})
    names = _Names(library)
    for path in paths:
        try:
            data = json.loads(path.read_bytes())
            if isinstance(data, dict) and "fullwell" in data:
                _add(nights, names, path.parent, data)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # somebody else's results.json
    return nights


class _Names:
    """Ids of raw frames by the names that a reduction knows them by: relative to its own folder."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._by_name: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for entry in library.entries():
            if entry.facts.get("kind") == "raw" and not entry.facts.get("extension"):
                self._by_name[entry.shown.rpartition("/")[2]].append((entry.shown, entry.id))

    def raw(self, name: str) -> str | None:
        """Return the id of the only frame whose path ends so."""
        name = shown(name)
        fitting = [
            frame_id
            for path, frame_id in self._by_name.get(name.rpartition("/")[2], ())
            if path == name or path.endswith(f"/{name}") or name.endswith(f"/{path}")
        ]
        return fitting[0] if len(fitting) == 1 else None

    def assembled(self, raw: str) -> str:
        """Return the id of the same frame without scans, pixel by pixel like what is made of it."""
        return self.library.id_of(self.library.entry(raw).path, ASSEMBLED) or raw

    def product(self, folder: Path, path: str) -> str | None:
        """Return the id of a file that a reduction wrote."""
        return self.library.id_of(folder / path)


def _add(nights: Nights, names: _Names, folder: Path, data: dict[str, Any]) -> None:
    users = _users(names, folder, data)
    for master in data["masters"]:
        nights.masters.append(
            {
                "id": names.product(folder, str(master["path"])),
                "name": shown(master["name"]),
                "type": master["kind"],
                "made_from": [names.raw(str(name)) or shown(name) for name in master.get("inputs", ())],
                "used_by": users.get(master["name"], []),
            }
        )
    for frame in data["calibrated"]:
        raw, calibrated = names.raw(str(frame["raw"])), names.product(folder, str(frame["path"]))
        if raw is not None and calibrated is not None:
            aligned = names.assembled(raw)
            nights.related.update({one: {"calibrated": calibrated} for one in (raw, aligned)})
            nights.related[calibrated] = {"raw": aligned}


def _users(names: _Names, folder: Path, data: dict[str, Any]) -> dict[str, list[str]]:
    users: dict[str, list[str]] = defaultdict(list)
    for product in _products(data):
        label = names.product(folder, str(product["path"])) or shown(product["path"])
        for kind in ("bias", "dark", "flat"):
            if product.get(kind):
                users[str(product[kind])].append(label)
    return users


def _products(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from data["masters"]
    yield from data["calibrated"]
