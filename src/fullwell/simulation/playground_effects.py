"""From switches to effects: each group of switches makes one effect of the chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell import features
from fullwell.detector import Amplifier, Box, Detector
from fullwell.effects import (
    ADC,
    Bias,
    BiasWander,
    Boundaries,
    ChargeTransfer,
    CodeErrors,
    CorrelatedNoise,
    CosmicRays,
    Crosstalk,
    Defects,
    Effect,
    Flat,
    Fringes,
    FullWell,
    Gain,
    Glow,
    Illumination,
    NonLinearity,
    Persistence,
    PixelArea,
    Polynomial,
    ReadOutDark,
    Shutter,
    Smear,
    Telegraph,
    Trap,
    XRays,
)
from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.effects.brighter_fatter_boundaries import model_coefficients
from fullwell.effects.diffusion import Diffusion
from fullwell.features.base import AreaFeature, Feature
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.noise import FIXED_PATTERN, Noise
from fullwell.scene import Stars
from fullwell.simulation.playground_controls import SWITCHES

__all__ = ["EFFECT_OF", "SIDE", "Surroundings", "detector_of_four", "make_effect"]

#: Rows and columns of the frame.
SIDE = 500
#: Electrons at which the non-linearity is stated, and at which the stars of the exposure before were full.
_CAPACITY = 100_000.0
#: Steps in which light is collected for the brighter-fatter effect, where `BrighterFatter` takes 20.
_INCREMENTS = 5
_BLUE = 400.0
#: Part of its area that a pixel may lose.
_LARGEST_LOSS = 0.98
Image = npt.NDArray[np.float32]
Strengths = Mapping[str, float]


@attrs.frozen(eq=False)
class Surroundings:
    """What effects need to know beside their strengths.

    Parameters
    ----------
    detector : Detector
    seed : int
    bias : float
        ADU.
    sky : float
        e-/s.
    exposure_time : float
        Seconds.
    dark : ndarray of float32
        e-/s.
    gain : float
        e-/ADU.
    """

    detector: Detector
    seed: int
    bias: float
    sky: float
    exposure_time: float
    dark: Image
    gain: float

    def uniform(self, name: str, shape: int | tuple[int, ...], *, draw: int = 0) -> npt.NDArray[np.float64]:
        """Random numbers of what is the same in every exposure."""
        return Noise(self.seed, FIXED_PATTERN).stream(f"playground_{name}").uniform(shape, draw=draw)


Maker = Callable[[Strengths, Surroundings], Effect]


def detector_of_four(side: int = SIDE) -> Detector:
    """Return a detector of four amplifiers, read out at its corners, without overscan."""
    half, amplifiers = side // 2, []
    for right, top in ((False, False), (True, False), (False, True), (True, True)):
        box = Box(*((half, side) if right else (0, half)), *((half, side) if top else (0, half)))
        name = "BT"[top] + "LR"[right]
        amplifiers.append(Amplifier(name=name, box=box, data=box, raw=box, corner=(right, top), lead=(0, 0)))
    shape = (side, side)
    return Detector("playground", shape=shape, raw_shape=shape, amplifiers=amplifiers, pixel_size=15.0)


def make_effect(group: str, strengths: Strengths, around: Surroundings) -> Effect:
    """Return the effect that the switches of a group make together."""
    return _MAKERS[group](strengths, around)


def _flat(strengths: Strengths, around: Surroundings) -> Effect:
    maps = [
        feature.render(around.detector, wavelength=_BLUE) for feature in _made(_OF_PHOTONS, strengths, around)
    ]
    return Flat(reduce(np.multiply, maps))


def _pixel_area(strengths: Strengths, around: Surroundings) -> Effect:
    moved = [feature.boundaries(around.detector) for feature in _made(_OF_AREA, strengths, around)]
    east, north = (sum(getattr(each, name) for each in moved) for name in ("east", "north"))
    # Each is possible alone; where they want more of a pixel than it has, all of them give way.
    least = float((1 + np.diff(east, axis=1) + np.diff(north, axis=0)).min())
    part = np.float32(min(1.0, _LARGEST_LOSS / max(1 - least, 1e-9)))
    return PixelArea(Boundaries(part * east, part * north))


def _gain(strengths: Strengths, around: Surroundings) -> Effect:
    step = strengths["gain_steps"]
    steps = features.AmplifierGainSteps((step, 0.0, step / 2, -step))
    return features.gain_with([steps], Gain(around.gain), around.detector)


def _made(
    makers: Mapping[str, Callable[[float, int], Any]], strengths: Strengths, around: Surroundings
) -> Iterator[Any]:
    for name, strength in strengths.items():
        yield makers[name](strength, around.seed)


_OF_PHOTONS: dict[str, Callable[[float, int], Feature]] = {
    "vignetting": lambda s, _: features.Vignetting(s),
    "dust": lambda s, seed: features.Donuts(number=12, depth=s, distance=5.0, pixel_size=15.0, seed=seed),
    "specks": lambda s, seed: features.Specks(number=int(s), seed=seed),
    "satellite": lambda s, _: features.Satellite(start=(0.0, 90.0), angle=27.0, brightness=s, width=1.5),
    "pixel_response": lambda s, seed: features.PixelResponse(s, seed=seed),
    "efficiency_steps": lambda s, _: features.QuantumEfficiencySteps((0.0, s, -s, s / 2), at_ends=1.0),
    "annealing": lambda s, _: features.Annealing(s),
    "coffee_stains": lambda s, seed: features.CoffeeStains(depth=s, size=45.0, seed=seed),
}

_OF_AREA: dict[str, Callable[[float, int], AreaFeature]] = {
    "tree_rings": lambda s, seed: features.TreeRings(s, seed=seed),
    "edge_roll_off": lambda s, _: features.EdgeRollOff(s, width=4.0),
    "picture_frame": lambda s, _: features.PictureFrame(s),
    "midline": lambda s, _: features.MidlineBreak(s),
    "tearing": lambda s, seed: features.Tearing(s, seed=seed),
    "vampires": lambda s, seed: features.Vampires(number=int(s), seed=seed),
}


def _fringes(strengths: Strengths, around: Surroundings) -> Effect:
    return Fringes.thin_film(
        around.detector.shape, seed=around.seed, visibility=strengths["fringes"], sky=around.sky
    )


def _illumination(strengths: Strengths, around: Surroundings) -> Effect:
    rows, columns = around.detector.shape
    y, x = (np.arange(rows) / rows - 0.5)[:, None], np.arange(columns) / columns - 0.5
    return Illumination((1 + strengths["illumination"] * (x + y)).astype(np.float32))


def _brighter_fatter(strengths: Strengths, _: Surroundings) -> Effect:
    return _FewSteps(model_coefficients(-1e-6 * strengths["brighter_fatter"]))


class _FewSteps(BrighterFatter):
    """The effect in fewer steps, to follow a slider: boundaries lag behind the charge a little more."""

    def _collected(self, expected: Image, increments: int, noise: Noise) -> Image:
        return super()._collected(expected, min(increments, _INCREMENTS), noise)


def _persistence(strengths: Strengths, around: Surroundings) -> Effect:
    shape = around.detector.shape
    stars = Stars.random(12, shape=shape, flux=(3e4, 3e6), seed=around.seed + 1, fwhm=5.0)
    held = strengths["persistence"] / 100 * np.minimum(stars.render(shape), np.float32(_CAPACITY))
    return Persistence(strengths["persistence"] / 100, 60.0, trapped=held.astype(np.float32))


def _defects(strengths: Strengths, around: Surroundings) -> Effect:
    shape = around.detector.shape
    dead = around.uniform("dead_pixels", shape) < strengths.get("dead_pixels", 0) / 100
    order = np.argsort(around.uniform("dead_columns", shape[1]), kind="stable")
    dead[:, order[: int(strengths.get("dead_columns", 0))]] = True
    return Defects(np.where(dead, FLAG_DTYPE.type(Flags.DEAD), FLAG_DTYPE.type(0)))


def _transfer(strengths: Strengths, _: Surroundings) -> Effect:
    part = 1e-6 * strengths.get("transfer", 0.0)
    traps = [Trap(pixel=60, size=strengths["trap"], fill=0.1, release=8.0)] if strengths.get("trap") else []
    return ChargeTransfer(serial=part, parallel=part, traps=traps)


def _correlated_noise(strengths: Strengths, _: Surroundings) -> Effect:
    rows, slow, banding = (strengths.get(name, 0.0) for name in ("row_noise", "slow_noise", "banding"))
    return CorrelatedNoise(rows=rows, slow=slow, banding=banding, period=37.3, common=0.5)


def _crosstalk(strengths: Strengths, around: Surroundings) -> Effect:
    number = len(around.detector.amplifiers)
    return Crosstalk(1e-3 * strengths["crosstalk"] * (1 - np.eye(number)))


def _bias(strengths: Strengths, around: Surroundings) -> Effect:
    rows, columns = around.detector.shape
    structure = np.zeros((rows, columns), np.float32)
    fall = np.exp(-np.arange(columns) / (0.3 * columns)).astype(np.float32)
    structure += strengths.get("bias_gradient", 0.0) * fall
    order = np.argsort(around.uniform("bad_columns", columns), kind="stable")[:5]
    pattern = around.uniform("bad_columns", rows, draw=1).astype(np.float32)[:, None]
    structure[:, order] += strengths.get("bad_columns", 0.0) * pattern
    return Bias(around.bias, structure)


def _bias_wander(strengths: Strengths, _: Surroundings) -> Effect:
    jump = strengths.get("bias_jumps", 0.0)
    return BiasWander(ramp=strengths.get("bias_ramp", 0.0), jump=jump, jump_rate=4.0 if jump else 0.0)


def _code_errors(strengths: Strengths, around: Surroundings) -> Effect:
    stuck = 1 << int(strengths["stuck_bit"]) if "stuck_bit" in strengths else 0
    scatter = strengths.get("code_errors", 0.0)
    return CodeErrors.random(16, scatter=scatter, seed=around.seed, stuck_high=stuck)


def _adc(strengths: Strengths, _: Surroundings) -> Effect:
    missing = int(strengths["coarse_adc"])
    return ADC(bits=16 - missing, shift=missing)


def _one(
    name: str, make: Callable[[float, Surroundings], Effect]
) -> Callable[[Strengths, Surroundings], Effect]:
    return lambda strengths, around: make(strengths[name], around)


_MAKERS: dict[str, Maker] = {
    "flat": _flat,
    "pixel_area": _pixel_area,
    "gain": _gain,
    "shutter": _one("shutter", lambda s, around: Shutter.iris(around.detector.shape, travel=s)),
    "fringes": _fringes,
    "illumination": _illumination,
    "diffusion": _one("diffusion", lambda s, _: Diffusion(s)),
    "smear": _one("smear", lambda s, _: Smear(s / 1000)),
    "brighter_fatter": _brighter_fatter,
    "telegraph": _one(
        "telegraph",
        lambda s, around: Telegraph.random(
            around.detector.shape, fraction=s / 100, amplitude=(5.0, 100.0), seed=around.seed
        ),
    ),
    "glow": _one("glow", lambda s, around: Glow.at_amplifiers(around.detector, rate=s, radius=50.0)),
    "cosmic_rays": _one("cosmic_rays", lambda s, _: CosmicRays(s, 100.0)),
    "xrays": _one("xrays", lambda s, around: XRays(s / (around.exposure_time or 1.0))),
    "full_well": _one("full_well", lambda s, _: FullWell(1000 * s)),
    "persistence": _persistence,
    "defects": _defects,
    "read_out_dark": _one("read_out_dark", lambda s, around: ReadOutDark(around.dark, s / 1000)),
    "transfer": _transfer,
    "nonlinearity": _one(
        "nonlinearity", lambda s, _: NonLinearity(Polynomial([-s / _CAPACITY], limit=1.5 * _CAPACITY))
    ),
    "correlated_noise": _correlated_noise,
    "crosstalk": _crosstalk,
    "bias": _bias,
    "bias_wander": _bias_wander,
    "code_errors": _code_errors,
    "adc": _adc,
}

#: The group of each switch; those that are not here change the scene or the dark current.
EFFECT_OF: dict[str, str] = {
    **dict.fromkeys(_OF_PHOTONS, "flat"),
    **dict.fromkeys(_OF_AREA, "pixel_area"),
    "gain_steps": "gain",
    **{name: name for name in _MAKERS if name in SWITCHES},
    **dict.fromkeys(("dead_pixels", "dead_columns"), "defects"),
    "trap": "transfer",
    **dict.fromkeys(("row_noise", "slow_noise", "banding"), "correlated_noise"),
    **dict.fromkeys(("bad_columns", "bias_gradient"), "bias"),
    **dict.fromkeys(("bias_ramp", "bias_jumps"), "bias_wander"),
    "stuck_bit": "code_errors",
    "coarse_adc": "adc",
}
