"""One effect a file; each a class with up to three verbs."""

from fullwell.effects.adc import ADC
from fullwell.effects.affine import Affine, MasterTerm
from fullwell.effects.base import Effect, Kind, Signal, Stage
from fullwell.effects.bias import Bias
from fullwell.effects.cosmic_rays import CosmicRays
from fullwell.effects.dark import Dark
from fullwell.effects.defects import Defects
from fullwell.effects.flat import Flat
from fullwell.effects.gain import Gain
from fullwell.effects.overscan import Overscan
from fullwell.effects.read_noise import ReadNoise
from fullwell.effects.shot_noise import ShotNoise

__all__ = [
    "ADC",
    "Affine",
    "Bias",
    "CosmicRays",
    "Dark",
    "Defects",
    "Effect",
    "Flat",
    "Gain",
    "Kind",
    "MasterTerm",
    "Overscan",
    "ReadNoise",
    "ShotNoise",
    "Signal",
    "Stage",
]
