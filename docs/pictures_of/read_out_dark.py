"""Biases of a warm detector: charge that packets collect on their way, and the trail of a hot pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import ADC, Bias, Detector, Gain, ReadNoise, ReadOutDark, SignalChain


def draw(target: Path) -> None:
    """Draw the mean of twenty biases, and its rows with what is expected."""
    detector = Detector.single((120, 120), overscan=16)
    rate = np.full(detector.shape, 30.0)
    for row, column, hot in ((30, 40, 4000.0), (70, 80, 8000.0), (10, 95, 2000.0)):
        rate[row, column] = hot
    on_the_way = ReadOutDark(rate, row_time=5e-3)
    chain = SignalChain([on_the_way, ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()], detector=detector)
    rest = SignalChain([Gain(1.5), Bias(1000.0)])
    frames = chain.expose_sequence([(None, 0.0)] * 20, seed=1)
    image = np.mean([rest.correct(exposure.frame).data for exposure in frames], axis=0)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
    shown = left.imshow(image, origin="lower", cmap="gray", vmin=0, vmax=50)
    left.set_title("mean of 20 biases; the register is below", fontsize=9)
    left.set_xlabel("column")
    left.set_ylabel("row")
    figure.colorbar(shown, ax=left, label="electrons", shrink=0.8)
    right.plot(np.median(image, axis=1), ".", color="#1d5bb8", ms=4, label="typical column")
    right.plot(image[:, 40], ".", color="#c2570c", ms=4, label="column 40, hot pixel in row 30")
    expected = on_the_way.expected(detector, layout="assembled")
    right.plot(expected[:, 0], color="#1d5bb8", lw=1)
    right.plot(expected[:, 40], color="#c2570c", lw=1, label="lines: row time x sum of the rates below")
    right.set_xlabel("row")
    right.set_ylabel("electrons")
    right.set_ylim(-3, 60)
    right.legend(frameon=False, fontsize=8, loc="upper left")
    figure.savefig(target, dpi=80)
