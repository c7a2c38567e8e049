"""What can be set in the simulator to play with: sliders, and a switch for each effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from fullwell.errors import ParameterError

__all__ = ["SLIDERS", "SWITCHES", "Control", "Settings", "describe"]

#: How a slider goes from left to right: evenly, or with the third power, so that small values have room.
Scale = Literal["even", "cubic"]
_MOST_SEED = 2**32 - 1


@attrs.frozen
class Control:
    """A value with limits.

    Parameters
    ----------
    name : str
        Key in `Settings` and in addresses.
    label, help : str
        For people: a word or two, and a sentence.
    unit : str
    minimum, maximum, value, step : float
        Limits, what is set at first (for a switch: when it is turned on), and the smallest change.
    scale : {'even', 'cubic'}
    stage : str
        Where light or charge is when it acts; empty for the sliders.
    """

    name: str
    label: str
    unit: str
    minimum: float
    maximum: float
    value: float
    step: float
    help: str
    scale: Scale = "even"
    stage: str = ""

    def checked(self, value: Any) -> float:
        """Return the value as a number within the limits.

        Raises
        ------
        ParameterError
            If it is none.
        """
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and self.minimum <= value <= self.maximum):
            unit = f" {self.unit}" if self.unit else ""
            raise ParameterError(self.name, value, f"a number, {self.minimum:g} to {self.maximum:g}{unit}")
        return float(value)


def _named(*controls: Control) -> dict[str, Control]:
    return {control.name: control for control in controls}


def _at(stage: str, *rows: tuple[Any, ...]) -> list[Control]:
    return [attrs.evolve(Control(*row), stage=stage) for row in rows]


SLIDERS = _named(
    Control("bias", "Bias level", "ADU", 0, 5000, 1100, 10, "A constant that keeps noise above zero."),
    Control("read_noise", "Read noise", "e-", 0, 50, 10, 0.5, "Spread of every reading."),
    Control("gain", "Gain", "e-/ADU", 0.25, 5, 1, 0.05, "Electrons that make one count."),
    Control("dark_current", "Dark current", "e-/s", 0, 20, 0.1, 0.01, "Charge without light.", "cubic"),
    Control("exposure_time", "Exposure", "s", 0, 300, 30, 0.1, "Light and dark current collect.", "cubic"),
    Control("sky", "Sky", "e-/s", 0, 3000, 7, 0.1, "Light that falls on every pixel.", "cubic"),
    Control("hot_pixels", "Hot pixels", "%", 0, 1, 0.01, 0.001, "Pixels of 10 to 1000 e-/s.", "cubic"),
    Control("stars", "Stars", "", 0, 300, 30, 1, "Number of stars in the field."),
    Control("brightness", "Brightest star", "e-/s", 0, 1e5, 20000, 1, "Of all its pixels.", "cubic"),
    Control("fwhm", "Seeing", "pixels", 1, 12, 3, 0.1, "Full width of a star at half its height."),
)

SWITCHES = _named(
    *_at(
        "Sky",
        ("sky_gradient", "Gradient of the sky", "", 0, 1, 0.2, 0.01, "Brighter on one side: a city."),
        ("moonlight", "Moonlight", "e-/s", 0, 100, 10, 0.1, "From a moon 2 degrees away.", "cubic"),
        ("galaxies", "Galaxies", "", 0, 100, 20, 1, "Sources without an edge."),
        (
            "spots",
            "Spots",
            "e-/s",
            0,
            1e4,
            500,
            1,
            "Even disks: what spreads, and what echoes.",
            "cubic",
        ),
    ),
    *_at(
        "Light",
        ("shutter", "Shutter", "s", 0, 5, 0.5, 0.01, "Slow blades: the middle gets that much longer."),
        ("fringes", "Fringes", "", 0, 0.5, 0.1, 0.01, "Lines of the sky interfere in the silicon."),
        ("illumination", "Uneven lamp", "", 0, 0.8, 0.2, 0.01, "Light that is not that of the sky."),
        ("vignetting", "Vignetting", "", 0, 0.9, 0.3, 0.01, "Part of the light missing in corners."),
        ("dust", "Dust rings", "", 0, 0.5, 0.08, 0.01, "Grains far from focus: dark rings."),
        ("specks", "Dust specks", "", 0, 100, 15, 1, "Grains on the detector itself."),
        ("satellite", "Satellite", "", 0, 5, 0.5, 0.01, "A trail over this exposure.", "cubic"),
    ),
    *_at(
        "Pixels",
        ("pixel_response", "Pixel response", "", 0, 0.1, 0.02, 0.001, "No two pixels are alike."),
        ("tree_rings", "Tree rings", "", 0, 0.1, 0.02, 0.001, "Rings of the crystal move charge."),
        ("efficiency_steps", "Efficiency steps", "", 0, 0.2, 0.03, 0.001, "Quarters that differ."),
        ("gain_steps", "Gain steps", "", 0, 0.2, 0.03, 0.001, "Amplifiers that count differently."),
        ("annealing", "Annealing", "", 0, 0.5, 0.1, 0.01, "Stripes of a laser, in blue light."),
        ("coffee_stains", "Coffee stains", "", 0, 1, 0.3, 0.01, "Blots of the coating, in blue light."),
        ("edge_roll_off", "Edge roll-off", "", 0, 0.9, 0.3, 0.01, "Fields bend at the edges."),
        ("picture_frame", "Picture frame", "", 0, 0.5, 0.05, 0.005, "A band along the edges."),
        ("midline", "Midline break", "", 0, 0.5, 0.1, 0.01, "The implant between the halves."),
        ("tearing", "Tearing", "", 0, 0.2, 0.03, 0.001, "Jagged edges that come and go."),
        ("vampires", "Vampire pixels", "", 0, 20, 4, 1, "Bright ones that drain their neighbors."),
        ("diffusion", "Diffusion", "pixels", 0, 3, 0.8, 0.05, "Charge spreads on its way down."),
        ("smear", "Smear", "ms", 0, 100, 5, 0.1, "Light during the shift of the frame.", "cubic"),
        ("brighter_fatter", "Brighter-fatter", "1e-6/e-", 0, 10, 3, 0.1, "Full pixels get smaller."),
    ),
    *_at(
        "Charge",
        ("dark_spread", "Uneven dark current", "", 0, 2, 0.5, 0.05, "Pixels differ in dark current."),
        ("telegraph", "Telegraph pixels", "%", 0, 5, 0.5, 0.01, "They jump between two levels."),
        ("glow", "Amplifier glow", "e-/s", 0, 200, 20, 0.1, "Amplifiers shine in corners.", "cubic"),
        ("cosmic_rays", "Cosmic rays", "/cm2/min", 0, 200, 20, 0.1, "Muons leave tracks.", "cubic"),
        ("xrays", "Fe55 X-rays", "hits", 0, 500, 100, 1, "Each hit has 1620 electrons."),
        ("full_well", "Full well", "ke-", 1, 200, 20, 1, "Full pixels spill along columns."),
        ("persistence", "Persistence", "%", 0, 10, 1, 0.01, "Stars of the exposure before."),
        ("dead_pixels", "Dead pixels", "%", 0, 5, 0.2, 0.01, "They collect nothing."),
        ("dead_columns", "Dead columns", "", 0, 50, 3, 1, "Whole columns collect nothing."),
        ("read_out_dark", "Read-out dark", "ms/row", 0, 100, 5, 0.1, "Charge picked up on the way."),
    ),
    *_at(
        "Read-out",
        ("transfer", "Charge transfer", "1e-6", 0, 2000, 300, 1, "Part left behind in a shift.", "cubic"),
        ("trap", "Trap", "e-", 0, 5000, 500, 1, "In the serial register; takes and gives back."),
        ("nonlinearity", "Non-linearity", "", 0, 0.3, 0.1, 0.005, "Missing part of 100 000 e-."),
        ("row_noise", "Row noise", "e-", 0, 50, 10, 0.5, "Each row has a level of its own."),
        ("slow_noise", "1/f noise", "e-", 0, 50, 10, 0.5, "Slow waves while pixels are read."),
        ("banding", "Banding", "e-", 0, 50, 10, 0.5, "Mains and power supplies."),
        ("crosstalk", "Crosstalk", "1e-3", 0, 20, 3, 0.1, "Echoes of the other amplifiers."),
    ),
    *_at(
        "Bias and converter",
        ("bad_columns", "Bad columns", "ADU", 0, 500, 100, 1, "Five columns that are higher."),
        ("bias_gradient", "Bias gradient", "ADU", 0, 500, 50, 1, "The level falls off from one side."),
        ("bias_ramp", "Bias ramp", "ADU", 0, 500, 50, 1, "Rows start high and settle."),
        ("bias_jumps", "Bias jumps", "ADU", 0, 200, 20, 1, "Sudden steps while it is read."),
        ("code_errors", "Uneven codes", "", 0, 0.3, 0.2, 0.01, "Codes too wide and too narrow."),
        ("stuck_bit", "Stuck bit", "bit", 0, 12, 4, 1, "A bit of the converter that is always 1."),
        ("coarse_adc", "Coarse converter", "bits", 0, 8, 4, 1, "Bits that the converter lacks."),
    ),
)


@attrs.frozen
class Settings:
    """One state of the controls.

    Parameters
    ----------
    sliders : mapping of str to float
        All of `SLIDERS`.
    switches : mapping of str to float
        Strengths of those of `SWITCHES` that are on.
    seed : int
        Where stars, dust and bad pixels are, 0 to 2**32 - 1.
    noise : int
        Number of the exposure; another one has other noise.
    """

    sliders: Mapping[str, float]
    switches: Mapping[str, float]
    seed: int = 0
    noise: int = 0

    @classmethod
    def of(cls, values: Mapping[str, Any] | None = None) -> Settings:
        """Take values by the names of sliders and switches, with ``seed`` and ``noise``.

        Sliders that are not there stay where they are at first; switches are off.

        Raises
        ------
        ParameterError
            If a name is unknown, or a value is no number within the limits.
        """
        given = dict(values or {})
        seeds = {name: _whole(name, given.pop(name, 0)) for name in ("seed", "noise")}
        unknown = sorted(str(name) for name in given if name not in SLIDERS and name not in SWITCHES)
        if unknown:
            raise ParameterError("parameters", unknown[0][:40], "names of sliders and switches")
        sliders = {name: each.checked(given.get(name, each.value)) for name, each in SLIDERS.items()}
        switches = {name: each.checked(given[name]) for name, each in SWITCHES.items() if name in given}
        return cls(sliders, switches, **seeds)


def describe() -> dict[str, Any]:
    """Return all controls as plain data, for a page or a widget."""
    return {
        "sliders": [attrs.asdict(each) for each in SLIDERS.values()],
        "switches": [attrs.asdict(each) for each in SWITCHES.values()],
        "most_seed": _MOST_SEED,
    }


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST_SEED:
        raise ParameterError(name, value, f"a whole number, 0 to {_MOST_SEED - 1}")
    return value
