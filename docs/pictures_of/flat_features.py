"""Every feature of a flat, and all of them together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell.detector import Detector
from fullwell.detector.shrinking import with_amplifiers_of
from fullwell.features import (
    AmplifierGainSteps,
    Annealing,
    CoffeeStains,
    Donuts,
    EdgeRollOff,
    Feature,
    MidlineBreak,
    PictureFrame,
    PixelResponse,
    QuantumEfficiencySteps,
    Satellite,
    Specks,
    Tearing,
    TreeRings,
    Vampires,
    Vignetting,
    response_of,
)

FEATURES: list[Feature] = [
    Vignetting(), Donuts(distance=2, pixel_size=10), Specks(radius=(2, 5)), PixelResponse(),
    TreeRings(amplitude=1e-3, growth=500), EdgeRollOff(), PictureFrame(), MidlineBreak(), Annealing(),
    CoffeeStains(size=40), QuantumEfficiencySteps(), AmplifierGainSteps(np.linspace(-0.01, 0.01, 16)),
    Tearing(0.02), Vampires(radius=12), Satellite(),
]  # fmt: skip


def draw(target: Path) -> None:
    """Draw all features of a small e2v detector in violet light."""
    detector = with_amplifiers_of(Detector.preset("lsst-e2v"), (150, 45))
    figure = Figure(figsize=(9, 8), layout="constrained")
    axes = figure.subplots(4, 4)
    for ax, feature in zip(axes.flat, FEATURES, strict=False):
        image = feature.render(detector, wavelength=380.0)
        low, high = np.percentile(image, (0.3, 99.7))
        if high - low < 1e-3:
            low, high = image.min(), image.max()
        ax.imshow(image, vmin=low, vmax=high, origin="lower", cmap="gray")
        ax.set_title(f"{feature.name.replace('_', ' ')}\n{low:.3f} to {high:.3f}", fontsize=8)
    together = response_of(FEATURES, detector, wavelength=380.0).response
    axes.flat[-1].imshow(together, vmin=0.93, vmax=1.04, origin="lower", cmap="gray")
    axes.flat[-1].set_title("all together\n0.930 to 1.040", fontsize=8)
    for ax in axes.flat:
        ax.set_xticks([])
        ax.set_yticks([])
    figure.savefig(target, dpi=80)
