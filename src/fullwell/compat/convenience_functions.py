"""How the CCD Data Reduction Guide shows images, under the guide's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fullwell.errors import FrameError, ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["display_cosmic_rays", "image_snippet", "show_image"]

_SNIPPET = 80


def show_image(
    image: npt.ArrayLike,
    percl: float = 99,
    percu: float | None = None,
    is_mask: bool = False,
    figsize: tuple[float, float] | None = (6, 10),
    cmap: str = "viridis",
    log: bool = False,
    show_colorbar: bool = True,
    show_ticks: bool = True,
    fig: Figure | None = None,
    ax: Axes | None = None,
    input_ratio: int | None = None,
) -> None:
    """Show an image in matplotlib, shrunk to about the pixels of the figure.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    percl, percu : float
        Percentiles that become black and white. Without `percu`, `percl` is the upper one and the
        lower lies as far from 0 as that from 100: 99 shows 1 to 99 %.
    is_mask : bool
        All values are 0 or 1. A block with any 1 in it is drawn as 1.
    figsize : tuple of float or None
        Inches of a new figure; None is matplotlib's own size.
    cmap : str
        Color map.
    log : bool
        Logarithmic scale instead of a linear one.
    show_colorbar, show_ticks : bool
    fig, ax : Figure and Axes, optional
        Where to draw; both or neither. Without them, a new figure.
    input_ratio : int, optional
        Pixels along the side of a block that becomes one pixel of the picture, at most. Blocks keep
        their mean, and the axes count pixels of `image`.

    Raises
    ------
    ParameterError
        If only one of `fig` and `ax` is given, or a percentile or the ratio is impossible.
    FrameError
        If `image` is no image.
    """
    import matplotlib.pyplot as plt
    from astropy.visualization import ImageNormalize, LinearStretch, LogStretch

    from fullwell.picture import pool_pixels

    if (fig is None) != (ax is None):
        raise ParameterError("fig, ax", (fig, ax), "both or neither")
    data = np.asarray(image)
    if data.ndim != 2 or data.size == 0:
        raise FrameError(f"an image has rows and columns, and is no array of shape {data.shape}")
    if input_ratio is not None and input_ratio < 1:
        raise ParameterError("input_ratio", input_ratio, "1 or more pixels")
    data = data.astype(np.uint8) if data.dtype == bool else data
    if fig is None or ax is None:
        fig, ax = plt.subplots(1, 1, figsize=figsize)
    ratio = _ratio(data, fig, ax) if input_ratio is None else int(input_ratio)
    width = -(-data.shape[1] // ratio)
    small, empty = pool_pixels(data, width=width, pool="max" if is_mask else "mean")
    block = -(-data.shape[1] // width)
    shown = np.ma.masked_array(small, empty)
    low, high = (0.0, 1.0) if is_mask else _limits(shown.compressed(), percl, percu)
    norm = ImageNormalize(vmin=low, vmax=high, stretch=LogStretch() if log else LinearStretch())
    reach = (-0.5, small.shape[1] * block - 0.5, -0.5, small.shape[0] * block - 0.5)
    picture = ax.imshow(shown, origin="lower", cmap=cmap, extent=reach, aspect="equal", norm=norm)
    ax.set(xlim=(-0.5, data.shape[1] - 0.5), ylim=(-0.5, data.shape[0] - 0.5))
    if show_colorbar:
        fig.colorbar(picture, ax=ax, fraction=0.046, pad=0.04)  # as high as the image
    if not show_ticks:
        ax.tick_params(labelbottom=False, labelleft=False)


def image_snippet(
    image: npt.ArrayLike,
    center: Sequence[float],
    width: int = 50,
    axis: Axes | None = None,
    fig: Figure | None = None,
    is_mask: bool = False,
    pad_black: bool = False,
    **kwargs: Any,
) -> None:
    """Show the surroundings of one place of an image.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
    center : (x, y)
        Column and row.
    width : int
        Side of the square that is shown, pixels.
    axis, fig : Axes and Figure, optional
        Where to draw; both or neither.
    is_mask : bool
        All values are 0 or 1.
    pad_black : bool
        Beyond the edge of the image, zeros fill the square; without it the snippet is smaller there.
    **kwargs
        For `show_image`.

    Raises
    ------
    ParameterError
        If the square does not touch the image.
    """
    from astropy.nddata import Cutout2D, NoOverlapError

    options = {"mode": "partial", "fill_value": 0} if pad_black else {"mode": "trim"}
    try:
        part = Cutout2D(np.asarray(image), tuple(center), width, **options)
    except NoOverlapError as error:
        raise ParameterError("center", center, f"a place in an image of shape {np.shape(image)}") from error
    look: dict[str, Any] = {"cmap": "gray", "show_colorbar": False, "show_ticks": False} | kwargs
    show_image(part.data, ax=axis, fig=fig, is_mask=is_mask, **look)


def display_cosmic_rays(
    cosmic_rays: Any,
    images: Sequence[npt.ArrayLike],
    titles: Sequence[str] | None = None,
    only_display_rays: Sequence[int] | None = None,
) -> None:
    """Show cosmic rays in a mask and in other images: a row for each ray, a column for each image.

    Parameters
    ----------
    cosmic_rays : photutils.segmentation.SegmentationImage
        The rays; those that touch are one.
    images : sequence of ndarray
        The first is the mask of the rays.
    titles : sequence of str, optional
        Above the columns.
    only_display_rays : sequence of int, optional
        Numbers of the rays to be shown, counted from 0; all without it.

    Raises
    ------
    ParameterError
        If there are not as many titles as images, or there is no ray of a number.
    """
    import matplotlib.pyplot as plt

    if titles is not None and len(titles) != len(images):
        raise ParameterError("titles", titles, f"as many as images: {len(images)}")
    boxes = [box for box in cosmic_rays.slices if box is not None]
    numbers = range(len(boxes)) if only_display_rays is None else only_display_rays
    wrong = [number for number in numbers if not 0 <= number < len(boxes)]
    if wrong or not len(numbers):
        raise ParameterError("only_display_rays", wrong, f"numbers of the {len(boxes)} rays, counted from 0")
    size = (3 * len(images), 3 * len(numbers))
    fig, axes = plt.subplots(len(numbers), len(images), figsize=size, squeeze=False)
    for number, row in zip(numbers, axes, strict=True):
        y, x = ((side.start + side.stop - 1) / 2 for side in boxes[number])
        for column, (image, axis) in enumerate(zip(images, row, strict=True)):
            image_snippet(image, (x, y), width=_SNIPPET, axis=axis, fig=fig, is_mask=column == 0)
        row[0].set_title(f"Cosmic ray {number}")
    for axis, title in zip(axes[0], titles or (), strict=False):
        axis.set_title(f"{title}\n{axis.get_title()}".strip())


def _ratio(data: npt.NDArray[Any], fig: Figure, ax: Axes) -> int:
    """Pixels of the image for one of the figure."""
    inches = ax.get_window_extent().transformed(fig.dpi_scale_trans.inverted())
    room = max(inches.width, inches.height) * fig.dpi
    return max(int(max(data.shape) / max(room, 1)), 1)


def _limits(values: npt.NDArray[Any], percl: float, percu: float | None) -> tuple[float, float]:
    lower, upper = (100 - percl, percl) if percu is None else (percl, percu)
    if not 0 <= lower < upper <= 100:
        raise ParameterError("percl, percu", (percl, percu), "0 to 100, the lower first; percl alone from 50")
    if not values.size:
        return 0.0, 1.0  # all is NaN: nothing is drawn
    low, high = (float(value) for value in np.percentile(values, [lower, upper]))
    return (low, high) if low < high else (low - 0.5, low + 0.5)
