"""Cosmic rays in a dark, what is found of them, and X-rays of iron-55."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
from matplotlib.figure import Figure

from fullwell import ADC, Bias, CosmicRays, Detector, Flags, Gain, ReadNoise, ShotNoise, SignalChain, XRays


def draw(target: Path) -> None:
    """Draw tracks of two and a half hours in thick silicon, what is found of them, and hits of X-rays."""
    detector = attrs.evolve(Detector.single((150, 150)), pixel_size=10.0)
    camera = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()]
    rays = SignalChain([CosmicRays(rate=4.0, depth=100.0), *camera], detector=detector)
    exposure = rays.expose(None, 9000.0, seed=3)
    clean = SignalChain([*camera, CosmicRays()]).correct(exposure.frame)
    found = (clean.flags & Flags.COSMIC_RAY) != 0
    true = exposure.truth["cosmic_rays"]
    iron = SignalChain([XRays(rate=0.6, sigma=0.4), *camera], detector=detector)
    hits = SignalChain(camera).correct(iron.expose(None, 100.0, seed=1).frame).data

    figure = Figure(figsize=(9, 3.3), layout="constrained")
    axes = figure.subplots(1, 3)
    shown = axes[0].imshow(clean.data / 1e3, origin="lower", cmap="gray", vmin=0, vmax=4)
    axes[0].set_title("2.5 hours, 100 µm of silicon", fontsize=9)
    figure.colorbar(shown, ax=axes[0], label="1000 electrons", orientation="horizontal", shrink=0.8)
    colors = np.full((*true.shape, 3), 1.0)
    for part, color in (
        (found & true, (0.11, 0.36, 0.72)),
        (true & ~found, (0.76, 0.34, 0.05)),
        (found & ~true, (0, 0, 0)),
    ):
        colors[part] = color
    axes[1].imshow(colors, origin="lower", interpolation="nearest")
    share = (found & true).sum() / true.sum()
    axes[1].set_title(f"blue: found ({100 * share:.0f} % of the pixels), orange: missed", fontsize=8)
    shown = axes[2].imshow(hits / 1e3, origin="lower", cmap="gray", vmin=0, vmax=1.2)
    axes[2].set_title("X-rays of iron-55", fontsize=9)
    figure.colorbar(shown, ax=axes[2], label="1000 electrons", orientation="horizontal", shrink=0.8)
    for ax in axes:
        ax.set_xlabel("column")
    axes[0].set_ylabel("row")
    figure.savefig(target, dpi=75)
