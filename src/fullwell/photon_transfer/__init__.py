"""Numbers from pairs and stacks of calibration frames: gain, read noise, brighter-fatter; knows no effect."""

from fullwell.photon_transfer.curves import Curve, measure_curves
from fullwell.photon_transfer.gaussian_flats import GaussianFlats
from fullwell.photon_transfer.models import naive_gain_ratio
from fullwell.photon_transfer.pairing import match_pairs
from fullwell.photon_transfer.pairs import PairGain, gain_from_pair, pair_numbers
from fullwell.photon_transfer.stacks import pooled_noise
from fullwell.photon_transfer.transfer import PhotonTransfer
from fullwell.photon_transfer.turnoff import find_turnoff, variance_turnoff

__all__ = [
    "Curve",
    "GaussianFlats",
    "PairGain",
    "PhotonTransfer",
    "find_turnoff",
    "gain_from_pair",
    "match_pairs",
    "measure_curves",
    "naive_gain_ratio",
    "pair_numbers",
    "pooled_noise",
    "variance_turnoff",
]
