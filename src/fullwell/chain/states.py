"""What is set for one exposure alone, checked before anything is simulated."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable, Mapping
from numbers import Real
from typing import Any

from fullwell import effects as every
from fullwell.effects.base import Effect
from fullwell.errors import ParameterError

__all__ = ["check_state"]


def check_state(state: Mapping[str, Mapping[str, Any]] | None, effects: Iterable[Effect]) -> None:
    """Check that a state names effects, and what can be set of them.

    Parameters
    ----------
    state : mapping or None
        By effect name; effects of fullwell that the chain lacks may be named.
    effects : iterable of Effect
        Of the chain.

    Raises
    ------
    ParameterError
        If an effect or key is unknown, or a value is of the wrong kind or not finite.
    """
    if state is None:
        return
    if not isinstance(state, Mapping):
        raise ParameterError("state", state, "a mapping, such as {'bias': {'level_offset': 1.0}}")
    if not state:
        return
    kinds: list[type[Effect]] = [kind for name in every.__all__ if _is_effect(kind := getattr(every, name))]
    settable = {kind.name: kind.settable for kind in kinds if kind.settable}
    settable |= {effect.name: effect.settable for effect in effects if effect.settable}
    for name, values in state.items():
        if name not in settable:
            raise ParameterError("state", name, _among(name, settable))
        if not isinstance(values, Mapping):
            raise ParameterError(f"state[{name!r}]", values, f"a mapping with {', '.join(settable[name])}")
        for key, value in values.items():
            if key not in settable[name]:
                raise ParameterError(f"state[{name!r}]", key, _among(key, settable[name]))
            _check_value(f"state[{name!r}][{key!r}]", value, settable[name][key])


def _is_effect(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Effect) and kind is not Effect


def _check_value(name: str, value: Any, kind: type) -> None:
    if kind is str:
        if not isinstance(value, str):
            raise ParameterError(name, value, "a word")
    elif isinstance(value, bool) or not (isinstance(value, Real) and math.isfinite(value)):
        raise ParameterError(name, value, "a finite number")


def _among(name: Any, known: Collection[str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    return f"one of {', '.join(sorted(known))}" + (f"; did you mean {near[0]!r}?" if near else "")
