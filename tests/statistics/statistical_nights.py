"""Simulated nights that bite, and the masters made of them by the code under test.

The detector has four amplifiers of different gain and read noise in mirrored read-out. The level drifts by
3 ADU from frame to frame, the lamp of the flats by some percent. Biases have structure, darks hot pixels and
cosmic rays, and electrons that do not grow with time (`OFFSET`, more than 0.4 sigma of the narrow filter's
sky). The flat has vignetting, one for each filter, and pixel response. In the narrow filter the variance of
the sky is below the square of each read noise; in the broad one the sky is 0.35 of the level of the flats.
"""

from __future__ import annotations

import attrs
import numpy as np

from fullwell.chain import SignalChain
from fullwell.detector import Amplifier, Box, Detector
from fullwell.effects import (
    ADC,
    Bias,
    CosmicRays,
    Dark,
    Flat,
    Gain,
    Overscan,
    ReadNoise,
    ShotNoise,
)
from fullwell.flags import mask_of
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.scene import Sky, Stars

SIDE = 1024
COLUMNS = 64  # of overscan an amplifier
GAINS = (1.3, 1.5, 1.7, 1.45)  # e-/ADU
READ_NOISES = (6.6, 8.0, 9.3, 7.2)  # e-
OFFSET = 4.5  # e-
DARK_RATE = 0.05  # e-/s
LONG, SHORT, SHORTEST = 300.0, 60.0, 0.04  # s
FLAT_LEVEL, FLAT_TIME = 25_000.0, 5.0  # e-, s
SKIES = {"narrow": 30.0, "broad": 8750.0}  # e-
VIGNETTING = {"narrow": 0.20, "broad": 0.12}
LAMP = (1.0, 0.95, 1.04, 0.98, 1.03)  # brightness from flat to flat

_BIAS, _DARK, _FLAT, _SCIENCE = 0, 2_000, 4_000, 8_000  # numbers of exposures


def four_amplifiers(side: int = SIDE) -> Detector:
    """One amplifier a quadrant; overscan columns meet in the middle of the raw frame."""
    half = side // 2
    amplifiers = []
    for i, (name, gain, noise) in enumerate(zip("ABCD", GAINS, READ_NOISES, strict=True)):
        right, top = i % 2, i // 2
        y = (top * half, (top + 1) * half)
        x0 = half + 2 * COLUMNS if right else 0
        scan = half + COLUMNS if right else half
        amplifiers.append(
            Amplifier(
                name=name,
                box=Box(right * half, (right + 1) * half, *y),
                data=Box(x0, x0 + half, *y),
                raw=Box(right * (half + COLUMNS), (right + 1) * (half + COLUMNS), *y),
                overscan=Box(scan, scan + COLUMNS, *y),
                flip_x=bool(right),
                flip_y=bool(top),
                gain=gain,
                read_noise=noise,
            )
        )
    return Detector(
        name="four",
        shape=(side, side),
        raw_shape=(side, side + 2 * COLUMNS),
        amplifiers=tuple(amplifiers),
        pixel_size=13.5,
    )


@attrs.frozen(eq=False)
class Science:
    """A raw science frame and its truth: expected electrons before the flat, of all and of the stars."""

    frame: object
    light: np.ndarray
    stars: np.ndarray
    sky: float


