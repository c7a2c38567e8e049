"""A display zoomed to a hot pixel, with marks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import fullwell as fw

__all__ = ["draw"]


def draw(path: Path) -> None:
    """Draw the picture."""
    random = np.random.default_rng(7)
    dark = fw.Frame(random.normal(1000, 8, (200, 300)).astype(np.float32), source="first dark")
    hot = random.random(dark.shape) < 0.002
    hot[80, 120] = True
    dark.data[hot] += random.exponential(200, int(hot.sum())).astype(np.float32)
    dark.data[80, 120] = 1600
    dark.flags[hot] = fw.Flags.HOT
    with fw.Display(900, backend="matplotlib") as display:
        display.scale("asinh", 99.5).mask_color("HOT", "magenta").mask_transparency(0.3)
        display.mtv(dark).zoom(7).pan(120, 80)
        display.dot(120, 80, size=4, color="cyan", label="hot").box(fw.Box(85, 110, 50, 70), label="a box")
        display.line([(140, 40), (160, 120)], color="yellow")
        display.save(path)


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "pictures" / "display_marks.png")
