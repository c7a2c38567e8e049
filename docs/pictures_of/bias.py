"""A bias that wanders, what overscan and bias leave of it, and the means of its rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import ADC, Bias, BiasWander, Detector, Gain, Overscan, ReadNoise, SignalChain


def draw(target: Path) -> None:
    """Draw one raw bias, the same corrected, and the level of its rows."""
    detector = Detector.single((120, 120), overscan=24)
    y, x = np.indices(detector.shape) / 120
    structure = (4 * (x - 0.5) + 3 * np.exp(-6 * y)).astype(np.float32)
    structure[40:, 77] += 12
    wander = BiasWander(ramp=10.0, ramp_length=12.0, droop=4.0, jump=4.0, jump_rate=3.0)
    camera = [ReadNoise(3.0), Gain(1.5), Bias(1000.0, structure=structure, drift=1.0), wander, ADC()]
    chain = SignalChain(camera, detector=detector)
    biases = [exposure.frame for exposure in chain.expose_sequence([(None, 0.0)] * 21, seed=5)]
    scan = Overscan(method="row")
    found = Bias.measure(biases[1:], known=SignalChain([scan]))
    clean = SignalChain([scan, found]).correct(biases[0])

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=(1.15, 1, 1.2))
    pictures = (
        (axes[0], biases[0].data, "raw bias", 990, 1020),
        (axes[1], clean.data, "overscan and bias taken out", -15, 15),
    )
    for ax, image, title, low, high in pictures:
        shown = ax.imshow(image, origin="lower", cmap="gray", vmin=low, vmax=high)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("column")
        figure.colorbar(shown, ax=ax, label="ADU", orientation="horizontal", shrink=0.8)
    axes[0].axvline(119.5, color="#c2570c", lw=0.8, ls=":")
    axes[0].set_ylabel("row")
    axes[2].plot(biases[0].data[:, 123:].mean(axis=1) - 1000, color="#c2570c", lw=1, label="overscan - 1000")
    axes[2].plot(clean.data.mean(axis=1), color="#1d5bb8", lw=1, label="corrected")
    axes[2].set_xlabel("row")
    axes[2].set_ylabel("mean of the row, ADU")
    low, high = axes[2].get_ylim()
    axes[2].set_ylim(low, high + 0.25 * (high - low))
    axes[2].legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
    figure.savefig(target, dpi=80)
