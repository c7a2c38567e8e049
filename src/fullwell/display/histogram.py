"""How often each pixel value occurs, and what of it is no noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.display.inputs import frame_of, good_pixels, unit_words, value_words
from fullwell.display.plot import BLUE, ORANGE, RED, Plot, name_axes, plot_on, text
from fullwell.errors import FrameError, ParameterError
from fullwell.frame import FrameLike
from fullwell.kernels.histograms import count_values
from fullwell.kernels.spread import clipped_spread
from fullwell.picture import Limits, find_limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["show_histogram"]

Bins = Literal["auto", "whole", "freedman"] | int | Sequence[float]

_MOST_BINS = 5000
_PLAIN_BINS = 200
#: Sigma around the mean that are shown if nothing else is asked for.
_SHOWN = 15.0


def show_histogram(
    image: FrameLike,
    *,
    bins: Bins = "auto",
    limits: Limits | None = None,
    outliers: float = 5.0,
    gaussian: bool = True,
    log: bool = True,
    masked: bool = False,
    label: str = "",
    color: str = BLUE,
    title: str | None = None,
    unit: u.UnitBase | str | None = None,
    ax: Axes | None = None,
) -> Plot:
    """Draw the distribution of pixel values, with the Gaussian of the noise and with what lies outside of it.

    Parameters
    ----------
    image : Frame, CCDData, array, path, Combined or Exposure
        An array may have any number of dimensions.
    bins : {'auto', 'whole', 'freedman'}, int or sequence
        ``'whole'``: one for each whole number, or for as many as it takes to stay below 5000 bins, so that
        values which the converter never or too often gives show as a comb. ``'freedman'``: Freedman and
        Diaconis's rule. ``'auto'``: whole numbers for integers, else 200. Or a number, or edges.
    limits : (low, high), 'minmax', 'zscale' or float, optional
        Values shown, as for `show_image`; if not given, all within 15 sigma of the mean. What lies beyond
        is counted at the edge.
    outliers : float
        From how many sigma on a pixel is an outlier, marked and counted.
    gaussian : bool
        Whether the Gaussian is drawn. Its mean and sigma are those of the pixels that are no outliers.
    log : bool
        Logarithmic counts.
    masked : bool
        Whether pixels not fit for science are counted too; those that are not finite never are.
    label, color : str
        For the legend; several histograms can share one `ax`.
    title : str, optional
        The name of the file if not given.
    unit : unit, optional
        Of a bare array.
    ax : matplotlib Axes, optional

    Returns
    -------
    Plot
        Its facts are ``mean``, ``sigma``, ``outliers`` (number of pixels), ``pixels``, ``beyond`` (number of
        pixels below and above what is shown), ``counts`` and ``edges``.

    Raises
    ------
    ParameterError
        If an option is impossible.
    FrameError
        If no pixel is left.
    """
    if not outliers > 0:
        raise ParameterError("outliers", outliers, "a number of sigma above 0")
    values, kind, name = _values(image, unit, masked=masked)
    normal = clipped_spread(values[np.newaxis], clip=outliers)
    mean, sigma = normal.mean, float(np.sqrt(normal.variance))
    shown = _shown(values, limits, mean, sigma)
    edges = _edges(values, bins, shown)
    counts = _count(values, edges, even=np.ndim(bins) == 0)
    plot = plot_on(ax, (6.4, 3.8))
    axes = plot.axes
    axes.stairs(counts, edges, color=color, fill=True, alpha=0.28, linewidth=0)
    axes.stairs(counts, edges, color=color, linewidth=1.2, label=text(label or f"{values.size:,} pixels"))
    width = outliers * sigma
    far = int(np.count_nonzero((values < mean - width) | (values > mean + width)))
    if gaussian and sigma > 0:
        _draw_gaussian(axes, edges, values.size - far, mean, sigma, unit_words(kind))
    _mark_outliers(axes, counts, edges, (mean - width, mean + width), f"{far:,} beyond {outliers:g} sigma")
    beyond = int(np.count_nonzero(values < edges[0])), int(np.count_nonzero(values > edges[-1]))
    _say_beyond(axes, beyond)
    if log:
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
    if plot.own:
        axes.set_xlim(edges[0], edges[-1])
    name_axes(axes, value_words(kind), "pixels", title=name if title is None else title)
    facts = {"mean": mean, "sigma": sigma, "outliers": far, "pixels": values.size, "beyond": beyond}
    return attrs.evolve(plot, facts={**facts, "counts": counts, "edges": edges})


def _values(image: Any, unit: Any, *, masked: bool) -> tuple[npt.NDArray[Any], u.UnitBase, str]:
    if isinstance(image, np.ndarray) and not isinstance(image, u.Quantity) and image.ndim != 2:
        image = image.reshape(1, -1)
    frame = frame_of(image, unit=unit)
    values = frame.data[np.isfinite(frame.data) if masked else good_pixels(frame)]
    if values.size == 0:
        raise FrameError("no pixel is left to count: all are masked or not finite")
    return values, frame.unit, frame.source


def _shown(values: npt.NDArray[Any], limits: Limits | None, mean: float, sigma: float) -> tuple[float, float]:
    if limits is not None:
        return find_limits(values[np.newaxis], limits=limits)
    low, high = find_limits(values[np.newaxis], limits="minmax")
    reach = _SHOWN * sigma
    return (max(low, mean - reach), min(high, mean + reach)) if sigma > 0 else (low, high)


def _edges(values: npt.NDArray[Any], bins: Any, shown: tuple[float, float]) -> npt.NDArray[np.float64]:
    low, high = shown
    if isinstance(bins, str):
        if bins not in ("auto", "whole", "freedman"):
            raise ParameterError("bins", bins, "'auto', 'whole', 'freedman', a number, or edges")
        if bins == "whole" or (bins == "auto" and values.dtype.kind in "iu"):
            step = int(np.ceil((np.floor(high) - np.ceil(low) + 1) / _MOST_BINS))
            return np.arange(np.ceil(low) - 0.5, np.floor(high) + 0.5 + step, max(step, 1))
        if bins == "auto":
            return np.linspace(low, high, _PLAIN_BINS + 1)
        bins = _freedman(values[(values >= low) & (values <= high)], high - low)
    if np.ndim(bins) == 0:
        if not 1 <= bins <= 10**6:
            raise ParameterError("bins", bins, "1 to a million")
        return np.linspace(low, high, int(bins) + 1)
    edges = np.asarray(bins, np.float64)
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
        raise ParameterError("bins", bins, "at least two edges that rise")
    return edges


def _count(values: npt.NDArray[Any], edges: npt.NDArray[np.float64], *, even: bool) -> npt.NDArray[np.int64]:
    if values.dtype == np.uint16:
        every = count_values(values[np.newaxis])
        return np.histogram(np.arange(every.size), edges, weights=every)[0].astype(np.int64)
    if even:  # numpy need not search then
        return np.histogram(values, edges.size - 1, (edges[0], edges[-1]))[0]
    return np.histogram(values, edges)[0]


def _freedman(values: npt.NDArray[Any], span: float) -> int:
    """Width of 2 IQR / N^(1/3); Freedman and Diaconis 1981, Z. Wahrscheinlichkeitstheorie 57, 453."""
    if values.size == 0:
        return 1
    low, high = np.percentile(values, [25, 75])
    width = 2 * float(high - low) / np.cbrt(values.size)
    return min(_MOST_BINS, max(1, int(np.ceil(span / width)))) if width > 0 else _PLAIN_BINS


def _draw_gaussian(
    axes: Axes, edges: npt.NDArray[np.float64], pixels: int, mean: float, sigma: float, unit: str
) -> None:
    """Draw what each bin would hold, as a smooth curve; bins of different width would need steps."""
    x = np.linspace(max(edges[0], mean - 6 * sigma), min(edges[-1], mean + 6 * sigma), 400)
    width = np.diff(edges)[np.clip(np.searchsorted(edges, x, side="right") - 1, 0, edges.size - 2)]
    y = pixels * width * np.exp(-(((x - mean) / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi))
    seen = y > 0.05
    digits = max(0, int(np.ceil(-np.log10(sigma))) + 2)
    words = f"Gaussian: mean {mean:.{digits}f}, sigma {sigma:.{digits}f} {unit}".strip()
    axes.plot(x[seen], y[seen], color=ORANGE, linewidth=1.5, label=words)


def _mark_outliers(
    axes: Axes,
    counts: npt.NDArray[np.int64],
    edges: npt.NDArray[np.float64],
    inside: tuple[float, float],
    words: str,
) -> None:
    middle = (edges[1:] + edges[:-1]) / 2
    there = (counts > 0) & ((middle < inside[0]) | (middle > inside[1]))
    axes.plot(middle[there], counts[there], "v", markersize=3, color=RED, label=words)


def _say_beyond(axes: Axes, beyond: tuple[int, int]) -> None:
    for count, x, side, arrow in zip(
        beyond, (0.01, 0.99), ("left", "right"), ("< {:,}", "{:,} >"), strict=True
    ):
        if count:
            axes.text(x, 0.02, arrow.format(count), ha=side, fontsize=8, color=RED, transform=axes.transAxes)
