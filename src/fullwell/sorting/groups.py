"""Frames that belong together: one camera, read out one way, at one temperature, in one night."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import inf
from typing import Any

import attrs

from fullwell.sorting.clusters import exposure_classes, frame_temperature, nights, temperature_classes
from fullwell.sorting.records import FrameRecord
from fullwell.sorting.types import REDUCED

__all__ = ["Configuration", "Group", "group", "temperature_label"]


@attrs.frozen
class Configuration:
    """How frames were taken; frames of one configuration may calibrate each other.

    Parameters
    ----------
    camera : str or None
    shape : tuple of int
        Rows and columns of the raw frames.
    binning : tuple of int or None
        Along x and y.
    readout_mode : str or None
    gain : float, str or None
        e-/ADU, or the setting of the camera where the header has no more.
    temperature : float or None
        Median of its class in deg C, rounded to 0.1.
    night : str or None
        Such as ``'2017-09-08'``.
    offset : float, str or None
        Offset setting of the camera.
    window : tuple of int or None
        Column and row of the first pixel on the detector.
    """

    camera: str | None
    shape: tuple[int, int]
    binning: tuple[int, int] | None
    readout_mode: str | None
    gain: float | str | None
    temperature: float | None
    night: str | None
    offset: float | str | None = None
    window: tuple[int, int] | None = None

    def label(self) -> str:
        """Short name that is safe in file names: binning and temperature, such as ``'1x1-m5C'``.

        The size in pixels where the header has neither. It need not be unique;
        `fullwell.sorting.labels` adds what distinguishes.
        """
        binning = "{}x{}".format(*self.binning) if self.binning else ""
        parts = [binning, temperature_label(self.temperature)]
        return "-".join(filter(None, parts)) or "{1}x{0}px".format(*self.shape)


@attrs.frozen(eq=False)
class Group:
    """Frames of one type and one configuration.

    Parameters
    ----------
    type : str
        ``'bias'``, ``'dark'``, ``'flat'`` or ``'science'``.
    configuration : Configuration
    filter : str or None
        Of flats and science frames.
    exposure_time : float or None
        Seconds. Darks are grouped by it; of the other types it is given where it is the same for all.
    records : tuple of FrameRecord
        By mid-exposure time, then content: independent of the names of the files.
    """

    type: str
    configuration: Configuration
    filter: str | None
    exposure_time: float | None
    records: tuple[FrameRecord, ...]


def group(records: Iterable[FrameRecord]) -> list[Group]:
    """Put frames together that can be combined with each other.

    Parameters
    ----------
    records : iterable of FrameRecord

    Returns
    -------
    list of Group
        Biases first, then darks, flats and science; the order of `records` makes no difference.
    """
    ordered = sorted(records, key=_place)
    settings = _configurations(ordered)
    members: dict[tuple[str, Configuration, str | None], list[FrameRecord]] = defaultdict(list)
    for i, configuration in enumerate(settings):
        record = ordered[i]
        lit = record.type in ("flat", "science")
        members[(record.type, configuration, record.metadata.filter.value if lit else None)].append(record)
    groups: list[Group] = []
    for (kind, configuration, band), frames in members.items():
        times = exposure_classes([frame.metadata.exposure_time.value for frame in frames])
        exposures = dict.fromkeys(times)
        parts: list[Any] = list(exposures) if kind == "dark" else [None]
        for part in parts:
            chosen = [f for f, time in zip(frames, times, strict=True) if kind != "dark" or time == part]
            seconds = part if kind == "dark" else (times[0] if len(exposures) == 1 else None)
            groups.append(Group(kind, configuration, band, seconds, tuple(chosen)))
    return sorted(groups, key=_group_place)


def temperature_label(temperature: float | None, *, digits: int = 0) -> str:
    """Write degrees Celsius without a sign that file names dislike: ``'m5C'`` is -5 deg C."""
    if temperature is None:
        return ""
    text = f"{abs(temperature):.{digits}f}"
    return ("m" if temperature < 0 and float(text) > 0 else "") + text + "C"


def _configurations(records: Sequence[FrameRecord]) -> list[Configuration]:
    """Return the configuration of each record; temperatures and nights are told apart for each camera."""
    temperatures: dict[int, float | None] = {}
    night_of: dict[int, str | None] = {}
    cameras: dict[str | None, list[int]] = defaultdict(list)
    for i, record in enumerate(records):
        cameras[record.metadata.camera.value].append(i)
    for indices in cameras.values():
        degrees = temperature_classes([frame_temperature(records[i]) for i in indices])
        dates = nights([records[i].metadata.mid_time.value for i in indices])
        temperatures |= dict(zip(indices, degrees, strict=True))
        night_of |= dict(zip(indices, dates, strict=True))
    return [_configuration(record, temperatures[i], night_of[i]) for i, record in enumerate(records)]


def _configuration(record: FrameRecord, temperature: float | None, night: str | None) -> Configuration:
    known = record.metadata
    gain = known.gain.value
    return Configuration(
        camera=known.camera.value,
        shape=record.shape,
        binning=known.binning.value,
        readout_mode=known.readout_mode.value,
        # Four digits: the same gain, written by two programs, is one gain.
        gain=float(f"{gain:.4g}") if gain is not None else known.gain_setting.value,
        temperature=temperature,
        night=night,
        offset=known.offset_setting.value,
        window=known.window.value,
    )


def _place(record: FrameRecord) -> tuple[float, str, str]:
    time = record.metadata.mid_time.value
    return inf if time is None else time, record.content_hash, record.name


def _group_place(group: Group) -> tuple[Any, ...]:
    kind = REDUCED.index(group.type) if group.type in REDUCED else len(REDUCED)
    seconds = -1.0 if group.exposure_time is None else group.exposure_time
    # repr makes None and numbers of different kind comparable; the order only has to be the same each time.
    return kind, group.configuration.night or "", repr(group.configuration), group.filter or "", seconds
