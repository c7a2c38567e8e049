"""Curves of non-linearity, and one that was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import Bias, Detector, Gain, Noise, NonLinearity, ReadNoise, ShotNoise, SignalChain
from fullwell.effects.curves import Polynomial, Spline, Table


def draw(target: Path) -> None:
    """Draw what three curves take away, and a ramp before and after its correction."""
    truth = Polynomial((-1.5e-7, 4e-13), limit=1.8e5)
    knots = np.linspace(0, 1.8e5, 10)
    curves = {
        "polynomial": truth,
        "spline": Spline(knots, [0, 0, 120, 380, 500, 450, 700, 1300, 2200, 3300]),
        "table": Table(knots, knots - 900 * np.sin(np.arange(10)) ** 2 * knots / 1.8e5),
    }
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    x = np.linspace(1, 1.8e5, 600)
    for (name, curve), color in zip(curves.items(), ("#1d5bb8", "#c2570c", "#52606f"), strict=True):
        left.plot(x / 1e3, 100 * (curve(x) / x - 1), color=color, label=name)
    left.set_xlabel("true signal, 1000 electrons")
    left.set_ylabel("read less or more, %")
    left.legend(frameon=False, fontsize=8)

    detector = Detector.single((150, 150))
    known = SignalChain([Gain(1.5), Bias(1000.0), ReadNoise(5.0)])
    camera = known.with_(ShotNoise(), NonLinearity(truth))
    times = np.repeat(np.linspace(1, 170, 40), 2)
    flat = np.full(detector.shape, 1000.0)
    frames = [camera.expose(flat, t, detector=detector, noise=Noise(1, i)).frame for i, t in enumerate(times)]
    found = NonLinearity.measure(frames, known=known)
    for chain, color, label in (
        (known, "#c2570c", "as read"),
        (known.with_(found), "#1d5bb8", "corrected with what was measured"),
    ):
        means = np.array([chain.correct(frame).data.mean(dtype=np.float64) for frame in frames[:-2]])
        right.plot(times[:-2], 100 * (means / (1000 * times[:-2]) - 1), ".", ms=4, color=color, label=label)
    right.set_xlabel("exposure time, s (1000 electrons a second)")
    right.set_ylabel("off the line, %")
    right.legend(frameon=False, fontsize=8)
    figure.savefig(target, dpi=90)
