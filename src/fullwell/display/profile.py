"""Cuts through a frame, and averages of its rows or columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.display.inputs import frame_of, good_pixels, value_words
from fullwell.display.plot import BLUE, Plot, name_axes, plot_on, text
from fullwell.errors import ParameterError
from fullwell.frame import FrameLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["show_profile"]


def show_profile(
    image: FrameLike,
    *,
    against: Literal["column", "row"] = "column",
    at: int | tuple[int, int] | None = None,
    average: Literal["mean", "median"] = "mean",
    label: str | None = None,
    color: str = BLUE,
    title: str | None = None,
    unit: u.UnitBase | str | None = None,
    ax: Axes | None = None,
) -> Plot:
    """Draw the values along one row or column, or the average of many.

    Parameters
    ----------
    image : Frame, CCDData, array, path, Combined or Exposure
        Pixels that are not fit for science leave gaps in a cut, and are left out of an average.
    against : {'column', 'row'}
        What the horizontal axis counts: against the column rows are cut or averaged, against the row columns.
    at : int, (first, stop) or None
        The row or column of a cut; those that are averaged, the last not included; or all.
    average : {'mean', 'median'}
    label, color : str
        For the legend; several profiles can share one `ax`.
    title : str, optional
        The name of the file if not given.
    unit : unit, optional
        Of a bare array.
    ax : matplotlib Axes, optional

    Returns
    -------
    Plot
        Its facts are ``positions`` and ``values``.

    Raises
    ------
    ParameterError
        If an option is impossible, or `at` lies outside of the frame.
    """
    if against not in ("column", "row"):
        raise ParameterError("against", against, "'column' or 'row'")
    if average not in ("mean", "median"):
        raise ParameterError("average", average, "'mean' or 'median'")
    frame = frame_of(image, unit=unit)
    data, good = frame.data, good_pixels(frame)
    if against == "row":
        data, good = data.T, good.T
    part = _part(at, data.shape[0])
    values = _averaged(data[part], good[part], average)
    positions = np.arange(values.size)
    plot = plot_on(ax, (6.4, 3.2))
    words = _words(against, average, part) if label is None else label
    plot.axes.plot(positions, values, color=color, linewidth=1, drawstyle="steps-mid", label=text(words))
    plot.axes.margins(x=0.01, y=0.1)
    title = frame.source if title is None else title
    name_axes(plot.axes, f"{against} (pixel)", value_words(frame.unit), title=title)
    return attrs.evolve(plot, facts={"positions": positions, "values": values})


def _part(at: Any, length: int) -> slice:
    try:
        first, stop = (0, length) if at is None else at if np.ndim(at) else (at, at + 1)
        fine = (int(first), int(stop)) == (first, stop) and 0 <= first < stop <= length
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise ParameterError("at", at, f"0 to {length - 1}, (first, stop) up to {length}, or None for all")
    return slice(int(first), int(stop))


def _averaged(data: npt.NDArray[Any], good: npt.NDArray[np.bool_], average: str) -> npt.NDArray[np.float64]:
    count = good.sum(axis=0)
    if average == "mean":
        total = np.where(good, data, 0).sum(axis=0, dtype=np.float64)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)
    values = np.full(data.shape[1], np.nan)
    some = count > 0
    values[some] = np.nanmedian(np.where(good, data, np.nan)[:, some].astype(np.float64), axis=0)
    return values


def _words(against: str, average: str, part: slice) -> str:
    across = "row" if against == "column" else "column"
    if part.stop - part.start == 1:
        return f"{across} {part.start}"
    return f"{average} of {across}s {part.start} to {part.stop - 1}"
