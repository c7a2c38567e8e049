"""A night: from a folder of raw frames to masters, calibrated frames and a report."""

from fullwell.night.reduce import NoFrames, reduce
from fullwell.night.results import NightResult
from fullwell.night.settings import ReduceConfig

__all__ = ["NightResult", "NoFrames", "ReduceConfig", "reduce"]
