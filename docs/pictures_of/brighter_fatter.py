"""Boundaries that charge moves, the covariances of flats, and the size of stars before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy import units as u
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import ndtr

from fullwell.detector import Detector
from fullwell.effects import Signal
from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.frame import Frame
from fullwell.kernels.covariances import autocovariance
from fullwell.noise import Noise
from fullwell.photon_transfer.lag_matrices import LagMatrices

INK, SOFT, BLUE, ORANGE = "#17212d", "#52606f", "#1d5bb8", "#c2570c"
SIDE = 24  # pixels of the square around a star


def draw(target: Path) -> None:
    """Draw three panels."""
    effect = BrighterFatter.preset("e2v")
    figure = Figure(figsize=(11, 3.9), layout="constrained")
    moved, flats, stars = figure.subplots(1, 3)
    _boundaries(moved, effect)
    _covariances(flats, effect)
    _stars(stars, effect)
    figure.savefig(target, dpi=85)


def _collected(effect: BrighterFatter, light: np.ndarray, exposure: int) -> np.ndarray:
    signal = Signal(light.astype(np.float32), Detector.single(light.shape), 1.0, 1.0)
    effect.simulate(signal, noise=Noise(1, exposure))
    return signal.image


def _boundaries(ax: Axes, effect: BrighterFatter) -> None:
    """Pixels around one that holds charge, their boundaries moved 5 times too far to see it."""
    electrons, reach = 5 * 50_000, 2
    east, north = effect.boundaries.east * electrons, effect.boundaries.north * electrons
    steps = range(-reach, reach + 1)
    for y in steps:
        for x in range(-reach, reach + 2):  # the boundary left of pixel x
            shift = east[x - 1, abs(y)] if x > 0 else -east[-x, abs(y)]
            ax.plot([x - 0.5 + shift] * 2, [y - 0.5, y + 0.5], color=BLUE)
            ax.plot([x - 0.5] * 2, [y - 0.5, y + 0.5], color=SOFT, lw=0.5, ls=":")
    for x in steps:
        for y in range(-reach, reach + 2):
            shift = north[abs(x), y - 1] if y > 0 else -north[abs(x), -y]
            ax.plot([x - 0.5, x + 0.5], [y - 0.5 + shift] * 2, color=BLUE)
            ax.plot([x - 0.5, x + 0.5], [y - 0.5] * 2, color=SOFT, lw=0.5, ls=":")
    ax.plot(0, 0, "o", color=ORANGE)
    ax.set(aspect="equal", xlabel="column", ylabel="row")
    ax.set_title("50 000 electrons in the middle\nboundaries moved, five times too far", fontsize=9)


def _covariances(ax: Axes, effect: BrighterFatter) -> None:
    lags, flat = LagMatrices(len(effect.a)), effect.a.ravel()
    square, cube = lags.matrix(flat) @ flat, lags.cube(flat)
    means = np.linspace(0, 1e5, 50)
    model = flat * means[:, None] + 2 / 3 * square * means[:, None] ** 2 + cube * means[:, None] ** 3 / 3
    model = model.reshape(-1, *effect.a.shape)
    levels = np.array([1e4, 2.5e4, 5e4, 7.5e4, 1e5])
    found = np.array([_ratios(effect, level) for level in levels])
    lines = {(0, 0): (INK, "variance - mean"), (0, 1): (ORANGE, "next row"), (1, 0): (BLUE, "next column")}
    for (i, j), (color, label) in lines.items():
        ax.plot(means / 1000, 100 * model[:, i, j], color=color, lw=1)
        ax.plot(levels / 1000, 100 * found[:, i, j], "o", color=color, ms=4, label=label)
    ax.plot(means / 1000, 100 * effect.a[0, 0] * means, color=SOFT, lw=0.7, ls="--")
    ax.set(xlabel="mean of a flat, 1000 electrons", ylabel="covariance / mean, %")
    ax.legend(frameon=False, fontsize=8)
    ax.set_title("simulated flats (points), equation 20\n(lines), and a_00 mean (dashed)", fontsize=9)


def _ratios(effect: BrighterFatter, level: float) -> np.ndarray:
    """Covariances over the mean, less 1 for the variance."""
    one, two = (_collected(effect, np.full((512, 512), level), k) for k in (0, 1))
    ratios = autocovariance(one - two, lags=2)[0] / 2 / level
    ratios[0, 0] -= 1
    return ratios


def _stars(ax: Axes, effect: BrighterFatter) -> None:
    shares = np.diff(ndtr((np.arange(SIDE + 1) - SIDE / 2) / 1.5))
    shape = np.outer(shares, shares) / shares.max() ** 2
    peaks = np.array([5e3, 1.5e4, 3e4, 5e4, 8e4])
    grown = np.array([_growth(effect, shape * peak) for peak in peaks])
    for k, (color, name) in enumerate(((BLUE, "along rows"), (ORANGE, "along columns"))):
        ax.plot(peaks / 1000, 100 * grown[:, 0, k], "o-", color=color, ms=4, label=f"{name}, as seen")
        ax.plot(peaks / 1000, 100 * grown[:, 1, k], "s", color=color, ms=4, mfc="none", label="corrected")
    ax.axhline(0, color=SOFT, lw=0.5)
    ax.set(xlabel="peak of the star, 1000 electrons", ylabel="change of size, %")
    ax.legend(frameon=False, fontsize=8)
    ax.set_title("stars of sigma = 1.5 pixels,\nmean of 400 each", fontsize=9)


def _growth(effect: BrighterFatter, star: np.ndarray) -> np.ndarray:
    """By how much the size along x and y has changed: as seen, corrected."""
    seen = _collected(effect, np.tile(star + 100, (20, 20)), 5)
    clean = effect.correct(Frame(seen, unit=u.electron)).data
    means = (image.reshape(20, SIDE, 20, SIDE).mean(axis=(0, 2)) - 100 for image in (seen, clean))
    return np.array([_size(image) / _size(star) - 1 for image in means])


def _size(image: np.ndarray) -> np.ndarray:
    place = np.arange(SIDE) - (SIDE - 1) / 2
    window = np.exp(-0.5 * (place**2 + place[:, None] ** 2) / 9)
    total = (image * window).sum()
    return np.sqrt([(image * window * axis**2).sum() / total for axis in (place, place[:, None])])
