"""What a display shows: a picture, its scale, the view of it, marks and planes, all checked."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import FullwellWarning, ParameterError
from fullwell.frame import Frame
from fullwell.picture import Stretch

__all__ = [
    "SYMBOLS",
    "Dot",
    "Line",
    "Mark",
    "Picture",
    "PlaneStyle",
    "Rectangle",
    "Scale",
    "Seen",
    "View",
    "finite",
    "plain_mark",
]

SYMBOLS = ("o", "+", "x", "s", "d")
#: Whole numbers up to this one are exact in float32.
#: Whole numbers up to these are held by floats of 32 and 64 bits.
_EXACT, _EXACT_WIDE = 2**24, 2**53


@attrs.frozen(eq=False)
class Picture:
    """An image and the planes over it.

    Parameters
    ----------
    frame : Frame
    planes : mapping of str to ndarray of bool
        Each of the shape of the frame.
    title : str
    """

    frame: Frame
    planes: Mapping[str, npt.NDArray[np.bool_]]
    title: str = ""

    @property
    def pixels(self) -> npt.NDArray[Any]:
        """Values as they travel: uint16 or float32, which every display understands, little-endian.

        Warns
        -----
        FullwellWarning
            If whole numbers are too large for float32 to hold, and are shown rounded.
        """
        data = self.frame.data
        if data.dtype == np.uint16 or data.dtype == np.uint8:
            return np.ascontiguousarray(data, "<u2")
        if self._largest > _EXACT:
            told = f"whole numbers beyond {_EXACT} are shown rounded, to the 24 bits of float32"
            warnings.warn(told, FullwellWarning, stacklevel=2)
        return np.ascontiguousarray(data, "<f4")

    @property
    def wide_pixels(self) -> npt.NDArray[Any]:
        """Values as `pixels`, but whole numbers that float32 cannot hold as float64.

        Warns
        -----
        FullwellWarning
            If some are too large for float64 as well, and are shown rounded.
        """
        largest = self._largest
        if largest <= _EXACT:
            return self.pixels
        if largest > _EXACT_WIDE:
            told = f"whole numbers beyond {_EXACT_WIDE} are shown rounded, to the 53 bits of float64"
            warnings.warn(told, FullwellWarning, stacklevel=2)
        return np.ascontiguousarray(self.frame.data, "<f8")

    @property
    def _largest(self) -> int:
        """Largest whole number, whatever its sign; 0 of floats."""
        data = self.frame.data
        if data.dtype.kind not in "iu" or not data.size:
            return 0
        return max(int(data.max()), -int(data.min()))


@attrs.frozen
class Scale:
    """Values that become black and white, and the stretch between."""

    stretch: Stretch
    low: float
    high: float


@attrs.frozen
class View:
    """What part is seen.

    Parameters
    ----------
    zoom : float or None
        Pixels of the screen for one of the image; None fits the whole image.
    center : (column, row) or None
        Place in the middle; None is the middle of the image.
    """

    zoom: float | None = None
    center: tuple[float, float] | None = None


@attrs.frozen
class PlaneStyle:
    """Color as ``'#rrggbb'``, and opacity from 0 to 1, of a plane."""

    color: str
    opacity: float


@attrs.frozen
class Dot:
    """A symbol on a place; its size is the radius in pixels of the image."""

    x: float
    y: float
    symbol: str
    size: float
    color: str
    label: str = ""


@attrs.frozen
class Line:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    color: str


@attrs.frozen
class Rectangle:
    """The outline of pixels ``x0 <= column < x1``, ``y0 <= row < y1``."""

    x0: float
    x1: float
    y0: float
    y1: float
    color: str
    label: str = ""


Mark = Dot | Line | Rectangle


@attrs.frozen(eq=False)
class Seen:
    """What a display itself says that it shows; None where it cannot say.

    Parameters
    ----------
    data : ndarray or None
        Pixels, as many as the display has.
    scale : Scale or None
    view : View or None
    marks : int or None
        How many.
    planes : mapping of str to PlaneStyle, or None
    """

    data: npt.NDArray[Any] | None = None
    scale: Scale | None = None
    view: View | None = None
    marks: int | None = None
    planes: Mapping[str, PlaneStyle] | None = None


def plain_mark(mark: Mark) -> dict[str, Any]:
    """Return a mark as JSON has it."""
    kind = {Dot: "dot", Line: "line", Rectangle: "box"}[type(mark)]
    return {"kind": kind, **attrs.asdict(mark)}


def finite(name: str, *values: float) -> tuple[float, ...]:
    """Check numbers that a user gave.

    Raises
    ------
    ParameterError
        If one is not finite.
    """
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        numbers = (float("nan"),)
    if not np.isfinite(numbers).all():
        raise ParameterError(name, values if len(values) > 1 else values[0], "finite numbers")
    return numbers
