"""Remarks on names: what they say against the header, and what their numbering says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from fullwell.sorting.names import (
    Numbered,
    exposure_in_name,
    head_with_type,
    natural_key,
    numbered,
    type_in_name,
)
from fullwell.sorting.records import FrameRecord, Remark

__all__ = ["check_names", "check_numbering", "check_time_order", "listed"]

_LISTED = 3
_EXPOSURE_TOLERANCE = 0.02


def check_names(records: Sequence[FrameRecord]) -> list[Remark]:
    """Compare what names say with type and exposure time.

    Parameters
    ----------
    records : sequence of FrameRecord

    Returns
    -------
    list of Remark
        Types that were guessed; cards that a pattern overruled; names that contradict the type or the
        exposure time.
    """
    return [*_type_remarks(records), *_exposure_remarks(records)]


def check_numbering(names: Iterable[str]) -> list[Remark]:
    """Find gaps in numbered series, and series that are one frame short.

    Parameters
    ----------
    names : iterable of str
        Names of all files, those set aside included.

    Returns
    -------
    list of Remark
        A series may start anywhere. Numbers with holes larger than the series (times of day, dates) are
        none, nor is a count that runs through several series in turn.
    """
    series: dict[tuple[str, str], list[Numbered]] = defaultdict(list)
    for name in names:
        parts = numbered(name)
        if parts is not None:
            series[parts.prefix, parts.suffix].append(parts)
    remarks: list[Remark] = []
    for key, members in series.items():
        present = {member.number for member in members}
        others = [
            {member.number for member in other}
            for o, other in series.items()
            if o != key and _same_folder(o, key)
        ]
        missing = _missing(present, others)
        if missing:
            width = min(members, key=lambda member: len(member.digits))
            absent = [width.name_of(number) for number in missing]
            verb = "is" if len(absent) == 1 else "are"
            remarks.append(Remark(f"{listed(absent)} {verb} missing in a numbered series", "warning"))
    return [*remarks, *_short_series(series)]


def check_time_order(records: Sequence[FrameRecord]) -> list[Remark]:
    """Find numbered series whose numbers do not follow the time of the exposures."""
    series: dict[tuple[str, str], list[tuple[int, float, str]]] = defaultdict(list)
    for record in records:
        parts, time = numbered(record.name), record.metadata.mid_time.value
        if parts is not None and time is not None:
            series[parts.prefix, parts.suffix].append((parts.number, time, record.name))
    remarks: list[Remark] = []
    for members in series.values():
        members.sort()
        early = [b for (_, before, _), (_, after, b) in pairwise(members) if after < before]
        if early:
            text = f"{listed(early)} {_was(early)} taken before the frame numbered before it"
            remarks.append(Remark(text, "info", tuple(early)))
    return remarks


def listed(names: Sequence[str]) -> str:
    """Write out a few names and count the others."""
    shown = sorted(names, key=natural_key)
    if len(shown) <= _LISTED + 1:
        return ", ".join(shown)
    return f"{', '.join(shown[:_LISTED])} and {len(shown) - _LISTED} more"


def _type_remarks(records: Sequence[FrameRecord]) -> list[Remark]:
    guessed: dict[str, list[str]] = defaultdict(list)
    overruled: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    contradicted: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for record in records:
        card, said = record.metadata.frame_type, type_in_name(record.name)
        by_pattern = record.rule.startswith("your pattern")
        if record.is_guess:
            guessed[record.type].append(record.name)
        if by_pattern and card and card.value not in ("unknown", record.type):
            overruled[record.type, record.rule, card.rule, card.value].append(record.name)
        elif not by_pattern and said is not None and said != record.type:
            contradicted[said, record.type, record.rule].append(record.name)
    remarks = [
        Remark(
            f"{_frames(names)} taken for {kind} by name alone, no card says the type: {listed(names)}",
            "info",
            tuple(names),
        )
        for kind, names in guessed.items()
    ]
    remarks += [
        # 'Light Frame' is what many cameras write on everything; a card that says more is worth a look.
        Remark(
            f"{_frames(names)} {kind} by {rule}, against the card {card}: {listed(names)}",
            "info" if was == "science" else "warning",
            tuple(names),
        )
        for (kind, rule, card, was), names in overruled.items()
    ]
    for (said, kind, rule), names in contradicted.items():
        hint = f'; if they are {said}, say so: [frames] {said} = "{_glob_for(names)}"'
        text = f"{_frames(names)} taken for {kind} by {rule}, but named like {said}: {listed(names)}{hint}"
        remarks.append(Remark(text, "warning", tuple(names)))
    return remarks


def _exposure_remarks(records: Sequence[FrameRecord]) -> list[Remark]:
    contradicted: dict[tuple[float, float, str], list[str]] = defaultdict(list)
    for record in records:
        said, exposure = exposure_in_name(record.name), record.metadata.exposure_time
        if said is None or exposure.value is None:
            continue
        if abs(said - exposure.value) > _EXPOSURE_TOLERANCE * max(said, exposure.value):
            contradicted[said, exposure.value, exposure.keyword].append(record.name)
    return [
        Remark(
            f"{listed(names)}: {said:g} s by name, {seconds:g} s by the card {keyword}, which is believed",
            "warning",
            tuple(names),
        )
        for (said, seconds, keyword), names in contradicted.items()
    ]


def _missing(present: set[int], others: Sequence[set[int]]) -> list[int]:
    if max(present) - min(present) >= 2 * len(present):
        return []
    missing = sorted(set(range(min(present), max(present))) - present)
    shared = [other for other in others if not other & present]  # a count that runs through several series
    return [number for number in missing if not any(number in other for other in shared)]


def _short_series(series: dict[tuple[str, str], list[Numbered]]) -> list[Remark]:
    """Point out series with one frame less than the others have, or than a round number."""
    folders: dict[str, list[tuple[tuple[str, str], int]]] = defaultdict(list)
    for key, members in series.items():
        folders[_folder(key)].append((key, len(members)))
    remarks: list[Remark] = []
    for counted in folders.values():
        tally = Counter(count for _, count in counted if count > 2)
        usual, times = max(tally.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        for key, count in counted:
            if times > 1 and count == usual - 1:
                why = f"the other series have {usual}"
            elif count >= 9 and count % 10 == 9:
                why = f"one fewer than {count + 1}"
            else:
                continue
            remarks.append(Remark(f"{key[0]}*{key[1]}: {count} frames, {why}", "info"))
    return remarks


def _folder(key: tuple[str, str]) -> str:
    return key[0].rpartition("/")[0]


def _same_folder(a: tuple[str, str], b: tuple[str, str]) -> bool:
    return _folder(a) == _folder(b)


def _glob_for(names: Sequence[str]) -> str:
    """Return a pattern that fits these names: up to the word for the type where it is the same in all."""
    heads = {head_with_type(name) for name in names}
    if len(heads) == 1 and (head := heads.pop()) is not None:
        return f"{head}*"
    return "*"


def _frames(names: Sequence[str]) -> str:
    return "1 frame is" if len(names) == 1 else f"{len(names)} frames are"


def _was(names: Sequence[str]) -> str:
    return "was" if len(names) == 1 else "were"
