"""Representations that fit in a line or two: what an object holds, without the pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import numpy as np
from astropy.io.fits import Header

__all__ = ["Brief", "brief"]

MOST = 6  # values of a sequence that are written out
LONGEST = 240  # characters; what takes more is named, not shown


class Brief:
    """A short ``repr`` for classes of attrs and dataclasses: images by shape and type, nothing that is empty.

    The class itself is made with ``repr=False``, or its own long one would take the place of this.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        named = [(name, getattr(self, name)) for name in _fields(type(self))]
        shown = ", ".join(f"{name}={brief(value)}" for name, value in named if not _empty(value))
        return f"{type(self).__name__}({shown})"


def brief(value: Any) -> str:
    """Return ``repr(value)``, but arrays by shape and type, and long sequences and mappings cut short.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
    """
    if isinstance(value, np.ndarray) and value.size > MOST:
        return f"<{' x '.join(map(str, value.shape))} {value.dtype}>"
    if isinstance(value, Header):
        return f"<{len(value)} cards>"
    if isinstance(value, Mapping):
        return _mapping(value)
    if type(value) in (tuple, list):
        return _sequence(value)
    text = repr(value.item() if isinstance(value, np.generic) else value)
    if len(text) <= LONGEST:
        return text
    return f"<{type(value).__name__} {getattr(value, 'name', '')}".rstrip() + ">"


def _sequence(values: tuple[Any, ...] | list[Any]) -> str:
    opening, closing = "()" if isinstance(values, tuple) else "[]"
    if len(values) <= MOST:
        inside = ", ".join(map(brief, values))
        return f"{opening}{inside}{',' if opening == '(' and len(values) == 1 else ''}{closing}"
    if isinstance(values[0], int | float | str):
        return f"{opening}{', '.join(map(brief, values[:3]))}, ... {len(values)} in all{closing}"
    return f"<{len(values)} of {type(values[0]).__name__}>"


def _mapping(values: Mapping[Any, Any]) -> str:
    if len(values) <= MOST:
        return "{" + ", ".join(f"{key!r}: {brief(value)}" for key, value in values.items()) + "}"
    return "{" + ", ".join(map(repr, list(values)[:3])) + f", ... {len(values)} in all}}"


def _fields(cls: type) -> Iterable[str]:
    if attrs.has(cls):
        return [field.name for field in attrs.fields(cls) if field.repr and not field.name.startswith("_")]
    return [field.name for field in dataclasses.fields(cls) if field.repr]


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | tuple | Mapping | Header) and len(value) == 0)
