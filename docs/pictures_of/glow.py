"""Light of the amplifiers of a small detector in a long dark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import ADC, Bias, Detector, Gain, Glow, Overscan, ReadNoise, SignalChain
from fullwell.detector.shrinking import with_amplifiers_of


def draw(target: Path) -> None:
    """Draw a dark of 900 s of 16 amplifiers, and the mean of its lowest rows."""
    detector = with_amplifiers_of(Detector.preset("lsst-itl"), (80, 40))
    glow = Glow.at_amplifiers(detector, rate=0.1, radius=10.0)
    camera = [ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()]
    chain = SignalChain([glow, *camera], detector=detector)
    rest = SignalChain([ReadNoise(5.0), Gain(1.5), Bias(0.0), Overscan()])
    image = rest.correct(chain.expose(None, 900.0, seed=1).frame).data
    figure = Figure(figsize=(9, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    shown = left.imshow(image, origin="lower", cmap="gray", vmin=-10, vmax=110)
    left.set_title("a dark of 900 s, 16 amplifiers", fontsize=9)
    left.set_xlabel("column")
    left.set_ylabel("row")
    figure.colorbar(shown, ax=left, label="electrons", shrink=0.8)
    right.plot(image[:5].mean(axis=0), color="#1d5bb8", lw=1, label="mean of rows 0 to 4")
    right.plot(900 * glow.rate[:5].mean(axis=0), color="#c2570c", lw=1, label="put in")
    right.set_xlabel("column")
    right.set_ylabel("electrons")
    right.set_ylim(-5, 110)
    right.set_xticks(np.arange(0, 321, 80))
    right.legend(frameon=False, fontsize=8, ncols=2, loc="upper left")
    figure.savefig(target, dpi=80)
