"""A display without a screen: matplotlib draws it when it is looked at or saved."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fullwell.display.backend import DisplayBackend
from fullwell.display.image import show_image, show_snippet
from fullwell.display.plot import Plot, text
from fullwell.display.shown import Dot, Line, Mark, Picture, PlaneStyle, Scale, Seen, View
from fullwell.errors import DisplayError
from fullwell.picture import Pool

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MatplotlibBackend"]

_SIDE = 700  # pixels of the screen that the longer side of a picture has


class MatplotlibBackend(DisplayBackend):
    """Pictures.

    Parameters
    ----------
    number : int
    pool : {'mean', 'max'}
        Value of blocks where the image is larger than the picture.
    """

    name: ClassVar[str] = "matplotlib"

    def __init__(self, number: int, *, pool: Pool = "mean") -> None:
        super().__init__(number)
        self._pool = pool
        self._picture: Picture | None = None
        self._scale: Scale | None = None
        self._view = View()
        self._marks: list[Mark] = []
        self._styles: Mapping[str, PlaneStyle] = {}
        self._plot: Plot | None = None

    def show(self, picture: Picture) -> None:
        """Show another image."""
        self._picture, self._marks, self._plot = picture, [], None

    def set_scale(self, scale: Scale) -> None:
        """Change the stretch."""
        self._scale, self._plot = scale, None

    def set_view(self, view: View) -> None:
        """Change what part is drawn."""
        self._view, self._plot = view, None

    def draw(self, marks: Sequence[Mark]) -> None:
        """Add marks."""
        self._marks.extend(marks)
        self._plot = None

    def erase(self) -> None:
        """Remove marks."""
        self._marks.clear()
        self._plot = None

    def set_styles(self, styles: Mapping[str, PlaneStyle]) -> None:
        """Change colors of planes."""
        self._styles, self._plot = dict(styles), None

    @property
    def plot(self) -> Plot:
        """The picture as it is now.

        Raises
        ------
        DisplayError
            If there is no image yet.
        """
        if self._picture is None or self._scale is None:
            raise DisplayError(f"display {self.number} shows nothing yet; call mtv first")
        if self._plot is None:
            self._plot = self._drawn(self._picture, self._scale)
        return self._plot

    def seen(self) -> Seen:
        """Read the figure back."""
        if self._picture is None:
            return Seen(marks=0)
        axes = self.plot.axes
        image, *over = axes.images
        norm: Any = image.norm
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        zoom = None if self._view.zoom is None else _SIDE / max(right - left, top - bottom)
        center = None if self._view.center is None else ((left + right) / 2, (bottom + top) / 2)
        planes = {name: self._styles[name] for name in self.plot.facts["flagged"]} if over else {}
        marks = sum(artist.get_gid() == "mark" for artist in axes.get_children())
        data = np.asarray(image.get_array())
        return Seen(data, Scale(norm.how, norm.low, norm.high), View(zoom, center), marks, planes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a picture; the end of the name says of what kind."""
        self.plot.save(path, dpi=100)

    def notebook(self) -> dict[str, Any]:
        """Return the picture."""
        return {} if self._picture is None else {"image/png": self.plot._repr_png_()}

    def close(self) -> None:
        """Forget the picture."""
        self._picture, self._plot = None, None

    def _drawn(self, picture: Picture, scale: Scale) -> Plot:
        options: dict[str, Any] = {
            "limits": (scale.low, scale.high),
            "stretch": scale.stretch,
            "pool": self._pool,
            "planes": picture.planes or None,
            "colors": {name: style.color for name, style in self._styles.items()},
            "opacity": {name: style.opacity for name, style in self._styles.items()},
            "title": picture.title,
            "screen": _SIDE,
        }
        if self._view == View():
            plot = show_image(picture.frame, **options)
        else:
            rows, columns = picture.frame.shape
            zoom = self._view.zoom or _SIDE / max(rows, columns)
            center = self._view.center or ((columns - 1) / 2, (rows - 1) / 2)
            plot = show_snippet(picture.frame, center, size=max(1, round(_SIDE / zoom)), **options)
        for mark in self._marks:
            _draw_mark(plot.axes, mark)
        return plot


def _draw_mark(axes: Axes, mark: Mark) -> None:
    from matplotlib.patches import Circle
    from matplotlib.patches import Rectangle as Outline
    from matplotlib.patheffects import withStroke

    if isinstance(mark, Line):
        x, y = zip(*mark.points, strict=True)
        axes.plot(x, y, color=mark.color, linewidth=1.2, gid="mark", scalex=False, scaley=False)
        return
    style: dict[str, Any] = {"fill": False, "edgecolor": mark.color, "linewidth": 1.2, "gid": "mark"}
    if isinstance(mark, Dot):
        where = (mark.x + mark.size, mark.y + mark.size)
        if mark.symbol == "o":
            axes.add_patch(Circle((mark.x, mark.y), mark.size, **style))
        elif mark.symbol in ("s", "d"):
            side = mark.size * (2 if mark.symbol == "s" else np.sqrt(2))
            angle = 0 if mark.symbol == "s" else 45
            corner = (mark.x - side / 2, mark.y - side / 2)
            axes.add_patch(Outline(corner, side, side, angle=angle, rotation_point="center", **style))
        else:
            axes.plot(
                *_strokes(mark), color=mark.color, linewidth=1.2, gid="mark", scalex=False, scaley=False
            )
    else:
        where = (mark.x1 - 0.5, mark.y1 - 0.5)
        corner = (mark.x0 - 0.5, mark.y0 - 0.5)
        axes.add_patch(Outline(corner, mark.x1 - mark.x0, mark.y1 - mark.y0, **style))
    if mark.label:
        # An edge around the letters, to be read on any gray.
        edge = [withStroke(linewidth=2.5, foreground="#10141a")]
        words = text(mark.label)
        axes.annotate(words, where, color=mark.color, fontsize=9, annotation_clip=True, path_effects=edge)


def _strokes(dot: Dot) -> tuple[list[float], list[float]]:
    """Two strokes, with a gap between them."""
    ends = ((1, 0), (0, 1)) if dot.symbol == "+" else ((0.7, 0.7), (0.7, -0.7))
    x, y = [], []
    for dx, dy in ends:
        x += [dot.x - dx * dot.size, dot.x + dx * dot.size, float("nan")]
        y += [dot.y - dy * dot.size, dot.y + dy * dot.size, float("nan")]
    return x, y
