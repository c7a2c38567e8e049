"""Every constructor of effects, features and scenes refuses what cannot be, by the name of the parameter."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
import pytest
from astropy import units as u

from fullwell import effects, features, scene
from fullwell.detector import Detector
from fullwell.effects import Dark, DarkCurrent, Defects, Diffusion, Fringes, Glow, Polynomial, Shutter
from fullwell.errors import FullwellError
from fullwell.flags import FLAG_DTYPE

IMAGE = np.ones((4, 6), np.float32)
RIPPLE = np.where(np.arange(6) % 2, 0.01, -0.01) * np.ones((4, 1))
CURVE = Polynomial((1e-8,), limit=1e5)
A = np.array([[-3e-6, 2.5e-7], [5e-7, 0.0]])
A[1, 1] = -(A[0, 0] + 2 * A[0, 1] + 2 * A[1, 0]) / 4
DETECTOR = Detector.preset("lsst-itl")
ODD: dict[str, Any] = {
    "True": True,
    "word": "5",
    "complex": 1j,
    "nan": np.nan,
    "inf": np.inf,
    "negative": -1.0,
    "empty": [],
    "huge": 1e300,
    "none": None,
    "meters": 5 * u.m,
    "ragged": [[1.0], [2.0, 3.0]],
}
#: What a constructor cannot do without.
NEEDED: dict[str, dict[str, Any]] = {
    "BrighterFatter": {"a": A},
    "CodeErrors": {"widths": [1.0, 1.0]},
    "Crosstalk": {"coefficients": np.zeros((2, 2))},
    "Composed": {"first": CURVE, "second": CURVE},
    "DarkLaw": {"typical": DarkCurrent(), "temperature": 250.0},
    "Defects": {"flags": np.zeros((4, 6), FLAG_DTYPE)},
    "Diffusion": {"sigma": 0.3},
    "Flat": {"response": IMAGE},
    "Fringes": {"pattern": RIPPLE},
    "FullWell": {"capacity": 1e5},
    "Gain": {"values": 1.5},
    "Glow": {"rate": IMAGE},
    "Illumination": {"pattern": IMAGE},
    "NonLinearity": {"curves": CURVE},
    "Polynomial": {"coefficients": (1e-8,), "limit": 1e5},
    "ReadNoise": {"values": 5.0},
    "ReadOutDark": {"rate": IMAGE},
    "Shutter": {"delay": 0.01},
    "Smear": {"row_time": 1e-3},
    "Spline": {"knots": (0, 1e4, 2e4), "offsets": (0, 0, 10.0)},
    "Table": {"true": (0, 1e4), "read": (0, 9e3)},
    "Telegraph": {"pixels": [(1, 2)]},
    "Trap": {"pixel": 3, "size": 20.0},
    "XRays": {"rate": 1.0},
    "Galaxies": {"x": 1.0, "y": 1.0, "flux": 5.0, "radius": 2.0},
    "Lamp": {"level": 5.0},
    "Moonlight": {"level": 5.0},
    "Sky": {"level": 5.0},
    "Spots": {"x": 1.0, "y": 1.0, "level": 5.0},
    "Stars": {"x": 1.0, "y": 1.0, "flux": 5.0},
    "Twilight": {"level": 5.0},
}
#: What `measure` writes down, tables of results and what other objects check themselves.
NOTES = {
    *("statistics", "id", "applied", "errors", "variance", "shared", "levels", "counts", "count", "times"),
    *("filter", "flags", "source", "read_noise", "read_noise_error", "dark_time", "order", "bias_time"),
    *("bias_included", "unit", "a_error", "quadratic_errors", "capacity_error", "onset_error", "error"),
    *("serial_error", "parallel_error", "offset_error", "sigma_error", "rate_error", "depletion_error"),
    *("diffusion_error", "law", "energy_error", "args", "kwargs"),
}
#: Abstract, or made by others; enums are left out as well.
NO_CONSTRUCTORS = {
    *("Affine", "MasterTerm", "Signal", "Effect", "Curve", "Feature", "AreaFeature", "Boundaries"),
    *("PixelArea", "Scene", "Source"),
}
FACTORIES: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
    ("Shutter.iris", Shutter.iris, {"shape": (4, 6), "travel": 0.1, "offset": 0.0}),
    ("Shutter.curtain", Shutter.curtain, {"shape": (4, 6), "skew": 0.1, "offset": 0.0, "axis": 0}),
    ("Glow.at_amplifiers", Glow.at_amplifiers, {"detector": DETECTOR, "rate": 1.0, "radius": 50.0}),
    (
        "Fringes.thin_film",
        Fringes.thin_film,
        {
            "shape": (4, 6), "seed": 1, "thickness": 40.0, "roughness": 1.0, "visibility": 0.04, "sky": 1.0,
            "lines": ((925.0, 1.0),),
        },
    ),
    (
        "Telegraph.random",
        effects.Telegraph.random,
        {"shape": (4, 6), "fraction": 0.1, "amplitude": (1.0, 2.0), "seed": 1, "time_high": 5.0,
         "time_low": 5.0},
    ),
    (
        "Diffusion.in_silicon",
        Diffusion.in_silicon,
        {"thickness": 100.0, "voltage": 50.0, "temperature": 170.0, "pixel_size": 10.0,
         "absorption_length": 1.0},
    ),
    (
        "Defects.random",
        Defects.random,
        {"detector": Detector.single((8, 9)), "seed": 1, "dead": 0.1, "low": 0.1,
         "low_throughput": (0.3, 0.8), "clusters": 1, "cluster_radius": 2.0, "columns": 1, "traps": 1,
         "trap_depth": (100.0, 200.0)},
    ),
    ("CodeErrors.random", effects.CodeErrors.random, {"bits": 8, "scatter": 0.1, "seed": 1}),
    ("ReadOutDark.of", effects.ReadOutDark.of, {"dark": Dark(IMAGE), "row_time": 1e-3}),
    ("DarkCurrent.rates", DarkCurrent().rates, {"shape": (4, 6), "temperature": 250.0, "seed": 1}),
    (
        "Stars.random",
        scene.Stars.random,
        {"number": 5, "shape": (4, 6), "flux": (1.0, 5.0), "seed": 1, "fwhm": 3.0, "profile": "gaussian",
         "margin": 0.0},
    ),
]  # fmt: skip
#: Odd values that are possible after all, by parameter.
OPTIONAL = (
    *(
        "ADC.saturation",
        "ADC.dither",
        "Bias.structure",
        "CorrelatedNoise.correlation",
        "CosmicRays.diffusion",
    ),
    *("Crosstalk.quadratic", "Dark.temperature", "Defects.throughput", "FullWell.onset", "FullWell.ramp"),
    *(
        "FullWell.saturation",
        "FullWell.suspect",
        "Fringes.sky",
        "Fringes.thin_film.sky",
        "Persistence.trapped",
        "ReadOutDark.temperature",
    ),
    *("Telegraph.temperature", "Telegraph.energy", "Trap.amplifier"),
)
SIGNED = (
    *("Bias.level", "BiasWander.ramp", "BiasWander.droop", "BiasWander.drift", "Shutter.delay"),
    *("Annealing.angle", "EdgeRollOff.depth", "MidlineBreak.amplitude", "PictureFrame.depth"),
    *("Satellite.angle", "Galaxies.x", "Galaxies.y", "Galaxies.angle", "Moonlight.direction", "Spots.x"),
    *("Spots.y", "Stars.x", "Stars.y", "Twilight.start", "Twilight.halving", "Shutter.iris.offset"),
    *("Shutter.curtain.skew", "Shutter.curtain.offset", "Stars.random.margin"),
)
LISTS = (
    *("ChargeTransfer.traps", "ChargeTransfer.parallel_traps", "DarkLaw.pixels", "DarkLaw.excess"),
    *("DarkLaw.energy", "Defects.traps", "Telegraph.pixels"),
)
SWITCHES = (
    *("CosmicRays.replace", "Defects.interpolate", "FullWell.midline_stop", "Overscan.parallel"),
    *("Persistence.conserving", "ReadNoise.digitized"),
)
ENDLESS = ("Overscan.clip", "Persistence.capacity", "Trap.size")
LEGAL: dict[str, frozenset[str]] = {
    **dict.fromkeys(OPTIONAL, frozenset({"none"})),
    **dict.fromkeys(SIGNED, frozenset({"negative"})),
    **dict.fromkeys(LISTS, frozenset({"empty"})),
    **dict.fromkeys(SWITCHES, frozenset({"True"})),
    **dict.fromkeys(ENDLESS, frozenset({"inf", "huge"})),
    "Donuts.distance": frozenset({"meters"}),
}


def constructors() -> list[tuple[str, Callable[..., Any], dict[str, Any]]]:
    found = []
    for room in (effects, features, scene):
        for name in sorted(room.__all__):
            kind = getattr(room, name)
            if not inspect.isclass(kind) or issubclass(kind, Enum) or name in NO_CONSTRUCTORS:
                continue
            needed = NEEDED.get(name, {})
            others = {p: None for p in inspect.signature(kind).parameters if p not in needed}
            found.append((name, kind, needed | others))
    return found


def cases() -> list[Any]:
    rows = []
    for name, make, parameters in constructors() + FACTORIES:
        given = {p: v for p, v in parameters.items() if v is not None}
        for parameter in parameters:
            if parameter not in NOTES | {"detector", "dark"}:
                rows.append(pytest.param(name, make, given, parameter, id=f"{name}-{parameter}"))
    return rows


def accepted(name: str, make: Callable[..., Any], given: dict[str, Any], parameter: str) -> set[str]:
    """Which odd values are taken; the others are refused by an error of fullwell that names the parameter."""
    taken = set()
    for label, value in ODD.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                make(**given | {parameter: value})
            except FullwellError as error:
                refused = str(error)
            else:
                taken.add(label)
                continue
        # Two lists that belong together are told by the name of the class.
        assert parameter in refused or name.split(".")[0] in refused, (label, refused)
    return taken


@pytest.mark.parametrize(("name", "make", "given", "parameter"), cases())
def test_odd_values_are_refused_or_legal(name, make, given, parameter):
    assert accepted(name, make, given, parameter) == LEGAL.get(f"{name}.{parameter}", set())


def test_the_table_of_what_is_legal_names_parameters_that_are_there():
    known = {f"{name}.{parameter}" for name, _, given in constructors() + FACTORIES for parameter in given}
    assert set(LEGAL) <= known