@attrs.frozen(eq=False)
class Night:
    """What is fixed in the detector; `seed` names the night."""

    seed: int
    detector: Detector = attrs.field(factory=four_amplifiers)
    flat_level: float = FLAT_LEVEL
    skies: dict = attrs.field(factory=lambda: dict(SKIES))
    structure: np.ndarray = attrs.field(init=False)
    rate: np.ndarray = attrs.field(init=False)
    response: dict = attrs.field(init=False)

    @structure.default
    def _structure(self):
        y, x = np.mgrid[-0.5 : 0.5 : self.detector.shape[0] * 1j, -0.5 : 0.5 : self.detector.shape[1] * 1j]
        return (9 * x - 5 * y + self._fixed("structure").normal(self.detector.shape)).astype(np.float32)

    @rate.default
    def _rate(self):
        stream, shape = self._fixed("hot"), self.detector.shape
        hot = stream.uniform(shape) < 5e-4
        return np.where(hot, 10 ** (2 * stream.uniform(shape, draw=1)), DARK_RATE).astype(np.float32)

    @response.default
    def _response(self):
        y, x = np.mgrid[-0.5 : 0.5 : self.detector.shape[0] * 1j, -0.5 : 0.5 : self.detector.shape[1] * 1j]
        pixel = 1 + 0.01 * self._fixed("pixel_response").normal(self.detector.shape)
        # A unit of its own: nothing here has median 1.
        return {
            name: (0.9 * pixel * (1 - v * 2 * (x * x + y * y))).astype(np.float32)
            for name, v in VIGNETTING.items()
        }

    def _fixed(self, name):
        return Noise(self.seed, FIXED_PATTERN).stream(name)

    def chain(self, *, cosmic_rays=True, filter=None):
        """The true instrument."""
        effects = [
            ShotNoise(),
            Dark(rate=self.rate, offset=OFFSET),
            ReadNoise(READ_NOISES),
            Gain(GAINS),
            Bias([990.0, 1010.0, 1030.0, 1000.0], structure=self.structure, drift=3.0),
            ADC(16),
        ]
        if cosmic_rays:
            effects.append(CosmicRays(rate=5.0))
        if filter is not None:
            effects.append(Flat(self.response[filter]))
        return SignalChain(effects)

    def _expose(self, number, light, time, **options):
        scene = None if light is None else np.asarray(light, np.float32) / np.float32(time)
        return self.chain(**options).expose(
            scene, time, detector=self.detector, noise=Noise(self.seed, number)
        )

    def biases(self, count, time):
        """Biases; those of 0 s are free of the electrons of `OFFSET`, shortest exposures hold them."""
        start = _BIAS + (1_000 if time else 0)
        return [self._expose(start + i, None, time).frame for i in range(count)]

    def darks(self, count, time):
        start = _DARK + (1_000 if time == SHORT else 0)
        return [self._expose(start + i, None, time).frame for i in range(count)]

    def flats(self, count, filter):
        start = _FLAT + 1_000 * list(SKIES).index(filter)
        lamps = [np.full((1, 1), self.flat_level / 0.9 * LAMP[i % len(LAMP)]) for i in range(count)]
        return [self._expose(start + i, lamp, FLAT_TIME, filter=filter).frame for i, lamp in enumerate(lamps)]

    def science(self, filter, time, number):
        """One field of stars; no cosmic rays, which would be another test."""
        sky = Sky(self.skies[filter], gradient=(0.1, -0.06)).render(self.detector.shape)
        bright = 3e4 if filter == "narrow" else 1e5
        seed = self.seed * 1_000 + number
        field = Stars.random(
            120,
            shape=self.detector.shape,
            flux=(300.0, bright),
            seed=seed,
            fwhm=3.2,
            profile="moffat",
            margin=10,
        )
        stars = field.render(self.detector.shape)
        exposure = self._expose(_SCIENCE + number, sky + stars, time, cosmic_rays=False, filter=filter)
        return Science(exposure.frame, exposure.light, stars, self.skies[filter])


@attrs.frozen(eq=False)
class Masters:
    """Calibration products of a night, measured by the code under test.

    With ``lengths='one'`` the dark is scaled from one longer exposure with the bias known. What does not grow
    with time cannot be told from the rate then, so the biases are the shortest exposures of the camera, which
    hold it. With ``lengths='two'`` the biases are free of it, and the dark has to find it.
    """

    night: Night
    count: int
    bias: Bias
    dark: Dark
    flats: dict

    @classmethod
    def make(cls, night, count, *, lengths, filters=tuple(SKIES)):
        overscan = Overscan()
        bias = Bias.measure(
            night.biases(count, SHORTEST if lengths == "one" else 0.0), known=SignalChain([overscan])
        )
        times = {"one": (LONG,), "two": (SHORT, LONG)}[lengths]
        frames = [frame for time in times for frame in night.darks(count, time)]
        dark = Dark.measure(frames, known=SignalChain([overscan, bias]), gain=GAINS)
        known = SignalChain([overscan, bias, dark])
        flats = {
            name: Flat.measure(night.flats(count, name), known=known, gain=GAINS, filter=name)
            for name in filters
        }
        return cls(night, count, bias, dark, flats)

    def chain(self, filter):
        """What corrects a science frame."""
        noise = [noise * gain for noise, gain in zip(self.bias.read_noise, GAINS, strict=True)]
        effects = [Overscan(), self.bias, self.dark, self.flats[filter], Gain(GAINS), ShotNoise(), ADC(16)]
        return SignalChain([*effects, ReadNoise(noise, digitized=True)])

    def correct(self, science, filter):
        """A science frame with the noise of its masters still apart."""
        return self.chain(filter).correct(science.frame, settle=False)

    def truth(self, science, filter):
        """Electrons that a perfect calibration gives: light times flat, in the unit of the measured flat.

        The measured flat has median 1 over its unmasked pixels, all amplifiers together; so has the true one.
        """
        good = ~mask_of(self.flats[filter].flags)
        return science.light * np.median(self.night.response[filter][good])
