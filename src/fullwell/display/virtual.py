"""A display that nobody sees: it records what is asked of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs

from fullwell.display.backend import DisplayBackend
from fullwell.display.shown import Mark, Picture, PlaneStyle, Scale, Seen, View, plain_mark

__all__ = ["VirtualBackend"]


class VirtualBackend(DisplayBackend):
    """Records calls, for tests of programs that display.

    Attributes
    ----------
    calls : list of (str, object)
        Name of each call and what it was given.
    """

    name: ClassVar[str] = "virtual"

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.calls: list[tuple[str, Any]] = []
        self._seen = Seen(marks=0)

    def show(self, picture: Picture) -> None:
        """Record the image."""
        self._record("show", picture, data=picture.frame.data, marks=0)

    def set_scale(self, scale: Scale) -> None:
        """Record the scale."""
        self._record("set_scale", scale, scale=scale)

    def set_view(self, view: View) -> None:
        """Record the view."""
        self._record("set_view", view, view=view)

    def draw(self, marks: Sequence[Mark]) -> None:
        """Record marks."""
        self._record("draw", tuple(marks), marks=(self._seen.marks or 0) + len(marks))

    def erase(self) -> None:
        """Forget how many marks there are."""
        self._record("erase", None, marks=0)

    def set_styles(self, styles: Mapping[str, PlaneStyle]) -> None:
        """Record colors and opacities."""
        self._record("set_styles", dict(styles), planes=dict(styles))

    def flush(self) -> None:
        """Record that it was called."""
        self.calls.append(("flush", None))

    def seen(self) -> Seen:
        """Return what was asked for."""
        return self._seen

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the names of the calls as JSON."""
        said = [[name, _plain(value)] for name, value in self.calls]
        Path(path).write_text(json.dumps(said, indent=1), encoding="utf-8")

    def close(self) -> None:
        """Record that it was called."""
        self.calls.append(("close", None))

    def _record(self, name: str, value: Any, **changes: Any) -> None:
        self.calls.append((name, value))
        self._seen = attrs.evolve(self._seen, **changes)


def _plain(value: Any) -> Any:
    if isinstance(value, Picture):
        return {"title": value.title, "shape": value.frame.shape, "planes": list(value.planes)}
    if isinstance(value, tuple):
        return [plain_mark(mark) for mark in value]
    if isinstance(value, dict):
        return {name: attrs.asdict(style) for name, style in value.items()}
    return value if value is None else attrs.asdict(value)
