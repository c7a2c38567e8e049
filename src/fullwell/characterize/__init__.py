"""What a detector is like, from its calibration frames, measured in the order in which the needs allow."""

from fullwell.characterize.characterization import Characterization
from fullwell.characterize.measuring import characterize_detector

__all__ = ["Characterization", "characterize_detector"]
