"""A simulator to play with: a frame of 500 x 500 pixels for every state of its controls, as fast as a slider.

What did not change since the last frame is kept: the field of stars, the maps of a flat, the dark current.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, cast

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.chain import SignalChain
from fullwell.effects import ADC, Bias, Dark, Effect, Gain, ReadNoise, ShotNoise
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.scene import Galaxies, Moonlight, Sky, Spots, Stars
from fullwell.simulation.playground_controls import Settings
from fullwell.simulation.playground_effects import EFFECT_OF, Surroundings, detector_of_four, make_effect
from fullwell.simulation.playground_histogram import Expected, Histogram

__all__ = ["Play", "Playground"]

_MOST_KEPT = 64
#: Brightest over faintest star that there can be.
_RANGE = 300.0
_HOT_RATE = (10.0, 1000.0)
Image = npt.NDArray[np.float32]


@attrs.frozen(eq=False)
class Play:
    """One frame and what can be read from it.

    Parameters
    ----------
    frame : ndarray of uint16, shape (500, 500)
        ADU; row 0 is the bottom.
    histogram : Histogram
    expected : Expected
        Of a pixel without a star and without a fault, from the sliders alone.
    """

    frame: npt.NDArray[np.uint16]
    histogram: Histogram
    expected: Expected

    def reading(self) -> dict[str, Any]:
        """Return all but the frame as plain data."""
        return {
            "shape": list(self.frame.shape),
            "histogram": attrs.asdict(self.histogram),
            "expected": attrs.asdict(self.expected),
        }


class Playground:
    """Makes frames, and keeps the parts that several of them share. Threads may share it."""

    def __init__(self) -> None:
        self.detector = detector_of_four()
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, settings: Settings) -> Play:
        """Expose one frame.

        Parameters
        ----------
        settings : Settings

        Returns
        -------
        Play
            The same settings give the same frame.
        """
        sliders = settings.sliders
        exposure = SignalChain(self._effects(settings), detector=self.detector).expose(
            self._light(settings),
            sliders["exposure_time"],
            noise=Noise(settings.seed, settings.noise),
            state={"illumination": {"source": "lamp"}},
        )
        frame = np.asarray(exposure.frame.data, np.uint16)
        expected = Expected.of(**{name: sliders[name] for name in Expected.needs()})
        return Play(frame, Histogram.of(frame, around=expected), expected)

    def _effects(self, settings: Settings) -> list[Effect]:
        sliders = settings.sliders
        sky, seconds = sliders["sky"], sliders["exposure_time"]
        around = Surroundings(
            self.detector,
            settings.seed,
            sliders["bias"],
            sky,
            seconds,
            self._dark(settings),
            sliders["gain"],
        )
        groups: dict[str, dict[str, float]] = {}
        for name, strength in settings.switches.items():
            if name in EFFECT_OF and strength:
                groups.setdefault(EFFECT_OF[name], {})[name] = strength
        # What an effect takes from the sliders is part of its name in the store.
        depends: dict[str, tuple[float, ...]] = {
            "bias": (sliders["bias"],),
            "fringes": (sky,),
            "xrays": (seconds,),
            "read_out_dark": self._dark_parts(settings),
            "gain": (sliders["gain"],),
        }
        made = [
            self._keep(
                (group, *sorted(strengths.items()), settings.seed, *depends.get(group, ())),
                lambda group=group, strengths=strengths: make_effect(group, strengths, around),  # type: ignore[misc]
            )
            for group, strengths in groups.items()
        ]
        always: dict[str, Effect] = {
            "bias": Bias(sliders["bias"]),
            "adc": ADC(bits=16),
            "gain": Gain(sliders["gain"]),
        }
        return [
            ShotNoise(),
            Dark(rate=around.dark),
            ReadNoise(sliders["read_noise"]),
            *(effect for group, effect in always.items() if group not in groups),
            *made,
        ]

    def _light(self, settings: Settings) -> Image:
        """Return e-/s of all that shines."""
        sliders, switches, shape = settings.sliders, settings.switches, self.detector.shape
        field = tuple(sliders[name] for name in ("stars", "brightness", "fwhm"))
        key = ("stars", *field, settings.seed)
        light = self._keep(key, lambda: _stars(shape, *field, seed=settings.seed)).copy()
        steep = switches.get("sky_gradient", 0.0)
        Sky(sliders["sky"], gradient=(steep, steep / 2)).add_to(light)
        makers: dict[str, Callable[[float], Any]] = {
            "moonlight": lambda s: Moonlight(s, distance=2.0, direction=40.0, pixel_scale=4.0),
            "galaxies": lambda s: _galaxies(shape, int(s), sliders["fwhm"], settings.seed),
            "spots": lambda s: Spots(*_grid(shape), level=s, radius=12.0),
        }
        for name, make in makers.items():
            if switches.get(name):
                light += self._keep(
                    (name, switches[name], sliders["fwhm"], settings.seed),
                    lambda make=make, name=name: make(switches[name]).render(shape),  # type: ignore[misc]
                )
        return cast("Image", light)

    def _dark_parts(self, settings: Settings) -> tuple[float, ...]:
        parts = (settings.sliders["dark_current"], settings.sliders["hot_pixels"])
        return *parts, settings.switches.get("dark_spread", 0.0)

    def _dark(self, settings: Settings) -> Image:
        parts, seed = self._dark_parts(settings), settings.seed
        made = self._keep(("dark", *parts, seed), lambda: _dark_rates(self.detector.shape, *parts, seed=seed))
        return cast("Image", made)

    def _keep(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what was made for a key before, or make it; the longest unused goes first."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return made


def _stars(shape: tuple[int, int], number: float, brightness: float, fwhm: float, *, seed: int) -> Image:
    if not number or not brightness:
        return np.zeros(shape, np.float32)
    stars = Stars.random(int(number), shape=shape, flux=(1.0, _RANGE), seed=seed, fwhm=fwhm)
    return attrs.evolve(stars, flux=stars.flux * (brightness / stars.flux.max())).render(shape)


def _galaxies(shape: tuple[int, int], number: int, fwhm: float, seed: int) -> Galaxies:
    draw = Noise(seed, FIXED_PATTERN).stream("playground_galaxies").uniform((6, number))
    return Galaxies(
        x=draw[0] * shape[1],
        y=draw[1] * shape[0],
        flux=300 * 30 ** draw[2],
        radius=3 + 9 * draw[3],
        axis_ratio=0.3 + 0.7 * draw[4],
        angle=180 * draw[5],
        fwhm=fwhm,
    )


def _grid(shape: tuple[int, int]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Places of spots: two in each quarter, another two in each, so that echoes fall on dark sky."""
    x, y = np.array([(0.11, 0.17), (0.36, 0.31), (0.72, 0.12), (0.19, 0.81), (0.63, 0.70), (0.88, 0.90)]).T
    return x * shape[1], y * shape[0]


def _dark_rates(shape: tuple[int, int], rate: float, hot: float, spread: float, *, seed: int) -> Image:
    stream = Noise(seed, FIXED_PATTERN).stream("playground_dark")
    rates = np.full(shape, rate, np.float32)
    if spread:
        # The mean stays: that of a log-normal variable is exp(spread**2 / 2).
        rates *= np.exp(spread * stream.normal(shape, draw=0) - np.float32(spread**2 / 2))
    which = stream.uniform(shape, draw=1) < hot / 100
    low, high = np.log(_HOT_RATE)
    rates[which] += np.exp(low + (high - low) * stream.uniform(shape, draw=2)[which]).astype(np.float32)
    return rates
