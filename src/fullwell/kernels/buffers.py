"""Room for images that is used again once nobody holds them: fresh memory costs as much as filling it.

The system clears each page before it gives it away, and a frame of 4096 x 4096 pixels has 168 MB. What is
idle here the system may take back at any time, where it knows how.
"""

from __future__ import annotations

import mmap
from collections import deque
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BufferPool", "room"]

LARGE = 2**22  # bytes; what is smaller comes from NumPy
IDLE = 2**29  # bytes that wait to be used again at most


class BufferPool:
    """Memory of images that come and go.

    Parameters
    ----------
    idle : int
        Bytes to hold at most while nobody uses them.

    Notes
    -----
    An array from here is like any other. Its memory comes back when it and all its views are gone, and not
    before, since each of them keeps alive what lends it.
    """

    def __init__(self, idle: int = IDLE) -> None:
        self._idle = idle
        # Without a lock, since memory may come back in the midst of anything; each step of a deque is atomic.
        self._free: deque[mmap.mmap] = deque()

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return an array of values of any kind, as ``numpy.empty`` does."""
        kind = np.dtype(dtype)
        size = int(np.prod(shape)) * kind.itemsize
        if size < LARGE:
            return np.empty(shape, kind)
        array: npt.NDArray[Any] = np.asarray(_Lease(self, self._take(size), size))
        return array.view(kind).reshape(shape)

    @property
    def idle(self) -> int:
        """Bytes that nobody uses."""
        return sum(len(one) for one in tuple(self._free))

    def give_back(self, memory: mmap.mmap) -> None:
        """Take memory back; `empty` gives it away again."""
        while self._free and self.idle + len(memory) > self._idle:
            with suppress(IndexError):
                self._free.popleft()
        if len(memory) <= self._idle:
            _spare(memory)
            self._free.append(memory)

    def _take(self, size: int) -> mmap.mmap:
        for _ in range(len(self._free)):
            try:
                one = self._free.pop()
            except IndexError:
                break
            if len(one) == size:
                return one
            self._free.appendleft(one)
        fresh = _fresh(size)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with suppress(OSError):  # a system without them
                fresh.madvise(mmap.MADV_HUGEPAGE)
        return fresh


class _Lease:
    """What an array holds on to as long as it is used."""

    __slots__ = ("__array_interface__", "_memory", "_pool")

    def __init__(self, pool: BufferPool, memory: mmap.mmap, size: int) -> None:
        self._pool, self._memory = pool, memory
        address = np.frombuffer(memory, np.uint8).ctypes.data
        self.__array_interface__ = {
            "shape": (size,),
            "typestr": "|u1",
            "data": (address, False),
            "version": 3,
        }

    def __del__(self) -> None:
        self._pool.give_back(self._memory)


def _fresh(size: int) -> mmap.mmap:
    """Return memory of this process alone: what Python gives unasked is shared with forked ones."""
    if hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return mmap.mmap(-1, size)


def _spare(memory: mmap.mmap) -> None:
    """Tell the system that nobody needs the content, and that it may have the memory if it is short of it."""
    if hasattr(mmap, "MADV_FREE"):
        with suppress(OSError):
            memory.madvise(mmap.MADV_FREE)


_pool = BufferPool()


def room(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return an array of values of any kind, of memory that was used before if there is some."""
    return _pool.empty(shape, dtype)
