"""A raw frame with its overscan, and what the overscan does for the level of biases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import ADC, Bias, Detector, Gain, Overscan, ReadNoise, Scene, ShotNoise, SignalChain, Sky, Stars


def draw(target: Path) -> None:
    """Draw a raw frame, and means of biases with and without their overscan."""
    detector = Detector.single((120, 160), overscan=32)
    camera = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0, drift=3.0), ADC()]
    chain = SignalChain(camera, detector=detector)
    scene = Scene([Sky(1.0), Stars.random(30, shape=detector.shape, flux=(30, 3000), seed=2)])
    frame = chain.expose(scene, 60.0, seed=1).frame
    biases = [exposure.frame for exposure in chain.expose_sequence([(None, 0.0)] * 20, seed=2)]
    levels = [bias.data[:, :160].mean() - 1000 for bias in biases]
    left_over = [Overscan().correct(bias).data.mean() for bias in biases]

    figure = Figure(figsize=(9, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
    shown = left.imshow(frame.data, origin="lower", cmap="gray", vmin=985, vmax=1070)
    left.axvline(159.5, color="#c2570c", lw=0.8, ls=":")
    left.set_title("raw frame; overscan right of the dotted line", fontsize=9)
    left.set_xlabel("column")
    left.set_ylabel("row")
    figure.colorbar(shown, ax=left, label="ADU", shrink=0.8)
    number = np.arange(1, 21)
    right.plot(number, levels, "o-", color="#c2570c", ms=4, lw=0.7, label="mean of a bias - 1000")
    right.plot(number, left_over, "o-", color="#1d5bb8", ms=4, lw=0.7, label="overscan subtracted")
    right.set_xlabel("number of the bias")
    right.set_ylabel("ADU")
    right.set_ylim(-9, 12)
    right.legend(frameon=False, fontsize=8, loc="upper left")
    figure.savefig(target, dpi=80)
