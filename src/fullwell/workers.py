"""Threads that take turns: so many compute at once, and one that waits for the disk lets another go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

__all__ = ["Workers", "waiting"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_own = threading.local()


class Workers(ThreadPoolExecutor):
    """Run tasks in threads, of which `number` compute at once while others wait for the disk.

    Parameters
    ----------
    number : int
        Tasks that may compute at once.
    writing : int
        How many more may be under way, waiting for the disk; each keeps in memory what it writes.
    """

    def __init__(self, number: int, *, writing: int = 2) -> None:
        super().__init__(number + writing, thread_name_prefix="fullwell-worker")
        self._turns = threading.Semaphore(number)

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Call a function when it is its turn."""

        def in_turn() -> _T:
            with self._turns:
                _own.turns = self._turns
                try:
                    return fn(*args, **kwargs)
                finally:
                    _own.turns = None

        return super().submit(in_turn)


@contextmanager
def waiting() -> Iterator[None]:
    """Say that this thread will wait and not compute, so that another of the `Workers` can.

    Behind it the thread waits for its turn again: it must hold no lock that a task takes. In a thread that
    takes no turns nothing happens.
    """
    turns: Any = getattr(_own, "turns", None)
    if turns is None:
        yield
        return
    _own.turns = None
    turns.release()
    try:
        yield
    finally:
        turns.acquire()
        _own.turns = turns
