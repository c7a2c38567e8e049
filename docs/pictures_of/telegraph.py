"""One pixel that jumps between two dark currents, beside one that does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import ADC, Bias, Dark, Detector, Gain, ReadNoise, ShotNoise, SignalChain, Telegraph


def draw(target: Path) -> None:
    """Draw the signal of both in 60 darks, and how their values are distributed."""
    detector = Detector.single((40, 40))
    pixel = Telegraph([(20, 10)], amplitude=2.0, time_high=1500.0, time_low=1500.0)
    camera = [ShotNoise(), Dark(rate=0.5), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()]
    chain = SignalChain([pixel, *camera], detector=detector)
    rest = SignalChain([ReadNoise(5.0), Gain(1.5), Bias(1000.0)])
    frames = [rest.correct(e.frame).data for e in chain.expose_sequence([(None, 120.0)] * 60, seed=4)]
    figure = Figure(figsize=(9, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2.4, 1), sharey=True)
    for (row, column), color, label in (
        ((20, 10), "#c2570c", "telegraph pixel"),
        ((20, 30), "#1d5bb8", "ordinary pixel"),
    ):
        values = np.array([frame[row, column] for frame in frames])
        left.plot(np.arange(1, 61), values, ".-", lw=0.7, color=color, label=label)
        right.hist(values, bins=np.arange(0, 400, 15), orientation="horizontal", color=color, alpha=0.5)
    left.set_xlabel("number of the dark, 120 s each")
    left.set_ylabel("electrons")
    left.set_ylim(0, 430)
    left.legend(frameon=False, fontsize=8, ncols=2, loc="upper left")
    right.set_xlabel("darks")
    figure.savefig(target, dpi=80)
