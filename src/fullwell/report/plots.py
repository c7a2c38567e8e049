"""Small plots for reports, as SVG that takes its colors from the page.

Matplotlib draws them with its object interface, so that no global figure is left behind. Text
stays text, and the colors of the page take the place of fixed ones: a plot is as readable in the
dark as on paper.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.errors import ParameterError

__all__ = ["Series", "histogram_plot", "line_plot"]

_SIZE = (5.4, 3.0)
#: Drawn by matplotlib, replaced by what the style sheet of the page says (or, elsewhere, the second).
_PAGE_COLORS = {
    "#010101": "currentColor",
    "#020202": "var(--soft, #52606f)",
    "#030303": "var(--line, #dde3ea)",
    "#040401": "var(--series-1, #1d5bb8)",
    "#040402": "var(--series-2, #c2570c)",
    "#040403": "var(--series-3, #17693f)",
    "#040404": "var(--series-4, #8a3fa0)",
}
_INK, _SOFT, _LINE, *_SERIES = _PAGE_COLORS
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"


@attrs.frozen(eq=False)
class Series:
    """Values to be drawn with one color.

    Parameters
    ----------
    x, y : sequence of float
    errors : sequence of float, optional
        Standard errors of `y`.
    label : str
        For the legend.
    points : bool
        Draw points; else a line.
    """

    x: Sequence[float] | npt.NDArray[Any]
    y: Sequence[float] | npt.NDArray[Any]
    errors: Sequence[float] | npt.NDArray[Any] | None = None
    label: str = ""
    points: bool = False


def line_plot(
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    x_log: bool = False,
    y_log: bool = False,
    size: tuple[float, float] = _SIZE,
) -> bytes:
    """Draw up to four series of points or lines.

    Parameters
    ----------
    series : sequence of Series
        Values that are not finite leave gaps.
    x_label, y_label : str
        What the axes show, with units.
    x_log, y_log : bool
        Logarithmic axes.
    size : tuple of float
        Width and height in inches; the page scales the plot to its column.

    Returns
    -------
    bytes
        An SVG file; the same values give the same bytes.

    Raises
    ------
    ParameterError
        If there are no or too many series, or x and y differ in length.
    """
    if not 1 <= len(series) <= len(_SERIES):
        raise ParameterError("series", len(series), f"1 to {len(_SERIES)}")
    figure, axes = _axes(size, x_label, y_label)
    for one, color in zip(series, _SERIES, strict=False):
        if np.shape(one.x) != np.shape(one.y):
            raise ParameterError("series", (np.shape(one.x), np.shape(one.y)), "x and y of one length")
        style = {"marker": "o", "markersize": 4.5, "linestyle": "none"} if one.points else {"linewidth": 1.8}
        label = _plain(one.label) if one.label else None
        axes.errorbar(
            one.x,
            one.y,
            yerr=one.errors,
            color=color,
            label=label,
            elinewidth=1.2,
            zorder=3 if one.points else 2,
            **style,
        )
    if x_log:
        axes.set_xscale("log")
    if y_log:
        axes.set_yscale("log")
    return _finish(figure, axes)


def histogram_plot(
    values: npt.NDArray[Any],
    *,
    x_label: str,
    bins: int = 100,
    limits: tuple[float, float] | None = None,
    marks: Sequence[tuple[float, str]] = (),
    y_log: bool = True,
    size: tuple[float, float] = _SIZE,
) -> bytes:
    """Draw how often each value occurs.

    Parameters
    ----------
    values : ndarray
        Any shape; values that are not finite are left out.
    x_label : str
        What the values are, with unit.
    bins : int
        Number of bins. Integers are binned by whole numbers, so that no comb appears.
    limits : tuple of float, optional
        Least and greatest value; without it 0.05 % are cut off at each end.
    marks : sequence of (value, label)
        Vertical lines.
    y_log : bool
        Logarithmic counts.
    size : tuple of float
        Width and height in inches.

    Returns
    -------
    bytes
        An SVG file.

    Raises
    ------
    ParameterError
        If no value is finite.
    """
    flat = np.ravel(values)
    flat = flat[np.isfinite(flat)]
    if flat.size == 0:
        raise ParameterError("values", "none finite", "at least one finite value")
    low, high = limits if limits is not None else (float(v) for v in np.percentile(flat, [0.05, 99.95]))
    counts, edges = np.histogram(flat, bins=_edges(low, high, bins, whole=flat.dtype.kind in "iu"))
    figure, axes = _axes(size, x_label, "pixels")
    axes.stairs(counts, edges, color=_SERIES[0], fill=True, alpha=0.28, linewidth=0)
    axes.stairs(counts, edges, color=_SERIES[0], linewidth=1.4)
    for (mark, label), color in zip(marks, itertools.cycle(_SERIES[1:]), strict=False):
        axes.axvline(mark, color=color, linewidth=1.4, linestyle=(0, (4, 3)), label=_plain(label))
    if y_log:
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
    axes.set_xlim(edges[0], edges[-1])
    return _finish(figure, axes)


def _edges(low: float, high: float, bins: int, *, whole: bool) -> npt.NDArray[np.float64]:
    if not low < high:
        low, high = low - 0.5, low + 0.5
    if not whole:
        return np.linspace(low, high, bins + 1)
    step = max(1.0, np.ceil((high - low + 1) / bins))
    return np.arange(np.floor(low) - 0.5, np.ceil(high) + step, step)


def _axes(size: tuple[float, float], x_label: str, y_label: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_SOFT)
    axes.tick_params(which="both", colors=_SOFT, labelsize=10, length=3)
    axes.tick_params(axis="y", which="both", length=0)
    axes.grid(visible=True, axis="y", color=_LINE, linewidth=1)
    axes.set_axisbelow(True)
    axes.set_xlabel(_plain(x_label), color=_INK, fontsize=11)
    axes.set_ylabel(_plain(y_label), color=_INK, fontsize=11)
    return figure, axes


def _finish(figure: Any, axes: Any) -> bytes:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    _, labels = axes.get_legend_handles_labels()
    if labels:
        axes.legend(frameon=False, fontsize=10, labelcolor=_INK, loc="best")
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "fullwell"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().decode("utf-8")
    for placeholder, color in _PAGE_COLORS.items():
        text = text.replace(placeholder, color)
    # Rules for all elements would reach out into the page, and fonts are its business too.
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"font: ([\d.]+px) [^;\"]*", rf"font: \1 {_FONT}", text)
    return text.encode("utf-8")


def _plain(label: str) -> str:
    """Text that matplotlib takes as it is: no formulas, and no hidden legend entries."""
    label = label.replace("$", r"\$")
    return "\N{ZERO WIDTH SPACE}" + label if label.startswith("_") else label
