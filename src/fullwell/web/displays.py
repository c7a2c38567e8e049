"""Frames that scripts send, kept in memory, with marks and a wish how to be shown."""

from __future__ import annotations

import threading
from typing import Any

import attrs
import numpy.typing as npt

from fullwell.io.metadata import Metadata
from fullwell.web.answers import Refusal
from fullwell.web.opening import OpenFrame
from fullwell.web.pixels import ArrayPixels

__all__ = ["KINDS", "MOST_BYTES", "Displays", "display_id"]

MOST_BYTES = 512 * 2**20
_MOST_MARKS = 100_000
#: What may be sent about a display, with the type of JSON that it has to be.
KINDS: dict[str, type] = {"title": str, "unit": str, "scale": dict, "view": dict, "masks": dict}


@attrs.frozen(eq=False)
class Display:
    """What one number shows.

    Parameters
    ----------
    planes : dict of str to ndarray
    settings : dict
        Title, unit, scale, view and masks, as they were sent.
    marks : tuple
    version : int
        Counts all changes.
    pixels_version : int
        Counts changes of the pixels.
    """

    planes: dict[str, npt.NDArray[Any]] = attrs.field(factory=dict)
    settings: dict[str, Any] = attrs.field(factory=dict)
    marks: tuple[Any, ...] = ()
    version: int = 0
    pixels_version: int = 0


class Displays:
    """All displays of one server, by number."""

    def __init__(self) -> None:
        self._known: dict[int, Display] = {}
        self._lock = threading.Lock()

    def listed(self) -> list[dict[str, Any]]:
        """Return all that have pixels, in order."""
        with self._lock:
            known = sorted(self._known.items())
        return [
            {
                "number": number,
                "id": display_id(number),
                "title": display.settings.get("title", ""),
                "version": f"{display.version}",
                "marks": display.marks,
                **{key: display.settings.get(key, {}) for key in ("scale", "view", "masks")},
            }
            for number, display in known
            if "data" in display.planes
        ]

    def put(self, number: int, plane: str, array: npt.NDArray[Any]) -> None:
        """Take a plane; new data of another shape take the old planes away.

        Raises
        ------
        Refusal
            If it does not fit the data, or there is too much.
        """
        with self._lock:
            old = self._known.get(number, Display())
            if plane == "data":
                planes = {"data": array}
            elif "data" not in old.planes or old.planes["data"].shape != array.shape:
                raise Refusal(
                    "bad-request", f"The {plane} do not have the shape of the data; send the data first."
                )
            else:
                planes = {**old.planes, plane: array}
            held = sum(
                each.nbytes
                for other, display in self._known.items()
                if other != number
                for each in display.planes.values()
            )
            if held + sum(each.nbytes for each in planes.values()) > MOST_BYTES:
                raise Refusal("bad-request", f"All displays together may hold {MOST_BYTES >> 20} MiB.")
            self._known[number] = attrs.evolve(
                old, planes=planes, version=old.version + 1, pixels_version=old.pixels_version + 1
            )

    def change(self, number: int, wishes: dict[str, Any]) -> None:
        """Take title, scale, view, masks and marks.

        Raises
        ------
        Refusal
            If there are too many marks.
        """
        with self._lock:
            old = self._known.get(number, Display())
            marks = () if wishes.get("erase") is True else old.marks
            marks += tuple(wishes.get("marks", ()))
            if len(marks) > _MOST_MARKS:
                raise Refusal("bad-request", f"A display holds {_MOST_MARKS} marks at most; erase some.")
            settings = old.settings | {key: wishes[key] for key in KINDS if key in wishes}
            self._known[number] = attrs.evolve(old, settings=settings, marks=marks, version=old.version + 1)

    def frame(self, number: int) -> OpenFrame:
        """Return a display as a frame.

        Raises
        ------
        Refusal
            If nothing was sent.
        """
        with self._lock:
            display = self._known.get(number)
        if display is None or "data" not in display.planes:
            raise Refusal("not-found", f"Display {number} shows nothing.")
        pixels = {name: ArrayPixels(array) for name, array in display.planes.items()}
        return OpenFrame(
            pixels["data"],
            pixels.get("variance"),
            pixels.get("flags"),
            str(display.settings.get("unit", "")),
            None,
            "assembled",
            Metadata(),
            {},
            f"d{display.pixels_version}",
            extension=str(display.settings.get("title") or f"Display {number}"),
        )


def display_id(number: int) -> str:
    """Return the id of a display among the frames."""
    return f"display-{number}"
