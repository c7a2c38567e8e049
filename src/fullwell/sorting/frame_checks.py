"""Remarks on what headers say: exposure times, temperatures, sizes, numbers of frames."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from fullwell.sorting.clusters import TEMPERATURE_SPAN
from fullwell.sorting.groups import group
from fullwell.sorting.labels import labels
from fullwell.sorting.name_checks import listed
from fullwell.sorting.records import FrameRecord, Remark, SetAside

__all__ = ["check_frames", "without_exposure_time"]

#: A master wants this many frames, and is quiet about its number from `_PLENTY` on.
_ENOUGH, _PLENTY = 3, 5
#: Longer "biases" collect dark current worth a word, in seconds.
_LONGEST_BIAS = 1.0


def without_exposure_time(record: FrameRecord) -> SetAside | None:
    """Set aside a dark, flat or science frame whose exposure time is not known or negative.

    A bias needs none.
    """
    exposure = record.metadata.exposure_time
    if exposure or record.type == "bias":
        return None
    return SetAside(record.name, f"a {record.type} frame without a usable exposure time: {exposure.rule}")


def check_frames(records: Sequence[FrameRecord]) -> list[Remark]:
    """Look at the headers of a sorted folder as a careful observer would.

    Parameters
    ----------
    records : sequence of FrameRecord

    Returns
    -------
    list of Remark
    """
    return [
        *_odd_exposures(records),
        *_mixed(records, "size", _size),
        *_mixed(records, "binning", lambda record: _pair(record.metadata.binning.value)),
        *_cooler(records),
        *_undated(records),
        *_few(records),
    ]


def _odd_exposures(records: Sequence[FrameRecord]) -> list[Remark]:
    long = [
        r.name for r in records if r.type == "bias" and (r.metadata.exposure_time.value or 0) > _LONGEST_BIAS
    ]
    zero = [r.name for r in records if r.type != "bias" and r.metadata.exposure_time.value == 0]
    broken = [
        r
        for r in records
        if r.type == "bias" and not r.metadata.exposure_time and r.metadata.exposure_time.keyword
    ]
    remarks = [
        Remark(
            f"{listed([r.name])}: {r.metadata.exposure_time.rule}; a bias can do without",
            "warning",
            (r.name,),
        )
        for r in broken
    ]
    if long:
        text = f"biases exposed longer than {_LONGEST_BIAS:g} s hold dark current: {listed(long)}"
        remarks.append(Remark(text, "warning", tuple(long)))
    if zero:
        remarks.append(Remark(f"an exposure time of 0 s: {listed(zero)}", "warning", tuple(zero)))
    return remarks


def _mixed(records: Sequence[FrameRecord], what: str, of: Callable[[FrameRecord], str]) -> list[Remark]:
    """Name the frames of a type that differ from most others of the same type and camera."""
    kinds: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        kinds[record.type, record.metadata.camera.value or ""][of(record)].append(record.name)
    remarks: list[Remark] = []
    for (kind, _), values in kinds.items():
        usual = max(values, key=lambda value: (len(values[value]), value))
        for value, names in values.items():
            if value != usual:
                most = f"{len(values[usual])} other {kind} frames have {usual}"
                text = f"{what} {value} where {most}: {listed(names)}"
                remarks.append(Remark(text, "info" if kind == "science" else "warning", tuple(names)))
    return remarks


def _cooler(records: Sequence[FrameRecord]) -> list[Remark]:
    astray: list[str] = []
    for record in records:
        measured, wanted = record.metadata.temperature.value, record.metadata.set_temperature.value
        if measured is not None and wanted is not None and abs(measured - wanted) > TEMPERATURE_SPAN:
            astray.append(record.name)
    if not astray:
        return []
    text = f"the cooler was more than {TEMPERATURE_SPAN:g} K from its set temperature: {listed(astray)}"
    return [Remark(text, "warning", tuple(astray))]


def _undated(records: Sequence[FrameRecord]) -> list[Remark]:
    names = [record.name for record in records if record.metadata.mid_time.value is None]
    if not names:
        return []
    if len(names) == len(records):
        return [
            Remark("no header holds a time; all frames are taken to be of one night", "info", tuple(names))
        ]
    return [Remark(f"no time in the header: {listed(names)}", "warning", tuple(names))]


def _few(records: Sequence[FrameRecord]) -> list[Remark]:
    """Count the frames of each master-to-be; darks of one configuration count together."""
    groups = [found for found in group(records) if found.type != "science"]
    names = labels(groups)
    counts: Counter[tuple[str, str]] = Counter()
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for found in groups:
        dark = found.type == "dark"
        key = found.type, repr(found.configuration) if dark else names[found]
        counts[key] += len(found.records)
        members[key] += [record.name for record in found.records]
    remarks: list[Remark] = []
    for key, count in counts.items():
        if count < _PLENTY:
            frames = "1 frame" if count == 1 else f"{count} frames"
            need = f"a master needs {_ENOUGH}" if count < _ENOUGH else f"{_PLENTY} make a better master"
            text = f"only {frames} of type {key[0]} of one kind ({listed(members[key])}): {need}"
            remarks.append(Remark(text, "warning", tuple(members[key])))
    return remarks


def _size(record: FrameRecord) -> str:
    return _pair((record.shape[1], record.shape[0]))


def _pair(value: tuple[int, int] | None) -> str:
    return "not stated" if value is None else "{} x {}".format(*value)
