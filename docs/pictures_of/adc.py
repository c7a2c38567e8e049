"""Codes of uneven width, the histogram that they leave, and widths measured from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import ADC, Bias, CodeErrors, Detector, Gain, Noise, ReadNoise, ShotNoise, SignalChain
from fullwell.effects import Signal


def draw(target: Path) -> None:
    """Draw a piece of the staircase, the histogram of a ramp, and true against measured widths."""
    errors = CodeErrors.random(10, scatter=0.25, seed=2)
    detector = Detector.single((300, 300))
    camera = [ShotNoise(), ReadNoise(8.0), Gain(1.0), Bias(100.0), errors, ADC(bits=10)]
    chain = SignalChain(camera, detector=detector)
    ramp = np.broadcast_to(np.linspace(0, 900, 300), detector.shape)
    frames = [exposure.frame for exposure in chain.expose_sequence([(ramp, 1.0)] * 10, seed=1)]
    found = CodeErrors.measure(frames)

    figure = Figure(figsize=(9, 3.0), layout="constrained")
    axes = figure.subplots(1, 3)
    line = Detector.single((1, 2000))
    signal = Signal(np.linspace(499.5, 511.5, 2000, dtype=np.float32)[None], line, 1.0, 1.0)
    given = signal.image.copy()
    errors.simulate(signal, noise=Noise(1))
    axes[0].plot(given[0], signal.image[0], color="#1d5bb8", lw=1.2)
    axes[0].plot([499.5, 511.5], [499.5, 511.5], color="#52606f", lw=0.7, ls="--")
    axes[0].set_xlabel("input, ADU")
    axes[0].set_ylabel("code")
    counts = np.bincount(np.concatenate([frame.data.ravel() for frame in frames]), minlength=1024)
    axes[1].plot(np.arange(400, 500), counts[400:500], drawstyle="steps-mid", color="#1d5bb8", lw=0.9)
    axes[1].set_xlabel("code")
    axes[1].set_ylabel("pixels in ten frames of a ramp")
    axes[1].set_ylim(0, None)
    part = slice(found.first, found.first + found.widths.size)
    axes[2].plot(errors.widths[part], found.widths, ".", ms=2.5, color="#1d5bb8")
    axes[2].axline((1, 1), slope=1, color="#c2570c", lw=0.8)
    axes[2].set_xlabel("true width, steps")
    axes[2].set_ylabel("measured width, steps")
    figure.savefig(target, dpi=80)
