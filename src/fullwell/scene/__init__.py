"""What shines on the detector: sky, moon, stars, galaxies, lamps."""

from fullwell.scene.fields import stars_of_catalog, stars_of_luminosity
from fullwell.scene.galaxies import Galaxies
from fullwell.scene.lamp import Lamp
from fullwell.scene.moon import Moonlight
from fullwell.scene.sky import Sky
from fullwell.scene.source import Scene, Source
from fullwell.scene.spots import Spots
from fullwell.scene.stars import Stars
from fullwell.scene.twilight import Twilight

__all__ = [
    "Galaxies",
    "Lamp",
    "Moonlight",
    "Scene",
    "Sky",
    "Source",
    "Spots",
    "Stars",
    "Twilight",
    "stars_of_catalog",
    "stars_of_luminosity",
]
