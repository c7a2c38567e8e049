"""Geometry and identity of detectors."""

from fullwell.detector.geometry import Amplifier, Box, Detector, parse_section

__all__ = ["Amplifier", "Box", "Detector", "parse_section"]
