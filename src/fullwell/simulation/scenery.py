"""What shines in the exposures of a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import attrs

from fullwell.detector import Detector
from fullwell.scene import Galaxies, Lamp, Moonlight, Scene, Sky, Source, Spots, Stars, Twilight
from fullwell.simulation.fields import galaxies_of, stars_of
from fullwell.simulation.scenario import Scenario
from fullwell.simulation.schedule import Shot

__all__ = ["Scenery"]

#: Pixels of star field around the frame, beyond the dither, so that wings come in from outside.
FIELD_MARGIN = 10.0


@attrs.frozen(eq=False)
class Scenery:
    """Sources of light, before dithering.

    Parameters
    ----------
    scenario : Scenario
    detector : Detector
    stars : Stars or None
    galaxies : Galaxies or None
    """

    scenario: Scenario
    detector: Detector
    stars: Stars | None
    galaxies: Galaxies | None

    @classmethod
    def build(cls, scenario: Scenario, detector: Detector, *, seed: int) -> Self:
        """Draw the fields of a scenario.

        Raises
        ------
        ParameterError, ConfigError, UnreadableFile
            If a value is impossible, or a catalog cannot be read.
        """
        margin = FIELD_MARGIN + max(entry.dither for entry in scenario.sequence)
        stars, galaxies, shape = scenario.stars, scenario.galaxies, detector.shape
        return cls(
            scenario,
            detector,
            stars=None if stars is None else stars_of(stars, shape, seed=seed, margin=margin),
            galaxies=None if galaxies is None else galaxies_of(galaxies, shape, seed=seed, margin=margin),
        )

    def seen_by(self, shot: Shot) -> Scene | None:
        """Return what shines in an exposure; None for a closed shutter.

        Raises
        ------
        ParameterError
            If a value is impossible.
        """
        match shot.entry.type:
            case "flat":
                return Scene([Lamp(shot.entry.lamp)])
            case "spots":
                return Scene([self._spots(shot)])
            case "light" | "twilight":
                return Scene([*self._sky(shot), *self._field(shot)])
        return None

    def _sky(self, shot: Shot) -> Iterator[Source]:
        name = shot.entry.filter or ""
        if shot.entry.type == "twilight":
            table = self.scenario.twilight[name].model_dump()
            yield Twilight(**table, start=shot.since_first, exposure_time=shot.exposure_time)
            return
        if name in self.scenario.sky:
            yield Sky(**self.scenario.sky[name].model_dump())
        if name in self.scenario.moon:
            yield Moonlight(**self.scenario.moon[name].model_dump())

    def _field(self, shot: Shot) -> Iterator[Source]:
        dx, dy = shot.dither
        if self.stars is not None:
            yield self.stars.shifted(dx, dy)
        if self.galaxies is not None:
            yield attrs.evolve(self.galaxies, x=self.galaxies.x + dx, y=self.galaxies.y + dy)

    def _spots(self, shot: Shot) -> Spots:
        names, table = shot.entry.amplifiers or None, self.scenario.spots
        spots = Spots.on_amplifiers(self.detector, shot.entry.lamp, names=names, radius=table.radius)
        return attrs.evolve(spots, blur=table.blur)
