"""One vocabulary for all displays, that of Rubin's afw: mtv, scale, zoom, pan, dot, line, erase."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Box
from fullwell.display.backend import DisplayBackend
from fullwell.display.choosing import backend_class, default_backend
from fullwell.display.inputs import frame_of, good_pixels
from fullwell.display.plane_colors import MASK_NAME, Planes, choose_planes, color_of
from fullwell.display.shown import (
    SYMBOLS,
    Dot,
    Line,
    Mark,
    Picture,
    PlaneStyle,
    Rectangle,
    Scale,
    Seen,
    View,
    finite,
)
from fullwell.errors import DisplayError, FrameError, ParameterError
from fullwell.frame import FrameLike
from fullwell.picture import Limits, Stretch, find_limits

__all__ = ["Display"]


@attrs.define(eq=False)
class _Open:
    """What there is of an open display, whatever number of `Display` objects lead to it."""

    backend: DisplayBackend
    picture: Picture | None = None
    stretch: Stretch = "linear"
    limits: Limits = "zscale"
    view: View = attrs.field(factory=View)
    colors: dict[str, str] = attrs.field(factory=dict)
    opacity: dict[str, float] = attrs.field(factory=dict)
    opacity_of_all: float = 0.5
    buffering: int = 0
    closed: bool = False


#: Displays of this process by number.
_OPEN: dict[int, _Open] = {}


class Display:
    """A numbered place to show images; the same number is the same display, as long as it is open.

    Parameters
    ----------
    frame : int
        Number of the display, from 0 on.
    backend : str or DisplayBackend, optional
        ``'matplotlib'``, ``'widget'``, ``'web'``, ``'ds9'``, ``'firefly'``, ``'virtual'``, or another's.
        If not given: what the variable FULLWELL_DISPLAY names, else in a notebook the widget,
        else pictures.
    **options
        For the backend, when the display is opened.

    Raises
    ------
    ParameterError
        If the number is impossible, or there is no such backend, or the display is open with another one.
    DisplayError
        If the backend cannot be opened.
    """

    def __init__(
        self, frame: int = 1, *, backend: str | DisplayBackend | None = None, **options: Any
    ) -> None:
        if isinstance(frame, bool) or not isinstance(frame, int | np.integer) or frame < 0:
            raise ParameterError("frame", frame, "the number of a display, 0 or more")
        number = int(frame)
        there = _OPEN.get(number)
        if there is None:
            there = _Open(_made(number, backend, options))
            _OPEN[number] = there
        elif (backend is not None and backend not in (there.backend, there.backend.name)) or options:
            what = f"{backend} with {options}" if options else backend
            allowed = f"display {number} is open with {there.backend.name!r}; close it first"
            raise ParameterError("backend", what, allowed)
        self._open = there

    def __repr__(self) -> str:
        state = "closed" if self._open.closed else self._open.backend.name
        return f"<Display {self.frame}: {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        shown = {} if self._open.closed else self._open.backend.notebook()
        return {"text/plain": repr(self), **shown}

    @property
    def frame(self) -> int:
        """Number of the display."""
        return self._open.backend.number

    @property
    def backend(self) -> DisplayBackend:
        """What it is drawn with."""
        return self._open.backend

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return not self._open.closed

    def mtv(
        self,
        image: FrameLike,
        *,
        title: str | None = None,
        mask: npt.NDArray[np.bool_] | None = None,
        planes: Planes = "all",
        unit: u.UnitBase | str | None = None,
    ) -> Self:
        """Show an image. Marks of the one before are gone; the scale stays, and the view if the shape does.

        Parameters
        ----------
        image : Frame, CCDData, array, path, Combined or Exposure
        title : str, optional
            The name of the file if not given.
        mask : ndarray of bool, optional
            A mask to lay over, called MASK.
        planes : None, 'all', names, Flags, or mapping of str to mask
            Flag planes to lay over.
        unit : unit, optional
            Of a bare array.

        Returns
        -------
        Display
            Itself, which a notebook shows.
        """
        there = self._checked()
        frame = frame_of(image, unit=unit)
        laid = dict(choose_planes(planes, frame.flags))
        if mask is not None:
            if np.shape(mask) != frame.shape:
                raise FrameError(f"a mask of {np.shape(mask)} does not fit an image of {frame.shape}")
            laid[MASK_NAME] = np.asarray(mask, bool)
        picture = Picture(frame, laid, frame.source if title is None else str(title))
        scale = _scale(picture, there.stretch, there.limits)
        same = there.picture is not None and there.picture.frame.shape == frame.shape
        there.picture, there.view = picture, there.view if same else View()
        there.backend.show(picture)
        there.backend.set_styles(_styles(there))
        there.backend.set_scale(scale)
        there.backend.set_view(there.view)
        return self._done()

    def scale(self, stretch: Stretch = "linear", limits: Limits = "zscale") -> Self:
        """Change how values become grays, of this image and of those to come.

        Parameters
        ----------
        stretch : {'linear', 'asinh', 'log', 'sqrt'}
        limits : {'zscale', 'minmax'}, float or (low, high)
            As for `show_image`.
        """
        there = self._checked()
        if stretch not in ("linear", "asinh", "log", "sqrt"):
            raise ParameterError("stretch", stretch, "'linear', 'asinh', 'log' or 'sqrt'")
        find_limits(np.eye(2), limits=limits)  # says what is wrong with them
        if there.picture is not None:
            there.backend.set_scale(_scale(there.picture, stretch, limits))
        there.stretch, there.limits = stretch, limits
        return self._done()

    def zoom(self, factor: float | None = None) -> Self:
        """Show so many pixels of the screen for one of the image; None fits the whole image."""
        there = self._checked()
        if factor is not None and not 1e-3 <= finite("factor", factor)[0] <= 1e3:
            raise ParameterError("factor", factor, "0.001 to 1000, or None to fit the image")
        center = None if factor is None else there.view.center
        return self._look_at(View(None if factor is None else float(factor), center))

    def pan(self, x: float, y: float) -> Self:
        """Bring a place, column and row, to the middle."""
        x, y = finite("pan", x, y)
        there = self._checked()
        rows, columns = there.picture.frame.shape if there.picture is not None else (np.inf, np.inf)
        if not (-0.5 <= x <= columns - 0.5 and -0.5 <= y <= rows - 0.5):
            raise ParameterError("pan", (x, y), f"a place within {columns} columns and {rows} rows")
        return self._look_at(View(there.view.zoom, (x, y)))

    def dot(
        self,
        x: float,
        y: float,
        *,
        symbol: str = "o",
        size: float = 5.0,
        color: str = "lime",
        label: str = "",
    ) -> Self:
        """Mark a place.

        Parameters
        ----------
        x, y : float
            Column and row, from 0 on.
        symbol : {'o', '+', 'x', 's', 'd'}
            Circle, plus, cross, square or diamond.
        size : float
            Radius in pixels of the image.
        color : str
            As matplotlib knows them.
        label : str
            Words beside it.
        """
        if symbol not in SYMBOLS:
            raise ParameterError("symbol", symbol, "one of " + ", ".join(map(repr, SYMBOLS)))
        x, y, size = finite("dot", x, y, size)
        if not size > 0:
            raise ParameterError("size", size, "above 0")
        return self._draw(Dot(x, y, symbol, size, _hex(color), str(label)))

    def line(self, points: Sequence[tuple[float, float]], *, color: str = "lime") -> Self:
        """Draw a line through two points, (column, row), or more."""
        array = np.asarray(points, np.float64)
        if array.ndim != 2 or array.shape[1] != 2 or len(array) < 2 or not np.isfinite(array).all():
            raise ParameterError("points", points, "two or more (column, row)")
        return self._draw(Line(tuple((float(x), float(y)) for x, y in array), _hex(color)))

    def box(self, box: Box, *, color: str = "lime", label: str = "") -> Self:
        """Draw the outline of a box of pixels."""
        if not isinstance(box, Box) or box.empty:
            raise ParameterError("box", box, "a fullwell.Box with pixels in it")
        return self._draw(Rectangle(box.x0, box.x1, box.y0, box.y1, _hex(color), str(label)))

    def erase(self) -> Self:
        """Remove all marks."""
        self._checked().backend.erase()
        return self._done()

    def mask_color(self, plane: str, color: str) -> Self:
        """Change the color of a plane, of this image and of those to come."""
        self._checked().colors[str(plane)] = _hex(color)
        return self._restyle()

    def mask_transparency(self, transparency: float, plane: str | None = None) -> Self:
        """Change how much is seen through a plane, or through all.

        Parameters
        ----------
        transparency : float
            0 hides the image, 1 the plane.
        plane : str, optional
        """
        if not 0 <= finite("transparency", transparency)[0] <= 1:
            raise ParameterError("transparency", transparency, "0 to 1")
        there = self._checked()
        if plane is None:
            there.opacity.clear()
            there.opacity_of_all = 1 - float(transparency)
        else:
            there.opacity[str(plane)] = 1 - float(transparency)
        return self._restyle()

    @contextmanager
    def buffering(self) -> Iterator[Self]:
        """Draw all that is asked for within the block at once, at its end."""
        there = self._checked()
        there.buffering += 1
        try:
            yield self
        finally:
            there.buffering -= 1
            if not there.closed:
                self._done()

    def seen(self) -> Seen:
        """Return what the display itself says that it shows."""
        return self._checked().backend.seen()

    def save(self, path: str | os.PathLike[str]) -> Self:
        """Write a picture of what is shown.

        Raises
        ------
        DisplayError
            If this kind of display has no way to, or shows nothing yet.
        """
        there = self._checked()
        if there.picture is None:
            raise DisplayError(f"display {self.frame} shows nothing yet; call mtv first")
        there.backend.save(path)
        return self

    def close(self) -> None:
        """Close the display; its number is free then. Closing it again does nothing."""
        if self._open.closed:
            return
        self._open.closed = True
        _OPEN.pop(self.frame, None)
        self._open.backend.close()

    def _checked(self) -> _Open:
        if self._open.closed:
            raise DisplayError(f"display {self.frame} is closed; open it again with Display({self.frame})")
        return self._open

    def _draw(self, mark: Mark) -> Self:
        there = self._checked()
        if there.picture is None:
            raise DisplayError(f"display {self.frame} shows nothing to mark; call mtv first")
        there.backend.draw([mark])
        return self._done()

    def _look_at(self, view: View) -> Self:
        there = self._checked()
        there.view = view
        there.backend.set_view(view)
        return self._done()

    def _restyle(self) -> Self:
        there = self._checked()
        there.backend.set_styles(_styles(there))
        return self._done()

    def _done(self) -> Self:
        if not self._open.buffering:
            self._open.backend.flush()
        return self


def _made(number: int, backend: Any, options: Mapping[str, Any]) -> DisplayBackend:
    if isinstance(backend, DisplayBackend):
        if options or backend.number != number:
            raise ParameterError("backend", backend, f"one made for display {number}, and no options besides")
        return backend
    return backend_class(default_backend() if backend is None else str(backend))(number, **options)


def _scale(picture: Picture, stretch: Stretch, limits: Limits) -> Scale:
    frame = picture.frame
    good = good_pixels(frame)
    mask = None if not good.any() else ~good
    return Scale(stretch, *find_limits(frame.data, limits=limits, mask=mask))


def _styles(there: _Open) -> dict[str, PlaneStyle]:
    planes = there.picture.planes if there.picture is not None else {}
    names = [*planes, *(name for name in {**there.colors, **there.opacity} if name not in planes)]
    return {
        name: PlaneStyle(
            there.colors.get(name) or _hex_of(color_of(name)), there.opacity.get(name, there.opacity_of_all)
        )
        for name in names
    }


def _hex(color: Any) -> str:
    return _hex_of(color_of("", {"": color}))


def _hex_of(rgb: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
