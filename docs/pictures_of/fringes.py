"""Fringes of night-sky lines in a film of uneven thickness, and a field before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import (
    ADC,
    Bias,
    Detector,
    Fringes,
    Gain,
    ReadNoise,
    Scene,
    ShotNoise,
    SignalChain,
    Sky,
    Stars,
)


def draw(target: Path) -> None:
    """Draw the pattern, one field, and the field without the pattern measured on fifteen others."""
    shape = (160, 160)
    detector = Detector.single(shape)
    fringes = Fringes.thin_film(shape, seed=1, thickness=15.0, roughness=0.25, visibility=0.04, sky=300.0)
    camera = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()]
    rest = SignalChain([ReadNoise(5.0), Gain(1.5), Bias(1000.0)])
    chain = SignalChain([fringes, *camera], detector=detector)
    field = Stars.random(40, shape=shape, flux=(100, 6000), seed=3, margin=20.0)
    moves = np.random.default_rng(1).uniform(-20, 20, (16, 2))
    takes = [(Scene([Sky(300.0), field.shifted(*move)]), 60.0) for move in moves]
    frames = [exposure.frame for exposure in chain.expose_sequence(takes, seed=1)]
    found = Fringes.measure(frames[1:], known=rest)

    figure = Figure(figsize=(9, 3.1), layout="constrained")
    axes = figure.subplots(1, 3)
    pictures = (
        (100 * fringes.pattern, "pattern", "percent of the sky", (-8, 8)),
        (rest.correct(frames[0]).data / 1e3, "a field", "1000 electrons", (16.5, 19.5)),
        (rest.with_(found).correct(frames[0]).data / 1e3, "corrected", "1000 electrons", (16.5, 19.5)),
    )
    for ax, (image, title, unit, (low, high)) in zip(axes, pictures, strict=True):
        shown = ax.imshow(image, origin="lower", cmap="gray", vmin=low, vmax=high)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("column")
        figure.colorbar(shown, ax=ax, label=unit, orientation="horizontal", shrink=0.8)
    axes[0].set_ylabel("row")
    figure.savefig(target, dpi=75)
