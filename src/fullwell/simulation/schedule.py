"""Which exposures a scenario takes: names, times, and what is set for each alone."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import attrs

from fullwell.errors import ConfigError
from fullwell.noise import Noise
from fullwell.simulation.scenario import Scenario, Sequence

__all__ = ["Shot", "schedule"]


@attrs.frozen
class Shot:
    """One exposure to take.

    Parameters
    ----------
    exposure : int
        Number in the whole scenario, from 1; names the randomness of this frame.
    file : str
        Name of the raw frame.
    entry : Sequence
        The table it comes from.
    start : datetime
        Beginning of the exposure.
    temperature : float
        Degrees Celsius.
    level_offset : float
        ADU on top of the bias level.
    dither : tuple of float
        Columns and rows by which the stars are moved.
    """

    exposure: int
    file: str
    entry: Sequence
    start: datetime
    temperature: float
    level_offset: float = 0.0
    dither: tuple[float, float] = (0.0, 0.0)


def schedule(scenario: Scenario, *, seed: int) -> list[Shot]:
    """List the exposures of a scenario in the order in which they are taken.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        Decides the dither.

    Raises
    ------
    ConfigError
        If two frames would have one name.
    """
    shots: list[Shot] = []
    clock = scenario.start
    for entry in scenario.sequence:
        clock = entry.start or clock
        for i in range(entry.count):
            number = len(shots) + 1
            shots.append(
                Shot(
                    exposure=number,
                    file=_name(entry, i + 1),
                    entry=entry,
                    start=clock,
                    temperature=_temperature(scenario, entry, i),
                    level_offset=entry.level_offset[i] if entry.level_offset else 0.0,
                    dither=_dither(entry, seed, number),
                )
            )
            clock += timedelta(seconds=entry.exposure_time + scenario.readout_time)
    twice = [name for name, times in Counter(shot.file for shot in shots).items() if times > 1]
    if twice:
        raise ConfigError(
            f"{len(twice)} names come twice, such as {twice[0]}; tell the sequences apart by `name`"
        )
    return shots


class _Seconds(float):
    """Seconds that print without needless zeros, and take any format a pattern asks for."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec or "g")


def _name(entry: Sequence, number: int) -> str:
    return entry.name.format(
        type=entry.type, filter=entry.filter or "", exposure_time=_Seconds(entry.exposure_time), number=number
    )


def _temperature(scenario: Scenario, entry: Sequence, i: int) -> float:
    if entry.temperature is None:
        return scenario.temperature
    return entry.temperature[i] if isinstance(entry.temperature, tuple) else entry.temperature


def _dither(entry: Sequence, seed: int, exposure: int) -> tuple[float, float]:
    if not entry.dither or entry.type != "light":
        return 0.0, 0.0
    u = Noise(seed, exposure).stream("dither").uniform(2)
    return float(entry.dither * (2 * u[0] - 1)), float(entry.dither * (2 * u[1] - 1))
