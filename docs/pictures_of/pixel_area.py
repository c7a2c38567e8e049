"""Tree rings in a flat, the displacement of charge, and what both do to stars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell.detector import Detector
from fullwell.effects import Signal
from fullwell.features import TreeRings, as_effects
from fullwell.noise import Noise
from fullwell.scene import Stars

INK, SOFT, BLUE, ORANGE = "#17212d", "#52606f", "#1d5bb8", "#c2570c"
SHAPE = (160, 160)


def draw(target: Path) -> None:
    """Draw four panels."""
    detector = Detector.single(SHAPE)
    (effect,) = as_effects([TreeRings(5e-3, growth=1e6, center=(-70.0, 80.0), seed=4)], detector)
    boundaries = effect.boundaries  # type: ignore[attr-defined]
    x, _ = boundaries.displacement
    figure = Figure(figsize=(11, 3.9), layout="constrained")
    flat, moved, brightness, place = figure.subplots(1, 4)
    shown = flat.imshow(100 * (boundaries.area - 1), origin="lower", cmap="gray", vmin=-1.5, vmax=1.5)
    figure.colorbar(shown, ax=flat, label="percent", orientation="horizontal")
    flat.set_title("a flat: areas of pixels", fontsize=9)
    shown = moved.imshow(1000 * x, origin="lower", cmap="RdBu", vmin=-80, vmax=80)
    figure.colorbar(shown, ax=moved, label="0.001 pixels", orientation="horizontal")
    moved.set_title("charge is moved to the right by", fontsize=9)

    columns = np.arange(SHAPE[1])
    at = np.arange(20.0, 140.0, 2.0)
    kept, divided, shifts = [], [], []
    for column in at:
        before = Stars([column], [80.0], [1e5], fwhm=3.5).render(SHAPE)
        signal = Signal(before.copy(), detector, 1.0, 1.0)
        effect.simulate(signal, noise=Noise(0))
        after = signal.image.astype(np.float64)
        kept.append(after.sum() / before.sum(dtype=np.float64))
        divided.append((after / boundaries.area).sum() / before.sum(dtype=np.float64))
        shifts.append((after.sum(0) @ columns) / after.sum() - (before.sum(0) @ columns) / before.sum())
    brightness.plot(at, 100 * (np.array(divided) - 1), ".", color=ORANGE, label="divided by the flat")
    brightness.plot(at, 100 * (np.array(kept) - 1), ".", color=BLUE, label="as collected")
    brightness.plot(
        columns[20:140], -100 * (boundaries.area[80, 20:140] - 1), color=SOFT, lw=0.7, label="1 - area"
    )
    brightness.set_title("stars: percent too bright", fontsize=9)
    brightness.legend(fontsize=7, loc="upper center", ncols=2, framealpha=1)
    place.plot(columns[20:140], 1000 * x[80, 20:140], color=SOFT, lw=0.7, label="displacement")
    place.plot(at, 1000 * np.array(shifts), ".", color=BLUE, label="stars")
    place.set_title("stars: moved, 0.001 pixels", fontsize=9)
    place.legend(fontsize=7, loc="upper center", ncols=2, framealpha=1)
    brightness.set_ylim(-1, 1.2)
    place.set_ylim(-90, 105)
    for ax in (brightness, place):
        ax.set_xlabel("column")
    figure.savefig(target, dpi=85)
