"""What makes short commands short: half of their time would go into starting, and into cleaning up."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["start_numba", "uncollected", "without_linear_algebra"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave cycles of objects alone, for a command that ends soon after.

    Imports make a million objects that stay; the collector would look through them a dozen times on the way,
    and once more at the end of the process, which together takes a quarter of a second.
    """
    was_on = gc.isenabled()
    gc.disable()
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)  # what is frozen is not looked at when the interpreter goes
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def start_numba() -> None:
    """Import Numba without SciPy's linear algebra.

    Numba looks for it when it compiles or loads its first loop, which takes 0.1 s; no loop of ours needs it.
    """
    if "numba" in sys.modules or "scipy.linalg" in sys.modules:
        return
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]  # an import of it fails, and Numba goes on
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules["scipy.linalg"]


def without_linear_algebra() -> None:
    """Have NumPy start no threads for its linear algebra, for a command that has no use for them.

    They are started when NumPy is imported, and wait for work in a loop for a while.
    """
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
