"""Dark current against temperature, a map with hot pixels, and darks of several lengths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy import units as u
from matplotlib.figure import Figure

from fullwell import ADC, Bias, DarkCurrent, Detector, Gain, Noise, ReadNoise, SignalChain


def draw(target: Path) -> None:
    """Draw the law with its terms and a hot pixel, the map at 0 degrees, and levels of darks with a line."""
    law = DarkCurrent(depletion=20.0, diffusion=4.0, spread=0.3, hot_fraction=0.004)
    detector = Detector.single((80, 80))
    dark = law.dark(detector.shape, 0 * u.deg_C, seed=1, offset=3.0)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    celsius = np.linspace(-60, 40, 101)
    kelvin = celsius + 273.15
    left.semilogy(celsius, [law.at(t) for t in kelvin], color="#1d5bb8", label="both terms")
    for term, style in (("depletion", "--"), ("diffusion", ":")):
        alone = DarkCurrent(**{"depletion": 0.0, term: getattr(law, term)})
        left.semilogy(celsius, [alone.at(t) for t in kelvin], style, color="#52606f", lw=1, label=term)
    # A map of one pixel that is hot for certain, without the typical current.
    hot = DarkCurrent(depletion=0.0, hot_fraction=1.0, hot_rate=(1000, 1001), hot_energy=(0.55, 0.551))
    rates = [float(hot.rates((1, 1), t, seed=1)[0, 0]) for t in kelvin]
    left.semilogy(celsius, rates, color="#c2570c", label="a hot pixel, 0.55 eV")
    left.set_ylim(1e-5, 1e7)
    left.set_xlabel("temperature, °C")
    left.set_ylabel("dark current, e-/s")
    left.legend(frameon=False, fontsize=7.5, loc="upper left")
    shown = middle.imshow(dark.rate, origin="lower", cmap="gray", vmin=0, vmax=10)
    middle.set_title("map at 0 °C", fontsize=9)
    middle.set_xlabel("column")
    middle.set_ylabel("row")
    figure.colorbar(shown, ax=middle, label="e-/s", shrink=0.8)
    chain = SignalChain([dark, ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()], detector=detector)
    times = (5.0, 15.0, 30.0, 60.0, 120.0)
    plain = chain.without("dark")
    levels = [
        np.median(plain.correct(chain.expose(None, t, noise=Noise(1, i)).frame).data)
        for i, t in enumerate(times)
    ]
    rate = float(np.median(dark.rate))
    right.plot(times, levels, "o", color="#1d5bb8", ms=5, label="median of a dark")
    right.plot([0, 125], [3, 3 + 125 * rate], color="#c2570c", lw=1, label=f"3 e- + {rate:.2f} e-/s x t")
    right.set_xlabel("dark time, s")
    right.set_ylabel("electrons")
    right.legend(frameon=False, fontsize=8)
    figure.savefig(target, dpi=80)
