"""Scatter of pixels against their level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import ADC, Bias, Detector, Gain, Lamp, Noise, ReadNoise, ShotNoise, SignalChain


def draw(target: Path) -> None:
    """Draw measured scatter and the root of the variance plane for flats of many levels."""
    detector = Detector.single((150, 150))
    chain = SignalChain([ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()], detector=detector)
    levels = np.logspace(0, 4.8, 20)
    frames = [chain.expose(Lamp(v), 1.0, noise=Noise(1, i)).frame for i, v in enumerate(levels)]
    clean = [chain.correct(frame) for frame in frames]

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    ax = figure.subplots()
    ax.loglog(
        levels,
        [frame.data.std() for frame in clean],
        "o",
        color="#1d5bb8",
        ms=5,
        label="scatter of the pixels",
    )
    predicted = [np.sqrt(frame.variance.mean()) for frame in clean]
    ax.loglog(levels, predicted, color="#c2570c", lw=1.5, label="root of the variance plane")
    ax.loglog(
        levels,
        np.sqrt(levels),
        color="#52606f",
        lw=0.8,
        ls="--",
        label="shot noise alone, root of the signal",
    )
    ax.set_xlabel("signal, electrons")
    ax.set_ylabel("noise of a pixel, electrons")
    ax.set_ylim(0.8, 400)
    ax.legend(frameon=False, fontsize=9)
    figure.savefig(target, dpi=90)
