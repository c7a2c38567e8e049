"""A detector with bad pixels, the map of them, and values from their neighbors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from fullwell import (
    ADC,
    Bias,
    Dark,
    Defects,
    Detector,
    Flags,
    Flat,
    Gain,
    Lamp,
    ReadNoise,
    Scene,
    ShotNoise,
    SignalChain,
    Sky,
    Stars,
)
from fullwell.effects.interpolation import interpolated


def draw(target: Path) -> None:
    """Draw a field corrected without the map, the map as measured, and the interpolated field."""
    detector = Detector.single((80, 80))
    random = np.random.default_rng(3)
    rate = np.full(detector.shape, 0.1)
    rate[random.random(detector.shape) < 0.01] = 60.0
    rate[25:, 60] = 60.0
    dead = random.random(detector.shape) < 0.004
    dead[50:54, 20:24] = True
    flags = np.where(dead, np.uint16(Flags.DEAD), np.uint16(0))
    noise = [Gain(1.5), Bias(1000.0), ReadNoise(5.0)]
    chain = SignalChain([Defects(flags), Dark(rate), ShotNoise(), ADC(), *noise], detector=detector)
    takes = [(None, t) for t in (30.0, 120.0) for _ in range(3)]
    known = SignalChain(noise)
    dark = Dark.measure([e.frame for e in chain.expose_sequence(takes, seed=1)], known=known)
    lamps = [e.frame for e in chain.expose_sequence([(Lamp(2e4), 1.0)] * 5, seed=9)]
    flat = Flat.measure(lamps, known=known.with_(dark))
    found = Defects.from_products(dark, flat)
    field = Scene([Sky(10.0), Stars.random(25, shape=detector.shape, flux=(100, 5000), seed=5)])
    frame = chain.expose(field, 100.0, seed=30).frame
    clean = known.with_(dark, flat, found).correct(frame)
    filled = interpolated(clean, planes=Flags.HOT | Flags.DEAD | Flags.BAD)

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 3)
    pictures = (
        (axes[0], known.correct(frame).data, "with bad pixels"),
        (axes[2], filled.data, "calibrated, interpolated"),
    )
    for ax, image, title in pictures:
        shown = ax.imshow(image, origin="lower", cmap="gray", vmin=500, vmax=2500)
        ax.set_title(title, fontsize=9)
        figure.colorbar(shown, ax=ax, label="electrons", orientation="horizontal", shrink=0.8)
    kinds = np.where(found.flags & Flags.HOT, 1, 0) + np.where(found.flags & Flags.DEAD, 2, 0)
    kinds[(found.flags & Flags.BAD) != 0] = 3
    colors = ListedColormap(["white", "#c2570c", "#1d5bb8", "#8a94a0"])
    shown = axes[1].imshow(kinds, origin="lower", cmap=colors, vmin=-0.5, vmax=3.5, interpolation="nearest")
    bar = figure.colorbar(shown, ax=axes[1], orientation="horizontal", shrink=0.8, ticks=[0, 1, 2, 3])
    bar.ax.set_xticklabels(["good", "HOT", "DEAD", "BAD"], fontsize=8)
    axes[1].set_title("map from darks and flats", fontsize=9)
    for ax in axes:
        ax.set_xlabel("column")
    axes[0].set_ylabel("row")
    figure.savefig(target, dpi=75)
