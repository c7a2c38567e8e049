"""Stacks of frames to one: mean or median, with rejection, uncertainty and counts."""

from fullwell.combining.options import DEFAULT_MEMORY, NoiseModel
from fullwell.combining.stacks import Combined, combine, stack

__all__ = ["DEFAULT_MEMORY", "Combined", "NoiseModel", "combine", "stack"]
