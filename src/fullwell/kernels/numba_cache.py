"""Numba's cache on disk, made to look at every source that went into a loop.

By itself Numba looks at the file of a function alone. What a loop takes from the other files of this room,
functions that became part of it as well as constants, could change unnoticed, and old code would go on.
"""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self

import numba

__all__ = ["jit", "sources_of", "watch_sources"]

_ROOM = Path(__file__).parent
_IMPORT = re.compile(r"^\s*(?:from|import)\s+fullwell\.kernels\.(\w+)", re.MULTILINE)
_lock = threading.Lock()


def jit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function when it is called first, and keep its code as long as all its sources stay.

    Parameters
    ----------
    **options
        For ``numba.njit``, beyond those that all our loops share: they run without the interpreter's lock,
        are kept on disk, and divide as NumPy does.
    """
    watch_sources()
    return numba.njit(nogil=True, cache=True, error_model="numpy", **options)


def watch_sources() -> None:
    """Have Numba use `_KernelLocator` for the functions of this room from now on; others stay as they are."""
    from numba.core.caching import CompileResultCacheImpl

    with _lock:
        locators = CompileResultCacheImpl._locator_classes
        if _KernelLocator not in locators:
            locators.insert(0, _KernelLocator)


@cache
def sources_of(path: Path) -> str:
    """Digest of a file and of all files beside it that it imports, these import, and so on.

    Parameters
    ----------
    path : Path
        A module of this room.
    """
    found: dict[str, bytes] = {}
    waiting = [path]
    while waiting:
        one = waiting.pop()
        if one.name in found or not one.is_file():
            continue
        found[one.name] = one.read_bytes()
        names = _IMPORT.findall(found[one.name].decode())
        waiting += [one.with_name(f"{name}.py") for name in names]
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(f"{name} {len(found[name])}\n".encode() + found[name])
    return digest.hexdigest()


class _KernelLocator:
    """Where Numba keeps the code of a function: in its usual place, but stamped with all sources."""

    def __init__(self, usual: Any, path: Path) -> None:
        self._usual, self._path = usual, path

    @classmethod
    def from_function(cls, function: Callable[..., Any], path: str) -> Self | None:
        """Return a locator for a function of this room, None for others, as Numba wants it."""
        from numba.core.caching import CompileResultCacheImpl

        if Path(path).parent != _ROOM:
            return None
        others = [one for one in CompileResultCacheImpl._locator_classes if one is not cls]
        found = (one.from_function(function, path) for one in others)
        usual = next((one for one in found if one is not None), None)
        return None if usual is None else cls(usual, Path(path))

    def ensure_cache_path(self) -> None:
        """Make the folder."""
        self._usual.ensure_cache_path()

    def get_cache_path(self) -> str:
        """Return the folder."""
        return self._usual.get_cache_path()

    def get_source_stamp(self) -> str:
        """Return what has to be the same for kept code to be used."""
        return sources_of(self._path)

    def get_disambiguator(self) -> str:
        """Return what tells functions of one name apart."""
        return self._usual.get_disambiguator()
