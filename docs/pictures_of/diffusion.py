"""Points of light that diffuse, the hits of an Fe55 source, and how far charge spreads under a voltage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy import units as u
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fullwell.chain import SignalChain
from fullwell.detector import Detector
from fullwell.effects import ReadNoise, Signal
from fullwell.effects.diffusion import Diffusion
from fullwell.effects.xray_clusters import find_clusters
from fullwell.effects.xrays import XRays
from fullwell.frame import Frame
from fullwell.noise import Noise

INK, SOFT, BLUE, ORANGE = "#17212d", "#52606f", "#1d5bb8", "#c2570c"


def draw(target: Path) -> None:
    """Draw three panels."""
    figure = Figure(figsize=(11, 3.7), layout="constrained")
    points, hits, widths = figure.subplots(1, 3)
    _points(points)
    _hits(hits)
    _widths(widths)
    figure.savefig(target, dpi=85)


def _points(ax: Axes) -> None:
    line = np.zeros((15, 15), np.float32)
    line[7, 7] = 1
    place = np.arange(-7, 8)
    for sigma, color in ((0.3, INK), (0.6, BLUE), (1.2, ORANGE)):
        signal = Signal(line.copy(), Detector.single(line.shape), 1.0, 1.0)
        Diffusion(sigma).simulate(signal, noise=Noise(1))
        ax.step(place, signal.image.sum(axis=0), where="mid", color=color, label=f"sigma = {sigma:g}")
    ax.set(xlabel="column", ylabel="part of the light", xlim=(-5, 5))
    ax.legend(frameon=False, fontsize=8)
    ax.set_title("a point of light, all rows together", fontsize=9)


def _hits(ax: Axes) -> None:
    detector = Detector.single((400, 400))
    chain = SignalChain([XRays(rate=20, sigma=0.4), ReadNoise(5.0)])
    data = chain.expose(None, 10, detector=detector, noise=Noise(4), dark_time=10).frame.data
    frame = Frame(data.astype(np.float32), unit=u.electron)
    found = Diffusion.measure([frame])
    stamps = find_clusters(frame, radius=3).stamps[:25]
    rows = [np.concatenate(list(stamps[k : k + 5]), axis=1) for k in range(0, 25, 5)]
    ax.imshow(np.concatenate(rows), origin="lower", cmap="gray", vmin=-20, vmax=900)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(
        f"25 of {found.statistics['clusters']} hits of X-rays, sigma = 0.4\n"
        f"measured: {found.sigma:.4f} ± {found.sigma_error:.4f}",
        fontsize=9,
    )


def _widths(ax: Axes) -> None:
    volts = np.linspace(5, 100, 60)
    for thickness, color in ((20, INK), (100, BLUE), (200, ORANGE)):
        sigma = [
            10 * Diffusion.in_silicon(
                thickness=thickness * u.um, voltage=volt * u.V, temperature=173 * u.K, pixel_size=10 * u.um
            ).sigma
            for volt in volts
        ]  # fmt: skip
        ax.plot(volts, sigma, color=color, label=f"{thickness} um of silicon")
    ax.set(xlabel="voltage, V", ylabel="sigma, um", ylim=(0, None))
    ax.legend(frameon=False, fontsize=8)
    ax.set_title("charge that drifts all the way, at -100 C", fontsize=9)
