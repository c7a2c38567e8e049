"""One frame of a whole detector after several stages of its chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from fullwell import Scene, SignalChain, Sky, Stars

STAGES = (
    ("flat", "light through optics and silicon", (1050, 1350)),
    ("shot_noise", "counted photo-electrons", (1050, 1350)),
    ("full_well", "dark, cosmic rays, bleeding", (1050, 1350)),
    ("cti", "in the register: raw layout", (0, 1400)),
    ("crosstalk", "read noise and crosstalk", (-30, 60)),
    ("adc", "raw frame", (23_000, 28_000)),
)


def draw(target: Path) -> None:
    """Draw the stages of a small LSST sensor with sixteen amplifiers."""
    chain = SignalChain.preset("lsst-itl", amplifier=(100, 40), seed=1)
    assert chain.detector is not None
    rows, columns = chain.detector.shape
    stars = Stars.random(40, shape=(rows, columns), flux=(300, 6e4), seed=6, fwhm=4.0)
    bright = Stars([210.0], [140.0], [1e6], fwhm=4.0)
    exposure = chain.expose(Scene([Sky(40.0), stars, bright]), 30.0, seed=1, stages=True)

    grays = colormaps["gray"].resampled(16)  # noise in more of them packs badly
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(2, 3)
    for ax, (name, title, (low, high)) in zip(axes.flat, STAGES, strict=True):
        frame = exposure.stages[name]
        shown = ax.imshow(
            np.asarray(frame.data, np.float32),
            origin="lower",
            cmap=grays,
            interpolation="nearest",
            vmin=low,
            vmax=high,
            aspect="auto",
        )
        ax.set_title(f"{name}: {title}", fontsize=8.5)
        ax.tick_params(labelsize=7)
        ax.set_xlabel("column", fontsize=7)
        ax.set_ylabel("row", fontsize=7)
        unit = "ADU" if str(frame.unit) == "adu" else "electrons"
        bar = figure.colorbar(shown, ax=ax, orientation="horizontal", shrink=0.8, aspect=30)
        bar.set_label(unit, fontsize=8)
        bar.set_ticks(np.linspace(low, high, 3))
        bar.ax.tick_params(labelsize=7)
    figure.savefig(target, dpi=75)
