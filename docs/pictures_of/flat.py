"""A response, a field seen through it, and the field divided by a measured flat."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from fullwell import (
    ADC,
    Bias,
    Detector,
    Flat,
    Gain,
    Lamp,
    ReadNoise,
    Scene,
    ShotNoise,
    SignalChain,
    Sky,
    Stars,
)
from fullwell.features import Donuts, PixelResponse, Vignetting, response_of


def draw(target: Path) -> None:
    """Draw response, field and corrected field."""
    shape = (160, 160)
    detector = Detector.single(shape)
    response = response_of(
        [Vignetting(0.15), PixelResponse(0.01), Donuts(distance=3, pixel_size=15)], detector
    )
    camera = [ShotNoise(), ReadNoise(5.0), Gain(1.5), Bias(1000.0), ADC()]
    chain = SignalChain([response, *camera], detector=detector)
    rest = SignalChain([ReadNoise(5.0), Gain(1.5), Bias(1000.0)])
    flats = [exposure.frame for exposure in chain.expose_sequence([(Lamp(4e4), 1.0)] * 10, seed=1)]
    found = Flat.measure(flats, known=rest)
    field = Scene([Sky(200.0), Stars.random(40, shape=shape, flux=(300, 2e4), seed=4)])
    frame = chain.expose(field, 120.0, seed=30).frame

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 3)
    pictures = (
        (response.response, "response", "", (0.85, 1.05)),
        (rest.correct(frame).data / 1e3, "a field", "1000 electrons", (20, 27)),
        (rest.with_(found).correct(frame).data / 1e3, "divided by the flat", "1000 electrons", (20, 27)),
    )
    for ax, (image, title, unit, (low, high)) in zip(axes, pictures, strict=True):
        shown = ax.imshow(image, origin="lower", cmap="gray", vmin=low, vmax=high)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel("column")
        figure.colorbar(shown, ax=ax, label=unit, orientation="horizontal", shrink=0.8)
    axes[0].set_ylabel("row")
    figure.savefig(target, dpi=75)
