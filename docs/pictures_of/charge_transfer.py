"""A star read out by a poor register, before and after; and the overscan behind a flat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fullwell import (
    ADC,
    Bias,
    ChargeTransfer,
    Detector,
    Gain,
    Lamp,
    Overscan,
    ReadNoise,
    Scene,
    ShotNoise,
    SignalChain,
    Sky,
    Stars,
)


def draw(target: Path) -> None:
    """Draw stars far from the output, and late charge in the overscan with the fit."""
    detector = Detector.single((60, 400), overscan=60, parallel=40)
    cti = ChargeTransfer(serial=3e-5, parallel=2e-5, offset=2e-3, offset_decay=5.0)
    camera = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()]
    chain = SignalChain([cti, *camera], detector=detector)
    flats = [exposure.frame for exposure in chain.expose_sequence([(Lamp(5e4), 1.0)] * 10, seed=1)]
    found = ChargeTransfer.measure(flats)
    rest = SignalChain([Bias(0.0), Gain(1.5), ReadNoise(5.0), Overscan(skip=(30, 0))])
    scene = Scene([Sky(100.0), Stars([365.0, 375.0, 369.0], [30.0, 46.0, 12.0], [8e4, 3e4, 1.5e5], fwhm=1.5)])
    frame = chain.expose(scene, 1.0, seed=20).frame

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.4))
    for ax, known, title in ((axes[0], rest, "as read"), (axes[1], rest.with_(found), "corrected")):
        image = known.correct(frame).data[:, 350:]
        ax.imshow(image, origin="lower", cmap="gray", vmin=70, vmax=250, extent=(349.5, 399.5, -0.5, 59.5))
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("column (output at 0)")
    axes[0].set_ylabel("row")
    mean = np.mean([flat.data[:60].astype(float) for flat in flats], axis=(0, 1)) * 1.5
    late = mean[395:430] - mean[440:].mean()
    axes[2].semilogy(np.arange(395, 430), late, "o", ms=4, color="#1d5bb8", label="mean of 10 flats")
    offset = found.offset[0] * late[4] * np.exp(-np.arange(16) / found.offset_decay)
    axes[2].semilogy(np.arange(400, 416), offset, color="#c2570c", lw=1, label="local offset as fitted")
    axes[2].axvline(399.5, color="#52606f", lw=0.7, ls=":")
    axes[2].text(400.2, 2.5, "overscan", fontsize=8, color="#52606f")
    axes[2].set_ylim(1, 2e5)
    axes[2].set_xlabel("column")
    axes[2].set_ylabel("electrons above the far overscan")
    axes[2].set_title(f"CTI {found.serial[0]:.2e}, put in {cti.serial[0]:.0e}", fontsize=9)
    axes[2].legend(frameon=False, fontsize=8, loc="upper right")
    figure.savefig(target, dpi=80)
