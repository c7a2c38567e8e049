"""What was made once and may be asked for again, bounded by bytes: the least recently used goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Store"]

_Value = TypeVar("_Value")


class Store(Generic[_Value]):
    """Values by key.

    Parameters
    ----------
    limit : int
        Bytes that may be held. A larger value is made and not kept.
    size_of : callable
        Bytes of a value.
    """

    def __init__(self, limit: int, *, size_of: Callable[[_Value], int]) -> None:
        self._limit, self._size_of = limit, size_of
        self._values: OrderedDict[Hashable, _Value] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()
        self.held = 0

    def get(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        """Return the value of a key, made by whoever asks first; only those who ask for the same wait."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                value = make()
                self._keep(key, value)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def _keep(self, key: Hashable, value: _Value) -> None:
        size = self._size_of(value)
        if size > self._limit:
            return
        with self._lock:
            self._values[key] = value
            self.held += size
            while self.held > self._limit:
                _, old = self._values.popitem(last=False)
                self.held -= self._size_of(old)
