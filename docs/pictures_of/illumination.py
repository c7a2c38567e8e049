"""How a lamp differs from the sky, and what that does to a sky frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import (
    ADC,
    Bias,
    Detector,
    Flat,
    Gain,
    Illumination,
    Lamp,
    Noise,
    ReadNoise,
    Scene,
    ShotNoise,
    SignalChain,
    Sky,
    Stars,
)


def draw(target: Path) -> None:
    """Draw the pattern, and a sky frame divided by the flat of the lamp, before and after."""
    shape = (128, 128)
    detector = Detector.single(shape)
    y, x = np.indices(shape) / 128 - 0.5
    lamp = Illumination(1 + 0.05 * x - 0.08 * (x**2 + y**2))
    camera = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()]
    chain = SignalChain([lamp, *camera], detector=detector)
    rest = SignalChain([ReadNoise(5.0), Gain(1.5), Bias(1000.0)])
    state = {"illumination": {"source": "lamp"}}
    lamps = [chain.expose(Lamp(4e4), 1.0, noise=Noise(1, i), state=state).frame for i in range(10)]
    flat = Flat.measure(lamps, known=rest)
    field = Stars.random(20, shape=shape, flux=(100, 3000), seed=3, margin=20.0)
    moves = np.random.default_rng(1).uniform(-20, 20, (9, 2))
    takes = [(Scene([Sky(500.0), field.shifted(*move)]), 60.0) for move in moves]
    skies = [exposure.frame for exposure in chain.expose_sequence(takes, seed=2)]
    found = Illumination.measure(skies, known=rest.with_(flat))

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 3)
    pictures = (
        (100 * (lamp.pattern - 1), "lamp over sky", "percent", (-8, 2)),
        (rest.with_(flat).correct(skies[0]).data / 1e3, "sky over flat of the lamp", "1000 e-", (28, 33)),
        (rest.with_(flat, found).correct(skies[0]).data / 1e3, "corrected", "1000 e-", (28, 33)),
    )
    for ax, (image, title, unit, (low, high)) in zip(axes, pictures, strict=True):
        shown = ax.imshow(image, origin="lower", cmap="gray", vmin=low, vmax=high)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("column")
        figure.colorbar(shown, ax=ax, label=unit, orientation="horizontal", shrink=0.8)
    axes[0].set_ylabel("row")
    figure.savefig(target, dpi=75)
