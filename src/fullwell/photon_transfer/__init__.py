"""Numbers from pairs and stacks of calibration frames: gain, read noise; knows no effect."""

from fullwell.photon_transfer.pairs import PairGain, gain_from_pair, pair_numbers
from fullwell.photon_transfer.stacks import pooled_noise

__all__ = ["PairGain", "gain_from_pair", "pair_numbers", "pooled_noise"]
