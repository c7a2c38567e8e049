"""The simulator to play with as a widget in a notebook: the inspector's page, with frames from the kernel."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import fullwell
from fullwell.errors import ParameterError
from fullwell.simulation.playground import Playground
from fullwell.simulation.playground_controls import Settings, describe

__all__ = ["simulator_widget"]


def simulator_widget(**values: Any) -> Any:
    """Return a widget with sliders, switches, the frame that they make, and its histogram.

    Parameters
    ----------
    **values
        What is set at first: names of sliders and switches (`fullwell.simulation.playground_controls`),
        ``seed`` and ``noise``.

    Returns
    -------
    anywidget.AnyWidget
        ``parameters`` is what is set now; assigning to it moves the sliders. ``frame`` is the last frame, an
        array of uint16.

    Raises
    ------
    ParameterError
        If a name is unknown, or a value is outside of its limits.
    ImportError
        If the extra ``notebook`` is not installed.

    Examples
    --------
    >>> from fullwell.simulation import simulator_widget
    >>> simulator_widget(sky=20, vignetting=0.3)  # doctest: +SKIP
    """
    Settings.of(values)
    return _widget_class()(parameters=values)


@cache
def _widget_class() -> Any:
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError(
            "the simulator as a widget needs anywidget; pip install 'fullwell[notebook]' brings it"
        ) from error

    class SimulatorWidget(anywidget.AnyWidget):  # type: ignore[misc]  # it is not there for everybody
        """Answers the page: ``asked`` has a number and parameters, ``played`` what came of them."""

        _esm = _file("simulator.js")
        _css = _file("simulator.css")
        description = traitlets.Dict().tag(sync=True)
        parameters = traitlets.Dict().tag(sync=True)
        asked = traitlets.Dict().tag(sync=True)
        played = traitlets.Dict().tag(sync=True)

        def __init__(self, **traits: Any) -> None:
            self._playground = Playground()
            self._play: Any = None
            super().__init__(description=describe(), **traits)
            self.observe(self._answer, names="asked")

        @traitlets.validate("parameters")  # type: ignore[untyped-decorator]
        def _check(self, proposal: Any) -> Any:
            Settings.of(proposal["value"])
            return proposal["value"]

        @property
        def frame(self) -> Any:
            """The last frame, or that of the parameters where none was shown yet."""
            if self._play is None:
                self._play = self._playground.take(Settings.of(self.parameters))
            return self._play.frame

        def _answer(self, change: Any) -> None:
            number = change["new"].get("number")
            try:
                self._play = self._playground.take(Settings.of(change["new"].get("parameters")))
            except ParameterError as error:
                self.played = {"number": number, "error": str(error)}
                return
            pixels = self._play.frame.astype("<u2", copy=False).tobytes()
            self.played = {"number": number, "reading": self._play.reading(), "pixels": pixels}

    return SimulatorWidget


def _file(name: str) -> Path:
    """Return a file of the page, which lies with those of the inspector."""
    return Path(fullwell.__file__).parent / "web" / "static" / "simulator" / name
