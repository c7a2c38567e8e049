"""Kinds of noise, each alone, and the power spectra of their pixels in the order they are read."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import CorrelatedNoise, Detector, Noise, ReadNoise
from fullwell.effects import Signal

KINDS = (
    ("white, 5 e-", ReadNoise(5.0), "#52606f"),
    ("rows, 3 e-", CorrelatedNoise(rows=3.0), "#2c7a4b"),
    ("1/f, 3 e-", CorrelatedNoise(slow=3.0), "#1d5bb8"),
    ("wave, 4 e-, 37 pixels", CorrelatedNoise(banding=4.0, period=37.0), "#c2570c"),
)


def draw(target: Path) -> None:
    """Draw images of four kinds and their spectra."""
    detector = Detector.single((80, 80))
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axes = figure.subplot_mosaic([["a", "b", "s", "s"], ["c", "d", "s", "s"]])
    for name, (title, effect, color) in zip("abcd", KINDS, strict=True):
        signal = Signal(np.zeros(detector.shape, np.float32), detector, 0.0, 0.0)
        effect.simulate(signal, noise=Noise(3))
        axes[name].imshow(signal.image, origin="lower", cmap="gray", vmin=-12, vmax=12)
        axes[name].set_title(title, fontsize=9)
        axes[name].set_xticks([])
        axes[name].set_yticks([])
        power = np.zeros(detector.shape[0] * detector.shape[1] // 2 + 1)
        for i in range(30):
            signal = Signal(np.zeros(detector.shape, np.float32), detector, 0.0, 0.0)
            effect.simulate(signal, noise=Noise(4, i))
            power += np.abs(np.fft.rfft(signal.image.ravel())) ** 2 / signal.image.size / 30
        frequency = np.arange(power.size) / (2 * (power.size - 1))
        edges = np.unique(np.round(np.logspace(0, np.log10(power.size), 70)).astype(int))
        ends = list(pairwise(edges))
        axes["s"].loglog(
            [frequency[a:b].mean() for a, b in ends],
            [power[a:b].mean() for a, b in ends],
            color=color,
            label=title,
        )
    axes["s"].set_ylim(0.05, 3e5)
    axes["s"].set_xlabel("waves per pixel, in the order of reading (80 pixels a row)")
    axes["s"].set_ylabel("power, e-^2 per pixel")
    axes["s"].legend(frameon=False, fontsize=8, loc="upper right")
    figure.savefig(target, dpi=80)
