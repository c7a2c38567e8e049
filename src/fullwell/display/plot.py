"""A figure that belongs to nobody: no pyplot, no window, and shown once in a notebook."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BLUE", "INK", "ORANGE", "RED", "SOFT", "Plot", "name_axes", "plain", "plot_on", "text"]

INK, SOFT, BLUE, ORANGE, RED = "#17212d", "#52606f", "#1d5bb8", "#c2570c", "#b01030"


@attrs.frozen(eq=False)
class Plot:
    """What was drawn; ``figure, axes = plot`` takes it apart.

    In a notebook a plot with a figure of its own shows itself as the result of a cell. One that was drawn
    into axes of the caller does not: the caller's figure is shown by whoever made it.

    Parameters
    ----------
    figure : matplotlib Figure
        Not known to pyplot, and gone when nothing refers to it any more.
    axes : matplotlib Axes
        That of the data.
    facts : mapping of str
        Numbers that were found on the way; which, is said where the plot is made.
    own : bool
        Whether the figure was made for this plot.
    """

    figure: Figure
    axes: Axes
    facts: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    own: bool = True

    def __iter__(self) -> Iterator[Any]:
        return iter((self.figure, self.axes))

    def save(self, path: str | os.PathLike[str], *, dpi: float = 120) -> None:
        """Write the figure; the end of the name says how (``.png``, ``.pdf``, ``.svg``).

        Parameters
        ----------
        path : path
        dpi : float
            Pixels per inch.
        """
        self.figure.savefig(path, dpi=dpi)

    def _repr_png_(self) -> bytes | None:
        if not self.own:
            return None
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
        return buffer.getvalue()


def plot_on(ax: Axes | None, size: tuple[float, float]) -> Plot:
    """Take the axes of the caller, or make a figure of `size` inches with new ones."""
    if ax is not None:
        figure: Any = ax.get_figure()
        return Plot(figure, ax, {}, own=False)
    from matplotlib.figure import Figure

    made = Figure(figsize=size, dpi=100, layout="constrained", facecolor="white")
    return Plot(made, plain(made.add_subplot()), {})


def plain(axes: Axes) -> Axes:
    """Take away what no reader looks at."""
    axes.tick_params(labelsize=8, colors=SOFT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(SOFT)
    return axes


def name_axes(axes: Axes, x: str, y: str, *, title: str = "", legend: bool = True) -> None:
    """Write what the axes count, and a legend with room of its own above the data."""
    axes.set_xlabel(x, color=INK, fontsize=9)
    axes.set_ylabel(y, color=INK, fontsize=9)
    if title:
        axes.set_title(text(title), color=INK, fontsize=10)
    if not legend:
        return
    lines = len(axes.get_legend_handles_labels()[1])
    scale = axes.yaxis.get_transform()
    bottom, _ = axes.get_ylim()
    low, high = scale.transform([bottom, axes.dataLim.y1])
    top = low + (high - low) / max(0.94 - 0.065 * lines, 0.4)
    axes.set_ylim(bottom, scale.inverted().transform([top])[0])
    axes.legend(frameon=False, fontsize=8, loc="upper left", labelcolor=INK)


def text(words: str) -> str:
    """Text that matplotlib takes as it is: a dollar sign is no formula."""
    return words.replace("$", r"\$")
