"""A display in a notebook: the browser stretches raw pixels, Python sends them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, ClassVar

import numpy as np

from fullwell.display.backend import DisplayBackend
from fullwell.display.inputs import unit_words
from fullwell.display.pictures import MatplotlibBackend
from fullwell.display.shown import Mark, Picture, PlaneStyle, Scale, Seen, View, plain_mark
from fullwell.errors import DisplayError
from fullwell.flags import FLAG_DTYPE
from fullwell.picture import Pool, pool_blocks

__all__ = ["WidgetBackend"]

_SIDE = 2048  # pixels a side that are sent; more take long on their way, and no screen shows them


class WidgetBackend(DisplayBackend):
    """A widget (anywidget, the extra ``notebook``) with wheel zoom, pan, read-out, marks and planes.

    Parameters
    ----------
    number : int
    side : int
        An image with a longer side is sent by blocks of pixels.
    pool : {'mean', 'max'}
        Value of a block.

    Raises
    ------
    DisplayError
        If anywidget is not installed.
    """

    name: ClassVar[str] = "widget"

    def __init__(self, number: int, *, side: int = _SIDE, pool: Pool = "mean") -> None:
        super().__init__(number)
        self._side, self._pool = side, pool
        # The same picture is drawn for those who look at the notebook without running it.
        self._still = MatplotlibBackend(number, pool=pool)
        self._marks: list[dict[str, Any]] = []
        self._pending: dict[str, Any] = {}
        self._planes: list[str] = []
        self.widget = _make_widget()

    def show(self, picture: Picture) -> None:
        """Send an image and its planes."""
        self._still.show(picture)
        step = max(-(-side // self._side) for side in picture.frame.shape)
        pixels = picture.pixels
        if step > 1:
            cells, empty = pool_blocks(pixels, step=step, pool=self._pool)
            pixels = np.where(empty, np.nan, cells).astype("<f4")
        self._planes, self._marks = list(picture.planes), []
        rows, columns = picture.frame.shape
        self._pending |= {
            "image": {
                "rows": pixels.shape[0],
                "columns": pixels.shape[1],
                "type": {"u": "uint16", "f": "float32"}[pixels.dtype.kind],
                "step": step,
                "pool": self._pool,
                "frame_rows": rows,
                "frame_columns": columns,
                "title": picture.title,
                "unit": unit_words(picture.frame.unit),
                "planes": self._planes,
            },
            "pixels": pixels.tobytes(),
            "bits": _bits(picture, step),
            "marks": [],
        }

    def set_scale(self, scale: Scale) -> None:
        """Change the stretch, which the browser computes."""
        self._still.set_scale(scale)
        self._pending["scale"] = {"stretch": scale.stretch, "low": scale.low, "high": scale.high}

    def set_view(self, view: View) -> None:
        """Zoom and pan."""
        self._still.set_view(view)
        self._pending["view"] = {"zoom": view.zoom, "center": view.center}

    def draw(self, marks: Sequence[Mark]) -> None:
        """Add marks."""
        self._still.draw(marks)
        self._marks = [*self._marks, *map(plain_mark, marks)]
        self._pending["marks"] = self._marks

    def erase(self) -> None:
        """Remove marks."""
        self._still.erase()
        self._marks = self._pending["marks"] = []

    def set_styles(self, styles: Mapping[str, PlaneStyle]) -> None:
        """Change colors and opacities."""
        self._still.set_styles(styles)
        self._pending["styles"] = {
            name: {"color": style.color, "opacity": style.opacity} for name, style in styles.items()
        }

    def flush(self) -> None:
        """Send what has changed, in one message."""
        with self.widget.hold_sync():
            for name, value in self._pending.items():
                setattr(self.widget, name, value)
        self._pending = {}

    def seen(self) -> Seen:
        """Read what the browser has been told, or has told since: a view that was turned by hand."""
        image, scale, view = self.widget.image, self.widget.scale, self.widget.view
        if not image:
            return Seen(marks=0)
        dtype = {"uint16": "<u2", "float32": "<f4"}[image["type"]]
        data = np.frombuffer(self.widget.pixels, dtype).reshape(image["rows"], image["columns"])
        center = view.get("center")
        return Seen(
            data,
            Scale(scale["stretch"], scale["low"], scale["high"]),
            View(view.get("zoom"), None if center is None else (float(center[0]), float(center[1]))),
            len(self.widget.marks),
            {name: PlaneStyle(**self.widget.styles[name]) for name in image["planes"]},
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a picture of the same, drawn by matplotlib."""
        self._still.save(path)

    def notebook(self) -> dict[str, Any]:
        """Return the widget, and a picture for where no widgets are."""
        found = self.widget._repr_mimebundle_()
        bundle = found[0] if isinstance(found, tuple) else found
        return {**self._still.notebook(), **(bundle or {})}

    def close(self) -> None:
        """Close the widget; what it showed last stays in the notebook as a picture."""
        self._still.close()
        self.widget.close()


def _make_widget() -> Any:
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise DisplayError("anywidget is not installed; pip install 'fullwell[notebook]'") from None

    class DisplayWidget(anywidget.AnyWidget):  # type: ignore[misc]
        """What Python and the browser share."""

        _esm = files("fullwell.display").joinpath("static/display.js").read_text(encoding="utf-8")
        _css = files("fullwell.display").joinpath("static/display.css").read_text(encoding="utf-8")
        image = traitlets.Dict().tag(sync=True)
        pixels = traitlets.Bytes().tag(sync=True)
        bits = traitlets.Bytes().tag(sync=True)
        scale = traitlets.Dict().tag(sync=True)
        view = traitlets.Dict().tag(sync=True)
        marks = traitlets.List().tag(sync=True)
        styles = traitlets.Dict().tag(sync=True)
        cursor = traitlets.Dict().tag(sync=True)

    return DisplayWidget()


def _bits(picture: Picture, step: int) -> bytes:
    """Planes as bits in the order of their names, at most 16; a pixel of a block is enough."""
    if not picture.planes:
        return b""
    bits: Any = None
    for number, plane in enumerate(picture.planes.values()):
        cells = pool_blocks(plane.astype(np.uint8), step=step, pool="max")[0] > 0
        bits = np.zeros(cells.shape, "<u2") if bits is None else bits
        bits[cells] |= FLAG_DTYPE.type(1 << number)
    return bytes(bits.tobytes())
