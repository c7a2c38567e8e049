"""Looking: displays, pictures of frames, histograms, profiles and series."""

from fullwell.display.backend import DisplayBackend
from fullwell.display.facade import Display
from fullwell.display.histogram import show_histogram
from fullwell.display.image import show_image, show_snippet
from fullwell.display.noise_map import show_noise_map
from fullwell.display.plane_colors import PLANE_COLORS
from fullwell.display.plot import Plot
from fullwell.display.profile import show_profile
from fullwell.display.series import show_series

__all__ = [
    "PLANE_COLORS",
    "Display",
    "DisplayBackend",
    "Plot",
    "show_histogram",
    "show_image",
    "show_noise_map",
    "show_profile",
    "show_series",
    "show_snippet",
]
