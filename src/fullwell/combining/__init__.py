"""Stacks of frames to one: mean or median, with rejection, uncertainty and counts."""

from fullwell.combining.options import DEFAULT_MEMORY, NoiseModel
from fullwell.combining.stacks import Combined, combine, stack
from fullwell.combining.to_file import Outcome, stack_to_file

__all__ = ["DEFAULT_MEMORY", "Combined", "NoiseModel", "Outcome", "combine", "stack", "stack_to_file"]
