"""Frames as pictures, with what their grays and colors mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.display.inputs import frame_of, good_pixels, unit_words
from fullwell.display.plane_colors import MASK_NAME, Planes, choose_planes, color_of, paint_planes
from fullwell.display.plot import INK, SOFT, Plot, name_axes, plot_on
from fullwell.errors import FrameError, ParameterError
from fullwell.frame import Frame, FrameLike
from fullwell.picture import Limits, Pool, Stretch, find_limits, pool_blocks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["show_image", "show_snippet"]

#: Color of what has no value, as in the thumbnails.
_NOTHING = "#c4603c"
_LONGER_SIDE = 7.0  # inches


def show_image(
    image: FrameLike,
    *,
    limits: Limits = "zscale",
    stretch: Stretch = "linear",
    pool: Pool = "mean",
    planes: Planes = None,
    mask: npt.NDArray[np.bool_] | None = None,
    colors: Mapping[str, Any] | None = None,
    opacity: float | Mapping[str, float] = 0.5,
    title: str | None = None,
    unit: u.UnitBase | str | None = None,
    color_map: str = "gray",
    color_bar: bool = True,
    screen: int | None = None,
    ax: Axes | None = None,
) -> Plot:
    """Draw a frame, row 0 at the bottom.

    An image larger than the screen is drawn by blocks of pixels; axes count pixels of the frame all the same.

    Parameters
    ----------
    image : Frame, CCDData, array, path, Combined or Exposure
    limits : {'zscale', 'minmax'}, float or (low, high)
        What becomes black and white; a number is the percentage of the drawn cells between the two. Pixels
        that are not fit for science do not count.
    stretch : {'linear', 'asinh', 'log', 'sqrt'}
        What lies between.
    pool : {'mean', 'max'}
        Value of a block; with the maximum single hot pixels stay visible.
    planes : None, 'all', str, sequence of str, Flags, or mapping of str to ndarray of bool
        Flag planes, or masks of one's own by name, to lay over the image, with a legend.
    mask : ndarray of bool, optional
        A mask to lay over besides.
    colors : mapping of str to color
        By name of the plane (``'MASK'`` for `mask`), instead of `fullwell.display.PLANE_COLORS`.
    opacity : float or mapping of str to float
        Of the planes, 0 to 1.
    title : str, optional
        The name of the file if not given.
    unit : unit, optional
        Of a bare array.
    color_map : str
        Any of matplotlib's.
    color_bar : bool
        Whether to draw one, with the unit.
    screen : int, optional
        Greatest number of cells a side; as many as the picture has pixels at 100 to the inch if not given, so
        that none is lost. For a larger print give more.
    ax : matplotlib Axes, optional
        Where to draw; a figure of its own if not given.

    Returns
    -------
    Plot
        Its facts are ``limits`` (low, high), ``block`` (side of a block in pixels) and ``flagged`` (pixels
        of each plane).

    Raises
    ------
    ParameterError
        If an option is impossible.
    FrameError
        If there is no image, or the mask does not fit it.
    """
    if screen is not None and screen < 1:
        raise ParameterError("screen", screen, "1 or more")
    frame = frame_of(image, unit=unit)
    laid = _laid_over(frame, planes, mask)
    plot = plot_on(ax, _size(frame.shape, legend=bool(laid), color_bar=color_bar))
    step = max(-(-side // (screen or _cells(ax))) for side in frame.shape)
    look = _Look(limits, stretch, pool, color_map, step)
    drawn, found = _draw(plot, frame, look)
    if color_bar:
        _draw_color_bar(plot, drawn, frame, look)
    if laid:
        _lay_over(plot, laid, look, colors, opacity)
    _label(plot.axes, frame.shape, frame.source if title is None else title)
    flagged = {name: int(np.count_nonzero(plane)) for name, plane in laid.items()}
    return attrs.evolve(plot, facts={"limits": found, "block": step, "flagged": flagged})


def show_snippet(
    image: FrameLike,
    center: tuple[float, float],
    *,
    size: int | tuple[int, int] = 50,
    mask: npt.NDArray[np.bool_] | None = None,
    title: str | None = None,
    **options: Any,
) -> Plot:
    """Draw what lies around a place.

    Parameters
    ----------
    image : Frame, CCDData, array, path, Combined or Exposure
    center : tuple of float
        Column and row.
    size : int or (int, int)
        Columns and rows. Beyond the edge of the frame the picture stays empty, and the center in its middle.
    mask, title, **options
        As for `show_image`; limits are those of the cut-out.

    Returns
    -------
    Plot
        As of `show_image`.

    Raises
    ------
    ParameterError
        If nothing of the frame lies there.
    """
    frame = frame_of(image, unit=options.pop("unit", None))
    wide, high = (size, size) if isinstance(size, int | np.integer) else size
    if not (wide >= 1 and high >= 1):
        raise ParameterError("size", size, "1 or more pixels")
    x, y = (int(np.floor(c - side / 2 + 0.5)) for c, side in zip(center, (wide, high), strict=True))
    rows, columns = (slice(max(0, start), max(0, start + side)) for start, side in ((y, high), (x, wide)))
    part = frame.data[rows, columns]
    if part.size == 0:
        allowed = f"a place within {size} pixels of {frame.shape[1]} columns and {frame.shape[0]} rows"
        raise ParameterError("center", center, allowed)
    cut = frame.with_(data=part, variance=None, flags=frame.flags[rows, columns], detector=None, shared={})
    if mask is not None:
        if np.shape(mask) != frame.shape:
            raise FrameError(f"a mask of {np.shape(mask)} does not fit an image of {frame.shape}")
        mask = mask[rows, columns]
    laid = options.pop("planes", None)
    if isinstance(laid, Mapping):
        laid = {name: plane[rows, columns] for name, plane in choose_planes(laid, frame.flags).items()}
    words = f"{frame.source} around ({center[0]:g}, {center[1]:g})".strip() if title is None else title
    plot = show_image(cut, mask=mask, planes=laid, title=words, **options)
    for picture in plot.axes.images:
        left, right, bottom, top = picture.get_extent()
        picture.set_extent(
            (left + columns.start, right + columns.start, bottom + rows.start, top + rows.start)
        )
    plot.axes.set(xlim=(x - 0.5, x + wide - 0.5), ylim=(y - 0.5, y + high - 0.5))
    return plot


@attrs.frozen
class _Look:
    limits: Limits
    stretch: Stretch
    pool: Pool
    color_map: str
    step: int


def _laid_over(
    frame: Frame, planes: Planes, mask: npt.NDArray[np.bool_] | None
) -> dict[str, npt.NDArray[np.bool_]]:
    laid = choose_planes(planes, frame.flags)
    if mask is not None:
        if np.shape(mask) != frame.shape:
            raise FrameError(f"a mask of {np.shape(mask)} does not fit an image of {frame.shape}")
        laid[MASK_NAME] = np.asarray(mask, bool)
    return laid


def _cells(ax: Axes | None) -> int:
    """Screen pixels of the longer side of the axes."""
    if ax is None:
        return round(100 * _LONGER_SIDE)
    extent = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
    return max(1, round(100 * max(extent.width, extent.height)))


def _size(shape: tuple[int, int], *, legend: bool, color_bar: bool) -> tuple[float, float]:
    """Inches for an image of this form, with room for what stands around it."""
    rows, columns = shape
    scale = _LONGER_SIDE / max(rows, columns)
    wide, high = max(columns * scale, 1.5), max(rows * scale, 1.2)
    return wide + 0.8 + 0.9 * color_bar, high + 0.9 + 0.4 * legend


def _draw(plot: Plot, frame: Frame, look: _Look) -> tuple[Any, tuple[float, float]]:
    from fullwell.display.norm import StretchNorm

    cells, empty = pool_blocks(frame.data, step=look.step, pool=look.pool)
    bad = ~good_pixels(frame)
    every = bad if look.step == 1 else pool_blocks(frame.data, step=look.step, mask=bad)[1]
    # Where nothing is fit for science, its range is better than none.
    low, high = find_limits(cells, limits=look.limits, mask=every if not every.all() else empty)
    cells[empty] = np.nan
    height, width = (side * look.step for side in cells.shape)
    drawn = plot.axes.imshow(
        cells,
        cmap=_color_map(look.color_map),
        norm=StretchNorm(low, high, look.stretch),
        origin="lower",
        extent=(-0.5, width - 0.5, -0.5, height - 0.5),
        interpolation="nearest",
    )
    return drawn, (low, high)


def _color_map(name: str) -> Any:
    import matplotlib

    if name not in matplotlib.colormaps:
        raise ParameterError("color_map", name, "a color map of matplotlib, such as 'gray' or 'viridis'")
    return matplotlib.colormaps[name].with_extremes(bad=_NOTHING)


def _draw_color_bar(plot: Plot, drawn: Any, frame: Frame, look: _Look) -> None:
    from fullwell.display.norm import ticks_of

    cells = drawn.get_array()
    below, above = bool(cells.min() < drawn.norm.vmin), bool(cells.max() > drawn.norm.vmax)
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")
    bar = plot.figure.colorbar(drawn, ax=plot.axes, extend=extend, fraction=0.05, pad=0.02)
    values, names = ticks_of(drawn.norm)
    bar.set_ticks(values, labels=names)
    bar.minorticks_off()
    words = unit_words(frame.unit)
    if look.step > 1:
        each = {"mean": "mean", "max": "maximum"}[look.pool]
        words = f"{words}, {each} of {look.step} × {look.step} pixels".removeprefix(", ")
    bar.set_label(words, color=INK, fontsize=9)
    bar.ax.tick_params(labelsize=8, colors=SOFT)
    bar.outline.set(edgecolor=SOFT, linewidth=0.5)


def _lay_over(
    plot: Plot,
    laid: dict[str, npt.NDArray[np.bool_]],
    look: _Look,
    colors: Mapping[str, Any] | None,
    opacity: float | Mapping[str, float],
) -> None:
    from matplotlib.patches import Patch
    from matplotlib.transforms import offset_copy

    picture = paint_planes(laid, step=look.step, colors=colors, opacity=opacity)
    height, width = (side * look.step for side in picture.shape[:2])
    plot.axes.imshow(
        picture, origin="lower", extent=(-0.5, width - 0.5, -0.5, height - 0.5), interpolation="nearest"
    )
    keys = [
        Patch(color=[part / 255 for part in color_of(name, colors)], label=f"{name} ({plane.sum():,})")
        for name, plane in laid.items()
    ]
    plot.axes.legend(
        handles=keys,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=offset_copy(plot.axes.transAxes, fig=plot.figure, y=-34, units="points"),
        ncols=4,
        frameon=False,
        fontsize=8,
        handlelength=1,
        borderpad=0,
        columnspacing=1,
    )


def _label(axes: Axes, shape: tuple[int, int], title: str) -> None:
    axes.set(xlim=(-0.5, shape[1] - 0.5), ylim=(-0.5, shape[0] - 0.5), aspect="equal")
    name_axes(axes, "column (pixel)", "row (pixel)", title=title, legend=False)
