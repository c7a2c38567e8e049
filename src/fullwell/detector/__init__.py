"""Geometry and identity of detectors."""

from fullwell.detector.bits import effective_bits
from fullwell.detector.boxes import Box, parse_section
from fullwell.detector.camera import Camera
from fullwell.detector.geometry import Amplifier, Detector
from fullwell.detector.layout import AmplifierArray, lay_out, scans_around

__all__ = [
    "Amplifier",
    "AmplifierArray",
    "Box",
    "Camera",
    "Detector",
    "effective_bits",
    "lay_out",
    "parse_section",
    "scans_around",
]
