"""A bright star on both kinds of sensor, and what a ramp of flats shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import Detector, FullWell, Noise
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.effects import Signal


def _exposed(effect: FullWell, light: np.ndarray, detector: Detector, exposure: int) -> np.ndarray:
    counted = Noise(1, exposure).stream("light").poisson(light.astype(np.float32))
    signal = Signal(counted, detector, 1.0, 1.0)
    effect.simulate(signal, noise=Noise(1, exposure))
    return signal.image


def draw(target: Path) -> None:
    """Draw bleeding across and up to the midline, and mean and variance of flats."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 2))
    for ax, name in ((left, "lsst-itl"), (middle, "lsst-e2v")):
        detector = with_amplifiers_of(Detector.preset(name), (60, 8))
        y, x = np.indices(detector.shape)
        star = 8e6 * np.exp(-0.5 * ((x - 31) ** 2 + (y - 42) ** 2) / 1.8**2)
        image = _exposed(FullWell.of(detector), 300 + star, detector, 0)
        ax.imshow(np.sqrt(image), origin="lower", cmap="gray")
        ax.axhline(59.5, color="#c2570c", lw=0.7, ls=":")
        ax.set_title(name, fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
    detector = Detector.single((120, 120))
    effect = FullWell.of(Detector.preset("lsst-itl"))
    levels = np.arange(4e3, 204e3, 4e3)
    images = [_exposed(effect, np.full(detector.shape, mu), detector, i) for i, mu in enumerate(levels)]
    means, variances = np.array([(image.mean(), image.var()) for image in images]).T
    right.plot(levels / 1e3, means / 1e3, ".", color="#1d5bb8", label="mean")
    right.plot(levels / 1e3, variances / 1e3, ".", color="#c2570c", label="variance")
    for value, text in ((effect.onset, "onset"), (effect.capacity, "full well")):
        assert value is not None
        right.axvline(value[0] / 1e3, color="#52606f", lw=0.7)
        right.text(value[0] / 1e3 - 2, 4, text, rotation=90, ha="right", fontsize=8)
    right.set_xlabel("light that fell, 1000 electrons")
    right.set_ylabel("1000 electrons (squared)")
    right.legend(frameon=False, fontsize=8)
    figure.savefig(target, dpi=90)
