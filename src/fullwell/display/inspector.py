"""Pictures pushed to the running inspector, which shows them in the browser."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import attrs
import numpy as np

from fullwell.display.backend import DisplayBackend
from fullwell.display.inputs import unit_words
from fullwell.display.inspector_address import Address, find
from fullwell.display.shown import (
    Dot,
    Line,
    Mark,
    Picture,
    PlaneStyle,
    Rectangle,
    Scale,
    Seen,
    View,
    plain_mark,
)
from fullwell.errors import DisplayError
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags

__all__ = ["WebBackend"]


class WebBackend(DisplayBackend):
    """A display of the inspector (``fullwell inspect``).

    Parameters
    ----------
    number : int
    address : Address, optional
        The inspector that has announced itself if not given.
    time_limit : float
        Seconds that it may take to answer.

    Raises
    ------
    DisplayError
        If no inspector is running.
    """

    name: ClassVar[str] = "web"

    def __init__(self, number: int, *, address: Address | None = None, time_limit: float = 20.0) -> None:
        super().__init__(number)
        self._address = find() if address is None else address
        self._time_limit = time_limit
        # No proxy stands between a machine and itself.
        self._opener = build_opener(ProxyHandler({}))
        self._pending: dict[str, Any] = {}
        self._ask("GET", "/api/session")

    def show(self, picture: Picture) -> None:
        """Send an image and its planes."""
        self._put("data", picture.wide_pixels)
        flags = _bits(picture)
        if flags is not None:
            self._put("flags", flags)
        words = unit_words(picture.frame.unit)
        self._pending.clear()
        self._pending |= {
            "title": picture.title,
            "unit": words,
            "erase": True,
            "planes": list(picture.planes),
        }

    def set_scale(self, scale: Scale) -> None:
        """Send the scale."""
        self._pending["scale"] = {"stretch": scale.stretch, "limits": [scale.low, scale.high]}

    def set_view(self, view: View) -> None:
        """Send the view."""
        self._pending["view"] = {"zoom": view.zoom, "center": view.center}

    def draw(self, marks: Sequence[Mark]) -> None:
        """Send marks."""
        self._pending.setdefault("marks", []).extend(_on_page(mark) for mark in marks)

    def erase(self) -> None:
        """Remove marks."""
        self._pending.pop("marks", None)
        self._pending["erase"] = True

    def set_styles(self, styles: Mapping[str, PlaneStyle]) -> None:
        """Send colors and opacities."""
        self._pending["masks"] = {name: attrs.asdict(style) for name, style in styles.items()}

    def flush(self) -> None:
        """Send what has changed, in one call."""
        if self._pending:
            self._ask("POST", f"/api/displays/{self.number}", json.dumps(self._pending).encode())
            self._pending = {}

    def seen(self) -> Seen:
        """Ask the inspector."""
        try:
            every = json.loads(self._ask("GET", "/api/displays"))["displays"]
            mine: Any = next((each for each in every if each["number"] == self.number), None)
            if mine is None:
                return Seen(marks=0)
            scale, view, masks = (mine.get(key) or {} for key in ("scale", "view", "masks"))
            center = view.get("center")
            return Seen(
                scale=Scale(scale["stretch"], *scale["limits"]) if scale else None,
                view=View(view.get("zoom"), None if center is None else tuple(center)),
                marks=len(mine.get("marks") or []),
                planes={name: PlaneStyle(style["color"], style["opacity"]) for name, style in masks.items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DisplayError(f"{self._address.url} does not answer like an inspector: {error!r}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Refuse, since the page is drawn by the browser.

        Raises
        ------
        DisplayError
            Always.
        """
        raise DisplayError(
            f"no picture at {path}: the inspector draws in the browser; use Display(backend='matplotlib')"
        )

    def close(self) -> None:
        """Leave the image in the inspector."""
        self._opener.close()

    def _put(self, plane: str, pixels: Any) -> None:
        rows, columns = pixels.shape
        dtype = pixels.dtype.newbyteorder("=").name
        query = urlencode({"rows": rows, "columns": columns, "dtype": dtype})
        self._ask("PUT", f"/api/displays/{self.number}/data/{plane}?{query}", pixels.tobytes())

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        url = self._address.url + path
        kind = "application/json" if method == "POST" else "application/octet-stream"
        request = Request(url, data=body, method=method)
        request.add_header("Authorization", f"Bearer {self._address.token}")
        if body is not None:
            request.add_header("Content-Type", kind)
        try:
            with self._opener.open(request, timeout=self._time_limit) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            raise DisplayError(
                f"the inspector at {self._address.url} refused {method} {path}: {_said(error)}"
            ) from error
        except (URLError, TimeoutError, OSError, http.client.HTTPException) as error:
            what = f"the inspector at {self._address.url} does not answer ({error})"
            raise DisplayError(f"{what}; start it with 'fullwell inspect'") from error


def _on_page(mark: Mark) -> dict[str, Any]:
    """Say a mark as the page draws it: whole numbers are the middle of a pixel, symbols round or strokes."""
    if isinstance(mark, Rectangle):
        return plain_mark(
            attrs.evolve(mark, x0=mark.x0 - 0.5, x1=mark.x1 - 0.5, y0=mark.y0 - 0.5, y1=mark.y1 - 0.5)
        )
    if isinstance(mark, Dot) and mark.symbol == "s":
        x, y, r = mark.x, mark.y, mark.size
        return plain_mark(Rectangle(x - r, x + r, y - r, y + r, mark.color, mark.label))
    if isinstance(mark, Dot) and mark.symbol == "d":
        corners = ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 0))
        points = tuple((mark.x + dx * mark.size, mark.y + dy * mark.size) for dx, dy in corners)
        return {**plain_mark(Line(points, mark.color)), "label": mark.label}
    return plain_mark(mark)


def _bits(picture: Picture) -> FlagImage | None:
    """Planes as bits of the flag image; a mask of the user's own takes the bit of MASKED."""
    if not picture.planes:
        return None
    bits = np.zeros(picture.frame.shape, FLAG_DTYPE)
    for name, plane in picture.planes.items():
        bit = Flags[name] if name in Flags.__members__ else Flags.MASKED
        bits[plane] |= FLAG_DTYPE.type(bit.value)
    return np.ascontiguousarray(bits, "<u2")


def _said(error: HTTPError) -> str:
    try:
        return f"{error.code}, {json.loads(error.read(10_000))['error']}"
    except (ValueError, KeyError, TypeError, OSError):
        return f"{error.code} {error.reason}"
