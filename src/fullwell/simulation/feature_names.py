"""Features of a flat by the name of their class, as scenario files name them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

import attrs

from fullwell import features
from fullwell.detector import Detector
from fullwell.features import ActsOn, Feature

__all__ = ["check_feature", "make_feature", "passes"]

_CLASSES: dict[str, Any] = {
    name: getattr(features, name)
    for name in features.__all__
    if isinstance(getattr(features, name), type)
    and issubclass(getattr(features, name), Feature)
    and not inspect.isabstract(getattr(features, name))
}


def check_feature(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry ``{"name": class, parameter: value, ...}`` as it is.

    Raises
    ------
    ValueError
        If there is no such feature, or no such parameter (with the nearest one), or a value is impossible.
    """
    _made(entry, {})
    return entry


def make_feature(entry: Mapping[str, Any], *, seed: int, detector: Detector, exposure: int = 0) -> Feature:
    """Return the feature of an entry; what it does not say of seed, pixel size and exposure is filled in."""
    known = {"seed": seed, "exposure": exposure}
    if detector.pixel_size is not None:
        known["pixel_size"] = detector.pixel_size  # type: ignore[assignment]
    return _made(entry, known)


def passes(entry: Mapping[str, Any]) -> bool:
    """Return whether a feature is another one in each exposure."""
    return ActsOn.TIME in _CLASSES[entry["name"]].acts_on


def _made(entry: Mapping[str, Any], known: Mapping[str, Any]) -> Feature:
    name = entry.get("name")
    if name not in _CLASSES:
        raise ValueError(f"no feature {name!r}{_hint(str(name), list(_CLASSES))}")
    cls = _CLASSES[str(name)]
    parameters = [field.alias for field in attrs.fields(cls) if field.init]
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in entry.items() if key != "name"}
    for key in given:
        if key not in parameters:
            raise ValueError(f"{name} has no parameter {key!r}{_hint(key, parameters)}")
    made = cls(**({key: value for key, value in known.items() if key in parameters} | given))
    assert isinstance(made, Feature)
    return made


def _hint(word: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f", did you mean '{nearest[0]}'?" if nearest else f"; known: {', '.join(sorted(known))}"
