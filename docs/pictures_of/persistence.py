"""The ghost of a star, and how darks fade after a flat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import (
    ADC,
    Bias,
    Detector,
    Gain,
    Lamp,
    Persistence,
    ReadNoise,
    Scene,
    ShotNoise,
    SignalChain,
    Sky,
    Stars,
)


def draw(target: Path) -> None:
    """Draw a field, the dark after it, and the means of darks after a flat with the fit."""
    detector = Detector.single((100, 100))
    traps = Persistence(fraction=5e-3, time_constant=150.0, idle=10.0)
    camera = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()]
    chain = SignalChain([traps, *camera], detector=detector)
    rest = SignalChain([ReadNoise(5.0), Gain(1.5), Bias(1000.0)])
    field = Scene([Sky(10.0), Stars([30.0, 65.0, 75.0], [60.0, 30.0, 75.0], [1e5, 3e4, 1e4], fwhm=5.0)])
    night = [
        rest.correct(e.frame).data for e in chain.expose_sequence([(field, 20.0), (None, 120.0)], seed=1)
    ]
    takes = [(Lamp(5e4), 1.0)] + [(None, 60.0)] * 8
    series = [exposure.frame for exposure in chain.expose_sequence(takes, seed=2)]
    found = Persistence.measure(series, known=rest, idle=10.0)

    figure = Figure(figsize=(9, 3.1), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.2))
    for ax, image, title, high in (
        (axes[0], night[0], "20 s of stars", 5000),
        (axes[1], night[1], "the dark behind it", 120),
    ):
        shown = ax.imshow(image, origin="lower", cmap="gray", vmin=-0.1 * high, vmax=high)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("column")
        figure.colorbar(shown, ax=ax, label="electrons", orientation="horizontal", shrink=0.8)
    axes[0].set_ylabel("row")
    starts = 10.0 * np.arange(1, 9) + 60.0 * np.arange(8)
    axes[2].plot(
        starts,
        [rest.correct(dark).data.mean() for dark in series[1:]],
        "o",
        color="#1d5bb8",
        ms=5,
        label="darks of 60 s",
    )
    model = (
        found.fraction * 5e4 * np.exp(-starts / found.time_constant) * -np.expm1(-60 / found.time_constant)
    )
    words = f"fit: {found.fraction:.2e}, {found.time_constant:.0f} s"
    axes[2].plot(starts, model, color="#c2570c", lw=1, label=words)
    axes[2].set_xlabel("seconds after a flat of 50 000 electrons")
    axes[2].set_ylabel("electrons")
    axes[2].set_ylim(0, None)
    axes[2].legend(frameon=False, fontsize=8)
    figure.savefig(target, dpi=80)
