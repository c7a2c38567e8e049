"""What a display is drawn with."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fullwell.display.shown import Mark, Picture, PlaneStyle, Scale, Seen, View

__all__ = ["DisplayBackend"]


class DisplayBackend(ABC):
    """One display of one kind; `Display` checks what it is given before it gets here, and keeps the state.

    A backend of one's own is made known by an entry point of the group ``fullwell.display`` that names the
    class. It is called with the number of the display, and with what else the user gave to `Display`.
    `fullwell.testing.DisplayBackendContract` tests it.

    Parameters
    ----------
    number : int
        Of the display.
    """

    #: What users call it.
    name: ClassVar[str]

    def __init__(self, number: int) -> None:
        self.number = number

    @abstractmethod
    def show(self, picture: Picture) -> None:
        """Show another image; marks of the one before are gone."""

    @abstractmethod
    def set_scale(self, scale: Scale) -> None:
        """Change black, white and the stretch."""

    @abstractmethod
    def set_view(self, view: View) -> None:
        """Change what part is seen."""

    @abstractmethod
    def draw(self, marks: Sequence[Mark]) -> None:
        """Add marks to those that are there."""

    @abstractmethod
    def erase(self) -> None:
        """Remove all marks."""

    @abstractmethod
    def set_styles(self, styles: Mapping[str, PlaneStyle]) -> None:
        """Change color and opacity of planes; those of the image that is shown are among them."""

    @abstractmethod
    def seen(self) -> Seen:
        """Say what is shown, as far as the display itself knows."""

    def flush(self) -> None:  # noqa: B027  (most draw at once, or when they are looked at)
        """Draw what was kept; called after each change, or once at the end of `Display.buffering`."""

    @abstractmethod
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a picture of what is shown."""

    def notebook(self) -> dict[str, Any]:
        """Return what a notebook shows, by its media type; nothing if the display has a place of its own."""
        return {}

    @abstractmethod
    def close(self) -> None:
        """Let go of windows, processes and connections; called once."""
