"""Linear algebra of small matrices on one thread."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np

__all__ = ["one_thread"]

_NAMES = ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads")
_lock = threading.Lock()
_inside: list[int] = []  # what to restore, once for each that is inside


@contextmanager
def one_thread() -> Iterator[None]:
    """Let NumPy's OpenBLAS use one thread inside; where NumPy comes with another library nothing happens.

    Matrices of a few hundred rows are done before a second thread has begun, and threads that wait for each
    other then take many times as long, the more so on a machine that is busy. The limit is that of the whole
    process: it ends when the last of those that are inside leaves.
    """
    found = _threads()
    if found is None:
        yield
        return
    get, set_ = found
    with _lock:
        _inside.append(_inside[0] if _inside else get())
        set_(1)
    try:
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside:
                set_(before)


@lru_cache(maxsize=1)
def _threads() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """How many threads the OpenBLAS has that NumPy brought along, and how to say so."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("*openblas*")):
            try:
                library = ctypes.CDLL(str(path))  # loaded already: the same one
            except OSError:
                continue
            for name in _NAMES:
                get, set_ = (getattr(library, name.format(verb), None) for verb in ("get", "set"))
                if get is not None and set_ is not None:
                    return get, set_
    return None
