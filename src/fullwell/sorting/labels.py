"""Short names of groups that are safe in file names and tell groups apart."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable

from fullwell.sorting.groups import Configuration, Group, temperature_label

__all__ = ["configuration_labels", "labels"]

#: Letters of a camera or filter that make it into a file name.
_LONGEST = 40


def labels(groups: Iterable[Group]) -> dict[Group, str]:
    """Name groups, such as ``'1x1-m5C'`` (bias), ``'60s-1x1-m5C'`` (dark), ``'V-1x1-m5C'`` (flat, science).

    Parameters
    ----------
    groups : iterable of Group

    Returns
    -------
    dict of Group to str
        Unique among groups of one type, and the same whatever the order of groups and files.
    """
    groups = list(groups)
    of_type: dict[str, set[Configuration]] = defaultdict(set)
    for group in groups:
        of_type[group.type].add(group.configuration)
    settings = {kind: configuration_labels(configurations) for kind, configurations in of_type.items()}
    names = {
        group: "-".join(filter(None, (_head(group), settings[group.type][group.configuration])))
        for group in groups
    }
    same: dict[tuple[str, str], list[Group]] = defaultdict(list)
    for group, name in names.items():
        same[group.type, name.casefold()].append(group)
    for members in same.values():
        if len(members) > 1:  # filters such as "g'" and "g" lose what distinguishes them
            names |= {
                g: f"{names[g]}-{_digest((g.filter, g.exposure_time, g.configuration))}" for g in members
            }
    return names


def configuration_labels(configurations: Iterable[Configuration]) -> dict[Configuration, str]:
    """Name configurations: binning and temperature, and of the rest only what distinguishes them.

    Parameters
    ----------
    configurations : iterable of Configuration

    Returns
    -------
    dict of Configuration to str
        Unique, letters, digits and ``- . _`` only, the same whatever the order.
    """
    known = sorted(set(configurations), key=repr)
    parts = {configuration: [configuration.label()] for configuration in known}
    if len({configuration.camera for configuration in known}) > 1:
        for configuration in known:
            parts[configuration].insert(0, _camera(configuration))
    for detail in _DETAILS:
        for members in _ambiguous(parts):
            details = {configuration: detail(configuration) for configuration in members}
            if len(set(details.values())) > 1:
                for configuration, text in details.items():
                    parts[configuration].append(text)
    for members in _ambiguous(parts):
        for configuration in members:
            parts[configuration].append(_digest(configuration))
    return {configuration: "-".join(filter(None, words)) for configuration, words in parts.items()}


def _head(group: Group) -> str:
    if group.type == "dark":
        return "" if group.exposure_time is None else f"{group.exposure_time:.6g}s"
    return _slug(group.filter or "")


def _ambiguous(parts: dict[Configuration, list[str]]) -> list[list[Configuration]]:
    same: dict[str, list[Configuration]] = defaultdict(list)
    for configuration, words in parts.items():
        same["-".join(filter(None, words)).casefold()].append(configuration)
    return [members for members in same.values() if len(members) > 1]


def _shape(configuration: Configuration) -> str:
    return "{1}x{0}px".format(*configuration.shape)


def _camera(configuration: Configuration) -> str:
    words = _slug(configuration.camera or "unnamed").split("_")
    telling = [word for word in words if word.casefold() not in ("ccd", "cmos", "camera")]
    return "_".join(telling or words)


def _setting(value: object, word: str) -> str:
    if isinstance(value, float):
        value = f"{value:.4g}"
    return f"{word}{_slug(str(value))}" if value is not None else f"{word}-unknown"


_DETAILS: tuple[Callable[[Configuration], str], ...] = (
    lambda c: _shape(c),
    lambda c: "at{}_{}".format(*c.window) if c.window else "window-unknown",
    lambda c: _slug(c.readout_mode or "mode-unknown"),
    lambda c: _setting(c.gain, "gain"),
    lambda c: _setting(c.offset, "offset"),
    lambda c: temperature_label(c.temperature, digits=1),
    lambda c: c.night or "undated",
)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "_", text).strip("_.")[:_LONGEST].rstrip("_.")


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:6]
