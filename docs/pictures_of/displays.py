"""A dark with its hot pixels marked, its histogram, a pixel through a stack, and the profile of its rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import fullwell as fw

__all__ = ["draw"]

PIXEL = (90, 45)


def draw(path: Path) -> None:
    """Draw the picture."""
    random = np.random.default_rng(12)
    y, x = np.indices((120, 160))
    level = 1000 + 4 * np.exp(-y / 30) + 3 * x / 160
    hot = random.random(level.shape) < 0.003
    level[hot] += random.exponential(300, int(hot.sum()))
    darks = [fw.Frame(np.rint(random.normal(level, 6)).astype(np.uint16)) for _ in range(20)]
    for dark in darks:
        dark.flags[hot] = fw.Flags.HOT
    darks[13].data[PIXEL[1], PIXEL[0]] += 90

    figure = Figure(figsize=(11, 7.6), layout="constrained")
    axes = figure.subplots(2, 2, width_ratios=(1.1, 1))
    for ax in axes.flat:
        ax.tick_params(labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    fw.show_image(darks[0], planes="HOT", opacity=1.0, ax=axes[0, 0], title="a dark")
    fw.show_histogram(darks[0], masked=True, ax=axes[0, 1], title="its values")
    fw.show_series(darks, [PIXEL, fw.Box(0, 160, 0, 10)], ax=axes[1, 0], title="through the stack")
    fw.show_profile(darks[0], against="row", ax=axes[1, 1], title="its rows")
    figure.savefig(path, dpi=80)


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "pictures" / "displays.png")
