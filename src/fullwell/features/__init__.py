"""What shows in a flat, feature by feature."""

from fullwell.features.amplifier_steps import AmplifierGainSteps, QuantumEfficiencySteps
from fullwell.features.annealing import Annealing
from fullwell.features.base import ActsOn, AreaFeature, Color, Feature
from fullwell.features.coffee_stains import CoffeeStains
from fullwell.features.donuts import Donuts
from fullwell.features.edge_roll_off import EdgeRollOff
from fullwell.features.in_chains import as_effects, gain_with, pixel_area_of, response_of
from fullwell.features.midline_break import MidlineBreak
from fullwell.features.picture_frame import PictureFrame
from fullwell.features.pixel_response import PixelResponse
from fullwell.features.satellites import Satellite
from fullwell.features.specks import Specks
from fullwell.features.tearing import Tearing
from fullwell.features.tree_rings import TreeRings
from fullwell.features.vampires import Vampires
from fullwell.features.vignetting import Vignetting

__all__ = [
    "ActsOn",
    "AmplifierGainSteps",
    "Annealing",
    "AreaFeature",
    "CoffeeStains",
    "Color",
    "Donuts",
    "EdgeRollOff",
    "Feature",
    "MidlineBreak",
    "PictureFrame",
    "PixelResponse",
    "QuantumEfficiencySteps",
    "Satellite",
    "Specks",
    "Tearing",
    "TreeRings",
    "Vampires",
    "Vignetting",
    "as_effects",
    "gain_with",
    "pixel_area_of",
    "response_of",
]
