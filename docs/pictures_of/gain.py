"""Variance against mean for amplifiers of different gain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import ADC, Bias, Detector, Gain, Lamp, Noise, ReadNoise, ShotNoise, SignalChain


def draw(target: Path) -> None:
    """Draw pairs of flats of three gains and the lines mean / gain + (read noise / gain)^2."""
    detector = Detector.single((200, 200))
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    ax = figure.subplots()
    for gain, color in ((0.7, "#c2570c"), (1.5, "#1d5bb8"), (3.0, "#2c7a4b")):
        chain = SignalChain([ShotNoise(), ReadNoise(5.0), Gain(gain), Bias(1000.0), ADC()], detector=detector)
        bias = SignalChain([Bias(1000.0)])
        means, variances = [], []
        for k, level in enumerate(np.linspace(200, 12_000, 12) * gain):
            pair = [
                bias.correct(chain.expose(Lamp(level), 1.0, noise=Noise(1, 2 * k + i)).frame).data
                for i in (0, 1)
            ]
            means.append((pair[0].mean() + pair[1].mean()) / 2)
            variances.append(np.var(pair[0] - pair[1]) / 2)
        ax.plot(means, variances, "o", ms=5, color=color, label=f"{gain} e-/ADU")
        ends = np.array([0, 12_500])
        ax.plot(ends, ends / gain + (5 / gain) ** 2, color=color, lw=1)
    ax.set_xlabel("mean above bias, ADU")
    ax.set_ylabel("variance, ADU squared")
    ax.legend(frameon=False, fontsize=9, title="gain")
    figure.savefig(target, dpi=90)
