"""A pixel, or a box of them, through a stack of frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Box
from fullwell.display.inputs import Place, box_at, frames_of, good_pixels, unit_words, value_words
from fullwell.display.plot import BLUE, ORANGE, RED, SOFT, Plot, name_axes, plot_on
from fullwell.errors import FrameError, NotEnoughFrames, ParameterError
from fullwell.frame import Frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["show_series"]

_COLORS = (BLUE, "#17693f", "#8a3fa0", ORANGE, SOFT)
#: Standard deviation over median absolute deviation, and over mean absolute deviation, of a Gaussian.
_FROM_MEDIAN, _FROM_MEAN = 1.4826, 1.2533


def show_series(
    frames: Any,
    at: Place | Sequence[Place],
    *,
    against: Literal["frame", "exposure_time"] = "frame",
    average: Literal["mean", "median"] = "mean",
    outliers: float = 5.0,
    title: str | None = None,
    ax: Axes | None = None,
) -> Plot:
    """Draw the value of a pixel, or the average of a box, in each frame of a stack.

    Parameters
    ----------
    frames : FrameSet, pattern, cube, or sequence of Frames, CCDData, arrays and paths
        Each is loaded once, one at a time.
    at : (column, row), Box, or up to five of these
        Pixels of one that is not fit for science are left out of the average of a box; a single pixel is
        shown whatever it is.
    against : {'frame', 'exposure_time'}
        What the horizontal axis counts.
    average : {'mean', 'median'}
        Of a box.
    outliers : float
        From how many sigma on a value is marked; sigma is 1.4826 times the median absolute deviation.
    title : str, optional
    ax : matplotlib Axes, optional

    Returns
    -------
    Plot
        Its facts are ``names`` of the frames, and ``values``, ``median``, ``spread`` and ``outliers``
        (indices of frames), each with one entry a place.

    Raises
    ------
    ParameterError
        If a place lies outside of the frames, or an option is impossible.
    NotEnoughFrames
        If there is no frame.
    """
    places = _places(at)
    if not 1 <= len(places) <= len(_COLORS):
        raise ParameterError("at", len(places), f"1 to {len(_COLORS)} places")
    for name, value, allowed in (
        ("against", against, ("frame", "exposure_time")),
        ("average", average, ("mean", "median")),
    ):
        if value not in allowed:
            raise ParameterError(name, value, " or ".join(map(repr, allowed)))
    if not outliers > 0:
        raise ParameterError("outliers", outliers, "a number of sigma above 0")
    names, x, values, unit = _collect(frames, places, against, average)
    plot = plot_on(ax, (6.4, 3.4))
    facts: dict[str, Any] = {"names": names, "values": values, "median": [], "spread": [], "outliers": []}
    for place, line, color in zip(places, values, _COLORS, strict=False):
        median, spread = _center(line)
        # A spread of nothing is that of a value which never changes: any other one is an outlier.
        far = np.flatnonzero(np.abs(line - median) > outliers * spread)
        _draw_line(plot.axes, x, line, far, color, _words(place, median, spread, unit_words(unit)), median)
        for key, fact in (("median", median), ("spread", spread), ("outliers", far.tolist())):
            facts[key].append(fact)
    if against == "frame":
        plot.axes.locator_params(axis="x", integer=True)
    what = f"{average} of the box" if all(isinstance(place, Box) for place in places) else "pixel value"
    x_words = "frame" if against == "frame" else "exposure time (s)"
    name_axes(plot.axes, x_words, value_words(unit, what=what), title=title or "")
    return attrs.evolve(plot, facts=facts)


def _places(at: Any) -> list[Any]:
    several = isinstance(at, Sequence) and any(isinstance(part, Box | Sequence) for part in at)
    return list(at) if several else [at]


def _collect(
    frames: Any, places: Sequence[Any], against: str, average: str
) -> tuple[list[str], npt.NDArray[np.float64], npt.NDArray[np.float64], u.UnitBase]:
    names: list[str] = []
    x: list[float] = []
    rows: list[list[float]] = []
    unit: u.UnitBase = u.dimensionless_unscaled
    for index, (name, frame) in enumerate(frames_of(frames)):
        names.append(name)
        if against == "exposure_time" and frame.exposure_time is None:
            raise FrameError(f"frame {name} has no exposure time")
        x.append(index if frame.exposure_time is None or against == "frame" else frame.exposure_time)
        rows.append([_value(frame, box_at(place, frame.shape), average) for place in places])
        unit = frame.unit
    if not rows:
        raise NotEnoughFrames("there is no frame to look at")
    return names, np.array(x, np.float64), np.array(rows, np.float64).T, unit


def _value(frame: Frame, box: Box, average: str) -> float:
    part = frame.data[box.slices]
    if part.size == 1:
        return float(part[0, 0])
    cut = frame.with_(data=part, variance=None, flags=frame.flags[box.slices], detector=None, shared={})
    values = part[good_pixels(cut)].astype(np.float64)
    if not values.size:
        return float("nan")
    return float(values.mean() if average == "mean" else np.median(values))


def _center(line: npt.NDArray[np.float64]) -> tuple[float, float]:
    finite = line[np.isfinite(line)]
    if not finite.size:
        return float("nan"), float("nan")
    median = float(np.median(finite))
    away = np.abs(finite - median)
    # More than half of the integers may be the same.
    return median, float(_FROM_MEDIAN * np.median(away) or _FROM_MEAN * away.mean())


def _words(place: Any, median: float, spread: float, unit: str) -> str:
    where = f"box {place.section}" if isinstance(place, Box) else f"pixel ({place[0]}, {place[1]})"
    digits = max(0, 2 - int(np.floor(np.log10(spread)))) if spread > 0 else 1
    return f"{where}: median {median:.{digits}f}, sigma {spread:.{digits}f} {unit}".strip()


def _draw_line(
    axes: Axes,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    far: npt.NDArray[np.intp],
    color: str,
    words: str,
    median: float,
) -> None:
    axes.plot(x, y, "o-", color=color, markersize=4, linewidth=0.8, label=words)
    axes.axhline(median, color=color, linewidth=0.8, linestyle=(0, (4, 3)), alpha=0.6)
    if len(far):
        axes.plot(
            x[far], y[far], "o", markersize=10, markerfacecolor="none", markeredgecolor=RED,
            markeredgewidth=1.5, label=f"{len(far)} outlier{'s' if len(far) > 1 else ''}",
        )  # fmt: skip
