"""The delay of an iris, how it is measured, and a short flat before and after."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from fullwell import ADC, Bias, Detector, Gain, Lamp, ReadNoise, ShotNoise, Shutter, SignalChain


def draw(target: Path) -> None:
    """Draw the true delay in milliseconds, the measured one, and rows of a flat of 0.1 s."""
    detector = Detector.single((120, 160))
    shutter = Shutter.iris(detector.shape, travel=0.02)
    camera = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()]
    rest = SignalChain([ReadNoise(5.0), Gain(1.5), Bias(1000.0)])
    chain = SignalChain([shutter, *camera], detector=detector)
    lamp = Lamp(6e4)
    takes = [(lamp, t) for t in (0.1,) * 10 + (1.0,) * 5]
    flats = [exposure.frame for exposure in chain.expose_sequence(takes, seed=1)]
    found = Shutter.measure(flats, known=rest)

    figure = Figure(figsize=(9, 2.9), layout="constrained")
    axes = figure.subplots(1, 3)
    for ax, image, title in ((axes[0], shutter.delay, "delay"), (axes[1], found.delay, "measured")):
        shown = ax.imshow(1e3 * image, origin="lower", cmap="viridis", vmin=0, vmax=20)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("column")
        ax.set_ylabel("row")
    figure.colorbar(shown, ax=axes[:2], label="ms", shrink=0.8)
    frame = chain.expose(lamp, 0.1, seed=2).frame
    for known, label, color in ((rest, "as it is", "#c2570c"), (rest.with_(found), "corrected", "#1d5bb8")):
        rows = known.correct(frame).data[50:70].mean(axis=0)
        axes[2].plot(rows, label=label, color=color, lw=1)
    axes[2].axhline(6000, color="#52606f", lw=0.7, ls=":")
    axes[2].set_title("flat of 0.1 s, rows 50 to 69", fontsize=9)
    axes[2].set_xlabel("column")
    axes[2].set_ylabel("electrons")
    axes[2].legend(frameon=False, fontsize=8)
    figure.savefig(target, dpi=80)
