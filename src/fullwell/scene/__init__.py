"""What shines on the detector: sky, stars, lamps."""

from fullwell.scene.lamp import Lamp
from fullwell.scene.sky import Sky
from fullwell.scene.source import Scene, Source
from fullwell.scene.stars import Stars

__all__ = ["Lamp", "Scene", "Sky", "Source", "Stars"]
