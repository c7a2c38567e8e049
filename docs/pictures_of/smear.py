"""A bright spot with its streak on a sensor without shutter, and corrected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import ADC, Bias, Detector, Gain, ReadNoise, Scene, ShotNoise, SignalChain, Sky, Smear, Spots


def draw(target: Path) -> None:
    """Draw both ways of transfer, the correction, and columns across the streak."""
    detector = Detector.single((100, 100))
    scene = Scene([Sky(1000.0), Spots([50.0], [30.0], 3e5, radius=6.0)])
    camera = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()]
    rest = SignalChain(camera)
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.3))
    frames = {}
    for ax, transfer in ((axes[0], "frame"), (axes[1], "read-out")):
        smear = Smear(5e-5, transfer)
        frames[transfer] = rest.with_(smear).expose(scene, 0.1, detector=detector, seed=1).frame
        ax.imshow(rest.correct(frames[transfer]).data, origin="lower", cmap="gray", vmin=0, vmax=600)
        ax.set_title(f'transfer="{transfer}"', fontsize=9)
    clean = rest.with_(Smear(5e-5)).correct(frames["frame"])
    axes[2].imshow(clean.data, origin="lower", cmap="gray", vmin=0, vmax=600)
    axes[2].set_title("frame, corrected", fontsize=9)
    for ax in axes[:3]:
        ax.set_xlabel("column")
    axes[0].set_ylabel("row")
    rows = np.s_[60:90]
    for image, color, label in (
        (rest.correct(frames["frame"]).data, "#c2570c", "as it is"),
        (clean.data, "#1d5bb8", "corrected"),
    ):
        axes[3].plot(image[rows].mean(axis=0), color=color, lw=1, label=label)
    axes[3].set_xlabel("column")
    axes[3].set_ylabel("electrons")
    axes[3].set_title("mean of rows 60 to 89", fontsize=9)
    axes[3].set_ylim(0, 420)
    axes[3].legend(frameon=False, fontsize=8, loc="upper left")
    figure.savefig(target, dpi=80)
