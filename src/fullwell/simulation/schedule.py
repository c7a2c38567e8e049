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
    exposure_time : float
        Seconds.
    temperature : float
        Degrees Celsius.
    level_offset : float
        ADU on top of the bias level.
    dither : tuple of float
        Columns and rows by which the stars are moved.
    idle : float
        Seconds since the end of the exposure before.
    since_first : float
        Seconds since the first exposure of the same type and filter began.
    """

    exposure: int
    file: str
    entry: Sequence
    start: datetime
    exposure_time: float
    temperature: float
    level_offset: float = 0.0
    dither: tuple[float, float] = (0.0, 0.0)
    idle: float = 0.0
    since_first: float = 0.0


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
    clock = end = scenario.start
    first: dict[tuple[str, str | None], datetime] = {}
    for entry in scenario.sequence:
        clock = entry.start or clock
        begun = first.setdefault((entry.type, entry.filter), clock)
        for i in range(entry.count):
            number, seconds = len(shots) + 1, _one(entry.exposure_time, i)
            shots.append(
                Shot(
                    exposure=number,
                    file=_name(entry, i + 1, seconds),
                    entry=entry,
                    start=clock,
                    exposure_time=seconds,
                    temperature=scenario.temperature
                    if entry.temperature is None
                    else _one(entry.temperature, i),
                    level_offset=entry.level_offset[i] if entry.level_offset else 0.0,
                    dither=_dither(entry, seed, number),
                    idle=max((clock - end).total_seconds(), 0.0) if shots else 0.0,
                    since_first=(clock - begun).total_seconds(),
                )
            )
            end = clock + timedelta(seconds=seconds)
            clock = end + timedelta(seconds=scenario.readout_time)
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


def _name(entry: Sequence, number: int, seconds: float) -> str:
    return entry.name.format(
        type=entry.type, filter=entry.filter or "", exposure_time=_Seconds(seconds), number=number
    )


def _one(value: float | tuple[float, ...], i: int) -> float:
    return value[i] if isinstance(value, tuple) else value


def _dither(entry: Sequence, seed: int, exposure: int) -> tuple[float, float]:
    if not entry.dither or entry.type not in ("light", "twilight"):
        return 0.0, 0.0
    u = Noise(seed, exposure).stream("dither").uniform(2)
    return float(entry.dither * (2 * u[0] - 1)), float(entry.dither * (2 * u[1] - 1))
