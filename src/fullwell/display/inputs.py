"""What can be looked at: frames, CCDData, arrays, files, and many of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Box
from fullwell.errors import FrameError, ParameterError
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.io import frames, read

__all__ = ["Place", "box_at", "frame_of", "frames_of", "good_pixels", "unit_words", "value_words"]

#: A pixel as (column, row), or a box of them.
Place = tuple[int, int] | Box

_WORDS = {u.adu: "ADU", u.electron: "e-", u.dimensionless_unscaled: ""}


def frame_of(value: Any, *, unit: u.UnitBase | str | None = None) -> Frame:
    """Turn anything that is one image into a frame.

    Parameters
    ----------
    value : Frame, CCDData, array, path, or what holds a frame (Combined, Exposure)
        Booleans become 0 and 1.
    unit : unit, optional
        Of a bare array, which has none if it is not given.

    Raises
    ------
    FrameError
        If it is no image.
    FileError
        If it is the name of a file that cannot be read.
    """
    if isinstance(value, str | os.PathLike):
        return as_frame(read(value), unit=unit)
    if isinstance(getattr(value, "frame", None), Frame):
        value = value.frame
    if isinstance(value, FrameSet | list | tuple) and len(value) == 1:
        return frame_of(value[0], unit=unit)
    if isinstance(value, FrameSet):
        raise FrameError(f"{len(value)} frames where one is looked at; choose one, as in frames[0]")
    bare = not isinstance(value, Frame | u.Quantity) and not hasattr(value, "uncertainty")
    if bare:
        array = value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
        value = array.astype(np.uint8) if array.dtype == bool else array
        unit = u.dimensionless_unscaled if unit is None else unit
    return as_frame(value, unit=unit)


def frames_of(values: Any) -> Iterator[tuple[str, Frame]]:
    """Load many images one after the other, each with its name.

    Parameters
    ----------
    values : FrameSet, pattern, cube, or iterable of what `frame_of` takes

    Raises
    ------
    FrameError
        If the images differ in shape.
    """
    shape: tuple[int, int] | None = None
    for name, value in _named(values):
        frame = frame_of(value)
        if shape is not None and frame.shape != shape:
            raise FrameError(f"frame {name} has shape {frame.shape}, the first one {shape}")
        shape = frame.shape
        yield name, frame


def _named(values: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(values, str | os.PathLike):
        values = frames(values)
    if isinstance(values, FrameSet):
        return zip(values.names, values, strict=True)
    if isinstance(values, Frame) or hasattr(values, "uncertainty") or getattr(values, "ndim", 3) != 3:
        raise FrameError("one frame where a stack of them is looked at; give a list, a FrameSet or a pattern")
    return ((_name(value, index), value) for index, value in enumerate(values))


def _name(value: Any, index: int) -> str:
    if isinstance(value, str | os.PathLike):
        return os.path.basename(value)  # noqa: PTH119  (of both kinds)
    return str(getattr(value, "source", "")) or str(index)


def good_pixels(frame: Frame) -> npt.NDArray[np.bool_]:
    """Pixels that are finite and fit for science."""
    good: npt.NDArray[np.bool_] = np.isfinite(frame.data)
    if frame.flags.any():
        good &= ~frame.mask
    return good


def box_at(place: Place, shape: tuple[int, int]) -> Box:
    """Turn a pixel or a box into a box that lies inside of an image.

    Raises
    ------
    ParameterError
        If it does not.
    """
    rows, columns = shape
    if isinstance(place, Box):
        box = place
    else:
        try:
            x, y = (int(number) for number in place)
            whole = (x, y) == tuple(place)
        except (TypeError, ValueError):
            whole = False
        if not (whole and 0 <= x < columns and 0 <= y < rows):
            raise ParameterError(
                "at", place, f"(column, row) of 0 to {columns - 1} and 0 to {rows - 1}, or a Box"
            )
        box = Box(x, x + 1, y, y + 1)
    if box.empty or not box.within(shape):
        raise ParameterError("at", box, f"a box with pixels within {columns} columns and {rows} rows")
    return box


def unit_words(unit: u.UnitBase) -> str:
    """Return the unit as it stands on an axis, empty if there is none."""
    return _WORDS[unit] if unit in _WORDS else str(unit)


def value_words(unit: u.UnitBase, *, what: str = "pixel value") -> str:
    """Label of an axis: what it shows, and the unit."""
    words = unit_words(unit)
    return f"{what} ({words})" if words else what
