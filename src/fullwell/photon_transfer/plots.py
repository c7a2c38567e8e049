"""The photon transfer curve drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fullwell.errors import ParameterError
from fullwell.photon_transfer.fits import AmplifierFit
from fullwell.photon_transfer.tables import predicted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_curves"]


def plot_curves(
    fits: Sequence[AmplifierFit], model: str, *, ax: Axes | None = None, only: str | None = None
) -> Axes:
    """Draw variance over mean, both in electrons, against the mean: 1 is Poisson, below is brighter-fatter.

    Raises
    ------
    ParameterError
        If there is no amplifier of the name `only`.
    """
    chosen = [fit for fit in fits if only is None or fit.curve.amplifier == only]
    if not chosen:
        raise ParameterError("amplifier", only, f"one of {[fit.curve.amplifier for fit in fits]}")
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(7, 4.5), layout="constrained").subplots()
    for k, fit in enumerate(chosen):
        if not fit.trouble:
            _plot_one(ax, fit, model, f"C{k % 10}")
    ax.axhline(1, color="0.6", lw=0.8, ls=":")
    ax.set_xlabel("mean (ke-)")
    ax.set_ylabel("variance / mean (both in e-)")
    ax.set_title(f"Photon transfer, {model} model; a00 < 0: a charged pixel shrinks", fontsize="medium")
    ax.legend(fontsize="small")
    return ax


def _plot_one(ax: Axes, fit: AmplifierFit, model: str, color: str) -> None:
    curve, gain = fit.curve, fit.values[0]
    a, error = fit.matrix("a")
    label = f"{curve.amplifier}: gain {gain:.4g}, a00 ({1e6 * a[0, 0]:.3g} ± {1e6 * error[0, 0]:.2g})e-6 / e-"
    # The read noise over a vanishing mean would push all else out of the picture.
    bright = curve.mean * gain > 0.01 * np.nanmax(curve.mean) * gain
    ratio = gain * curve.variance / curve.mean
    used = curve.used & bright
    left = ~curve.used & bright & np.isfinite(ratio)
    ax.plot(gain * curve.mean[used] / 1e3, ratio[used], "o", ms=3.5, color=color, label=label)
    ax.plot(gain * curve.mean[left] / 1e3, ratio[left], "x", ms=4.5, color=color, alpha=0.6)
    if used.any():
        mean = np.linspace(curve.mean[used].min(), curve.mean[used].max(), 200)
        expected = predicted(fit, model, mean)[:, 0, 0]
        ax.plot(gain * mean / 1e3, gain * expected / mean, "-", lw=1, color=color)
    if fit.turned:
        ax.axvline(gain * fit.turnoff / 1e3, color=color, lw=0.8, ls="--")
