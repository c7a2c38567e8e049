"""The one pool of threads in which compiled loops run, block by block.

Kernels release the interpreter's lock and never start threads of their own: two parallel regions of Numba at
once abort on its default threading layer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

__all__ = ["default_workers", "over_blocks"]

_Block = TypeVar("_Block")
_Result = TypeVar("_Result")

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_inside = threading.local()


def default_workers() -> int:
    """Threads that this process may use at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def over_blocks(
    function: Callable[[_Block], _Result], blocks: Iterable[_Block], *, workers: int | None = None
) -> list[_Result]:
    """Call a function that releases the interpreter's lock for each block; results in the order of blocks.

    Parameters
    ----------
    function : callable
        Called from several threads at once.
    blocks : iterable
        One argument each.
    workers : int, optional
        Blocks at once; as many as there are cores if not given. From within the pool blocks are done one
        after the other, since waiting there for a free thread could last for ever.

    Raises
    ------
    Exception
        Whatever `function` raises first in the order of the threads' shares, once all threads are done.
    """
    work = list(blocks)
    limit = min(workers or default_workers(), len(work))
    if limit <= 1 or getattr(_inside, "pool", False):
        return [function(block) for block in work]
    shares = [work[start::limit] for start in range(limit)]

    def run(share: list[_Block]) -> list[_Result]:
        _inside.pool = True
        try:
            return [function(block) for block in share]
        finally:
            _inside.pool = False

    futures = [_executor().submit(run, share) for share in shares]
    wait(futures)  # what one share raises must not free memory that another still works in
    done = [future.result() for future in futures]
    return [done[i % limit][i // limit] for i in range(len(work))]


def _executor() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(max(default_workers(), 2), thread_name_prefix="fullwell-kernel")
        return _pool
