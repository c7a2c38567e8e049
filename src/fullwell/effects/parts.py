"""Any effect as plain parts, a tree for JSON and arrays for FITS, and back again to the last bit."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.errors import FrameError, ParameterError

__all__ = ["Arrays", "put_together", "take_apart"]

Arrays = dict[str, npt.NDArray[Any]]
_PLAIN = (str, bool, int, type(None))
#: Only classes of this package are made from files: a file must not choose what is called.
_HOME = "fullwell."


def take_apart(value: Any) -> tuple[Any, Arrays]:
    """Return a tree that JSON can hold, and the arrays it refers to by name.

    Parameters
    ----------
    value : effect, or anything that effects are made of
        attrs classes of this package, numbers, strings, units, arrays, enumerations, sequences and mappings
        of those.

    Raises
    ------
    ParameterError
        If something else is in there.
    """
    arrays: Arrays = {}
    return _apart(value, arrays), arrays


def _apart(value: Any, arrays: Arrays) -> Any:
    if isinstance(value, Enum):
        return {"enum": _path(type(value)), "name": value.name}
    if isinstance(value, np.generic):
        return {"scalar": _apart(value.item(), arrays), "dtype": value.dtype.name}
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, np.ndarray):
        name = f"ARRAY{len(arrays) + 1}"
        arrays[name] = value
        return {"array": name, "dtype": value.dtype.name, "shape": list(value.shape)}
    if isinstance(value, u.UnitBase):
        return {"unit": value.to_string()}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_apart(part, arrays) for part in value]}
    if isinstance(value, Mapping):
        return {"map": [[_apart(key, arrays), _apart(part, arrays)] for key, part in value.items()]}
    if attrs.has(type(value)) and _path(type(value)).startswith(_HOME):
        fields = (field for field in attrs.fields(type(value)) if field.init)
        parts = {field.alias: _apart(getattr(value, field.name), arrays) for field in fields}
        return {"class": _path(type(value)), "parts": parts}
    raise ParameterError(
        "part of an effect", type(value).__name__, "numbers, arrays, units, or attrs classes"
    )


def put_together(tree: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Undo `take_apart`.

    Raises
    ------
    FrameError
        If the tree asks for what is not there, or for a class that is none of this package.
    """
    if not isinstance(tree, dict):
        return tree
    match tree:
        case {"enum": path, "name": name}:
            return _class(path)[name]
        case {"float": text}:
            return float(text)
        case {"scalar": value, "dtype": dtype}:
            return np.dtype(dtype).type(put_together(value, arrays))
        case {"array": name, "dtype": dtype, "shape": shape}:
            if name not in arrays:
                raise FrameError(f"the file refers to {name}, which it does not hold")
            return np.asarray(arrays[name]).astype(dtype).reshape(shape)
        case {"unit": text}:
            return u.Unit(text)
        case {"tuple": parts}:
            return tuple(put_together(part, arrays) for part in parts)
        case {"list": parts}:
            return [put_together(part, arrays) for part in parts]
        case {"map": pairs}:
            return {put_together(key, arrays): put_together(part, arrays) for key, part in pairs}
        case {"class": path, "parts": parts}:
            return _class(path)(**{name: put_together(part, arrays) for name, part in parts.items()})
    raise FrameError(f"no part of an effect: {sorted(tree)}")


def _path(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _class(path: str) -> Any:
    module, _, name = path.partition(":")
    if not module.startswith(_HOME) or not name.isidentifier():
        raise FrameError(f"{path} is no class of fullwell; files may only hold those")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise FrameError(f"{path} is unknown to this version of fullwell") from error
    if not (isinstance(found, type) and (attrs.has(found) or issubclass(found, Enum))):
        raise FrameError(f"{path} is not what effects are made of")
    return found
