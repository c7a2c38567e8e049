"""Linear algebra of small matrices on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the linear algebra use one thread inside.

    Matrices of a few hundred rows are done before a second thread has begun, and threads that wait for each
    other then take many times as long, the more so on a machine that is busy. The limit is that of the whole
    process, and ends with the thread of Python that came first.
    """
    from threadpoolctl import ThreadpoolController

    with ThreadpoolController().limit(limits=1, user_api="blas"):
        yield
