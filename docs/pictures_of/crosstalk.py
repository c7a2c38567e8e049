"""A spot and its ghosts, before and after; and coefficients measured against the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import Bias, Crosstalk, Detector, Gain, Noise, Overscan, ReadNoise, ShotNoise, SignalChain
from fullwell.detector.shrinking import with_amplifiers_of


def draw(target: Path) -> None:
    """Draw one frame with a spot, corrected without and with the crosstalk, and the fit of 16 such frames."""
    detector = with_amplifiers_of(Detector.preset("lsst-e2v"), (90, 40))
    matrix = np.random.default_rng(3).normal(0, 4e-4, (16, 16))
    np.fill_diagonal(matrix, 0)
    rest = SignalChain([Overscan(), Bias(0.0), Gain(1.5), ReadNoise(5.4)])
    camera = SignalChain([ShotNoise(), Crosstalk(matrix), ReadNoise(5.4), Gain(1.5), Bias(25_000.0)])
    y, x = np.indices(detector.shape)
    frames = []
    for i, amplifier in enumerate(detector.amplifiers):
        cx, cy = amplifier.box.x0 + 14, amplifier.box.y0 + 40
        scene = 50 + 1.3e5 * np.exp(-0.5 * ((x - cx) ** 2 + (y - cy) ** 2) / 5.0**2)
        frames.append(camera.expose(scene, 1.0, detector=detector, noise=Noise(1, i)).frame)
    found = Crosstalk.measure(frames, known=rest)

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=(1.3, 1.3, 1))
    for ax, chain, title in (
        (axes[0], rest, "a spot and its ghosts"),
        (axes[1], rest.with_(found), "corrected"),
    ):
        image = chain.correct(frames[2]).data
        ax.imshow(image, origin="lower", cmap="gray", vmin=-40, vmax=160, aspect="auto")
        ax.set_title(title, fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
    off = ~np.eye(16, dtype=bool)
    assert found.errors is not None
    axes[2].errorbar(
        1e4 * matrix[off], 1e4 * found.coefficients[off], 1e4 * found.errors[off],
        fmt=".", ms=3, lw=0.5, color="#1d5bb8",
    )  # fmt: skip
    axes[2].axline((0, 0), slope=1, color="#c2570c", lw=0.7)
    axes[2].set_xlabel("true coefficient, 1e-4")
    axes[2].set_ylabel("measured")
    figure.savefig(target, dpi=75)
