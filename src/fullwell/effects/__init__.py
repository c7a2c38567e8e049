"""One effect a file; each a class with up to three verbs."""

from fullwell.effects.adc import ADC
from fullwell.effects.affine import Affine, MasterTerm
from fullwell.effects.base import Effect, Kind, Signal, Stage
from fullwell.effects.bias import Bias
from fullwell.effects.bias_wander import BiasWander
from fullwell.effects.brighter_fatter import BrighterFatter
from fullwell.effects.charge_trails import Trap
from fullwell.effects.charge_transfer import ChargeTransfer
from fullwell.effects.code_errors import CodeErrors
from fullwell.effects.correlated_noise import CorrelatedNoise
from fullwell.effects.cosmic_rays import CosmicRays
from fullwell.effects.crosstalk import Crosstalk
from fullwell.effects.curves import Composed, Curve, Polynomial, Spline, Table
from fullwell.effects.dark import Dark
from fullwell.effects.dark_current import DarkCurrent
from fullwell.effects.dark_law import DarkLaw
from fullwell.effects.defects import Defects
from fullwell.effects.diffusion import Diffusion
from fullwell.effects.flat import Flat
from fullwell.effects.fringes import Fringes
from fullwell.effects.full_well import FullWell
from fullwell.effects.gain import Gain
from fullwell.effects.glow import Glow
from fullwell.effects.illumination import Illumination
from fullwell.effects.nonlinearity import NonLinearity
from fullwell.effects.overscan import Overscan
from fullwell.effects.persistence import Persistence
from fullwell.effects.pixel_area import Boundaries, PixelArea
from fullwell.effects.read_noise import ReadNoise
from fullwell.effects.read_out_dark import ReadOutDark
from fullwell.effects.shot_noise import ShotNoise
from fullwell.effects.shutter import Shutter
from fullwell.effects.smear import Smear
from fullwell.effects.telegraph import Telegraph
from fullwell.effects.xrays import XRays

__all__ = [
    "ADC",
    "Affine",
    "Bias",
    "BiasWander",
    "Boundaries",
    "BrighterFatter",
    "ChargeTransfer",
    "CodeErrors",
    "Composed",
    "CorrelatedNoise",
    "CosmicRays",
    "Crosstalk",
    "Curve",
    "Dark",
    "DarkCurrent",
    "DarkLaw",
    "Defects",
    "Diffusion",
    "Effect",
    "Flat",
    "Fringes",
    "FullWell",
    "Gain",
    "Glow",
    "Illumination",
    "Kind",
    "MasterTerm",
    "NonLinearity",
    "Overscan",
    "Persistence",
    "PixelArea",
    "Polynomial",
    "ReadNoise",
    "ReadOutDark",
    "ShotNoise",
    "Shutter",
    "Signal",
    "Smear",
    "Spline",
    "Stage",
    "Table",
    "Telegraph",
    "Trap",
    "XRays",
]
