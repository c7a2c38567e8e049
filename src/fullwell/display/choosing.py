"""Which kind of display: what is asked for, the environment, a notebook's own, or pictures."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from fullwell.display.backend import DisplayBackend
from fullwell.errors import DisplayError, ParameterError

__all__ = ["BUILT_IN", "GROUP", "backend_class", "backend_names", "default_backend"]

#: Where each kind of display lives; loaded when it is asked for.
BUILT_IN: Mapping[str, str] = {
    "ds9": "fullwell.display.ds9:Ds9Backend",
    "firefly": "fullwell.display.firefly:FireflyBackend",
    "matplotlib": "fullwell.display.pictures:MatplotlibBackend",
    "virtual": "fullwell.display.virtual:VirtualBackend",
    "web": "fullwell.display.inspector:WebBackend",
    "widget": "fullwell.display.widget:WidgetBackend",
}
GROUP = "fullwell.display"
VARIABLE = "FULLWELL_DISPLAY"


def default_backend(environment: Mapping[str, str] | None = None) -> str:
    """Name of the kind that is used if none is asked for.

    Parameters
    ----------
    environment : mapping, optional
        That of the process if not given.
    """
    asked = (os.environ if environment is None else environment).get(VARIABLE, "").strip()
    if asked:
        return asked
    return "widget" if _in_notebook() and find_spec("anywidget") is not None else "matplotlib"


def _in_notebook() -> bool:
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and "ipykernel" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


def backend_names(others: Iterable[EntryPoint] | None = None) -> list[str]:
    """Names of all kinds that are known; none of them is loaded."""
    others = entry_points(group=GROUP) if others is None else others
    return sorted({*BUILT_IN, *(other.name for other in others)})


def backend_class(name: str, *, others: Iterable[EntryPoint] | None = None) -> type[DisplayBackend]:
    """Load a kind of display.

    Parameters
    ----------
    name : str
    others : iterable of EntryPoint, optional
        Those that are installed if not given.

    Raises
    ------
    ParameterError
        If there is none of that name.
    DisplayError
        If it cannot be loaded, or is none.
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        found: Any = getattr(import_module(module), attribute)
        return found  # type: ignore[no-any-return]
    others = list(entry_points(group=GROUP) if others is None else others)
    chosen = next((other for other in others if other.name == name), None)
    if chosen is None:
        raise ParameterError("backend", name, "one of " + ", ".join(backend_names(others)))
    try:
        found = chosen.load()
    except Exception as error:
        raise DisplayError(f"the display {name!r} ({chosen.value}) cannot be loaded: {error!r}") from error
    if not (isinstance(found, type) and issubclass(found, DisplayBackend)):
        raise DisplayError(f"the display {name!r} ({chosen.value}) is {found!r}, not a DisplayBackend")
    return found
