"""Decide what is made of what: masters from groups, and for each frame the masters that fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from fullwell.matching import Choice, Conditions, choose
from fullwell.night.settings import ReduceConfig
from fullwell.sorting import Configuration, FrameRecord, Group, SetAside, configuration_labels, group, labels

__all__ = ["MasterRecipe", "Recipes", "ScienceRecipe", "decide"]


@attrs.frozen(eq=False)
class MasterRecipe:
    """A master to be made.

    Parameters
    ----------
    kind : {'bias', 'dark', 'flat'}
    label : str
        Of its file: ``<kind>-<label>.fits``.
    records : tuple of FrameRecord
    conditions : Conditions
    bias, dark : MasterRecipe or None
        What is taken out of its frames.
    why : tuple of str
        How bias and dark were chosen.
    """

    kind: str
    label: str
    records: tuple[FrameRecord, ...]
    conditions: Conditions
    bias: MasterRecipe | None = None
    dark: MasterRecipe | None = None
    why: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of file and task."""
        return f"{self.kind}-{self.label}"

    @property
    def times(self) -> tuple[float, ...]:
        """Different dark times of its frames, shortest first."""
        return tuple(sorted({float(r.metadata.dark_time.value) for r in self.records if r.metadata.dark_time.value}))


@attrs.frozen(eq=False)
class ScienceRecipe:
    """A science frame and what it is corrected with.

    Parameters
    ----------
    record : FrameRecord
    conditions : Conditions
    bias, dark, flat : MasterRecipe or None
    why : dict of str to str
        Sentence for each kind of master.
    warnings : tuple of str
        What a careful observer would not do unasked.
    """

    record: FrameRecord
    conditions: Conditions
    bias: MasterRecipe | None
    dark: MasterRecipe | None
    flat: MasterRecipe | None
    why: dict[str, str]
    warnings: tuple[str, ...] = ()


@attrs.frozen(eq=False)
class Recipes:
    """Everything that was decided.

    Parameters
    ----------
    biases, darks, flats : tuple of MasterRecipe
    science : tuple of ScienceRecipe
    set_aside : tuple of SetAside
        Frames that cannot be used for want of others.
    remarks : tuple of str
    """

    biases: tuple[MasterRecipe, ...] = ()
    darks: tuple[MasterRecipe, ...] = ()
    flats: tuple[MasterRecipe, ...] = ()
    science: tuple[ScienceRecipe, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def masters(self) -> tuple[MasterRecipe, ...]:
        """All masters, in the order they can be made in."""
        return self.biases + self.darks + self.flats


def decide(records: Sequence[FrameRecord], config: ReduceConfig) -> Recipes:
    """Group the frames and choose masters for each.

    Parameters
    ----------
    records : sequence of FrameRecord
        What was not set aside.
    config : ReduceConfig

    Returns
    -------
    Recipes
    """
    groups = group(records)
    aside: list[SetAside] = []
    remarks: list[str] = []
    biases = _masters("bias", groups, config, aside, remarks)
    darks = [_with_bias(dark, biases) for dark in _masters("dark", groups, config, aside, remarks)]
    flats = [
        made
        for flat in _masters("flat", groups, config, aside, remarks)
        if (made := _with_bias_and_dark(flat, biases, darks, aside)) is not None
    ]
    science = []
    for one in groups:
        if one.type == "science":
            for record in one.records:
                recipe = _science(record, one, biases, darks, flats)
                if isinstance(recipe, SetAside):
                    aside.append(recipe)
                else:
                    science.append(recipe)
    science.sort(key=lambda recipe: recipe.record.name)
    return Recipes(tuple(biases), tuple(darks), tuple(flats), tuple(science), tuple(aside), tuple(remarks))


def _masters(
    kind: str, groups: Sequence[Group], config: ReduceConfig, aside: list[SetAside], remarks: list[str]
) -> list[MasterRecipe]:
    """One master for each configuration (and filter); darks of all lengths make one."""
    chosen = [one for one in groups if one.type == kind]
    names: dict[Any, str]
    if kind == "dark":
        by_configuration = configuration_labels([one.configuration for one in chosen])
        names = {one: by_configuration[one.configuration] for one in chosen}
    else:
        names = dict(labels(chosen))
    merged: dict[str, list[Group]] = defaultdict(list)
    for one in chosen:
        merged[names[one]].append(one)
    result = []
    for label, parts in merged.items():
        frames = tuple(record for part in parts for record in part.records)
        if len(frames) < config.combine.least:
            reason = f"{len(frames)} {kind} frame{'s' * (len(frames) > 1)} of this kind ({label}); a master needs {config.combine.least}"
            aside.extend(SetAside(record.name, reason) for record in frames)
            continue
        if len(frames) < config.combine.few:
            remarks.append(f"{kind} {label} is made of {len(frames)} frames only; 5 or more are better")
        conditions = conditions_of(parts[0].configuration, parts[0].filter, frames)
        result.append(MasterRecipe(kind, label, frames, conditions))
    return result


def conditions_of(
    configuration: Configuration, band: str | None, records: Sequence[FrameRecord]
) -> Conditions:
    """Conditions of one frame, or of a master made of several."""
    times = [r.metadata.mid_time.value for r in records if r.metadata.mid_time.value is not None]
    return Conditions(
        camera=configuration.camera,
        shape=configuration.shape,
        binning=configuration.binning,
        readout_mode=configuration.readout_mode,
        gain=configuration.gain,
        offset=configuration.offset,
        temperature=configuration.temperature,
        window=configuration.window,
        filter=band,
        mid_time=float(np.mean(times)) if times else None,
    )


def _choose(conditions: Conditions, masters: Sequence[MasterRecipe], kind: str) -> Choice[MasterRecipe]:
    return choose(conditions, [(master, master.conditions) for master in masters], kind=kind)


def _with_bias(dark: MasterRecipe, biases: Sequence[MasterRecipe]) -> MasterRecipe:
    choice = _choose(dark.conditions, biases, "bias")
    return attrs.evolve(dark, bias=choice.item, why=(f"bias: {choice.why}",))


def _with_bias_and_dark(
    flat: MasterRecipe, biases: Sequence[MasterRecipe], darks: Sequence[MasterRecipe], aside: list[SetAside]
) -> MasterRecipe | None:
    times = [record.metadata.dark_time.value for record in flat.records]
    bias, dark, why = _pair(flat.conditions, times, biases, darks)
    if bias is None and dark is None:
        reason = f"flat without a bias or a dark of its own: {why['bias']}; {why['dark']}"
        aside.extend(SetAside(record.name, reason) for record in flat.records)
        return None
    return attrs.evolve(flat, bias=bias, dark=dark, why=tuple(f"{kind}: {text}" for kind, text in why.items()))


def _pair(
    conditions: Conditions,
    times: Sequence[float | None],
    biases: Sequence[MasterRecipe],
    darks: Sequence[MasterRecipe],
) -> tuple[MasterRecipe | None, MasterRecipe | None, dict[str, str]]:
    """Choose a dark that can serve these times, and the bias that goes with it."""
    able, unable = [], []
    for dark in darks:
        (able if dark.bias is not None or _serves(dark, times) else unable).append(dark)
    choice = _choose(conditions, able, "dark")
    why = choice.why
    if choice.item is None and unable:
        lengths = ", ".join(f"{t:g}" for dark in unable for t in dark.times)
        why = f"darks of {lengths} s cannot be scaled without a bias or a second length that brackets the exposure"
    if choice.item is not None:
        # The dark was measured behind this bias; the same one is taken out of the frame.
        bias = choice.item.bias
        return bias, choice.item, {"bias": "the one the dark was made with" if bias else "none; the dark holds it", "dark": why}
    bias_choice = _choose(conditions, biases, "bias")
    return bias_choice.item, None, {"bias": bias_choice.why, "dark": why}


def _serves(dark: MasterRecipe, times: Sequence[float | None]) -> bool:
    """Whether a dark that holds the bias can serve exposures of these times."""
    if len(dark.times) > 1:
        return True
    return all(t is not None and abs(t - dark.times[0]) <= 1e-3 * dark.times[0] for t in times)


def _science(
    record: FrameRecord,
    one: Group,
    biases: Sequence[MasterRecipe],
    darks: Sequence[MasterRecipe],
    flats: Sequence[MasterRecipe],
) -> ScienceRecipe | SetAside:
    conditions = conditions_of(one.configuration, one.filter, [record])
    time = record.metadata.dark_time.value
    bias, dark, why = _pair(conditions, [time], biases, darks)
    if bias is None and dark is None:
        return SetAside(record.name, f"no bias and no dark to take its pedestal out with: {why['bias']}; {why['dark']}", "error")
    warnings = []
    if dark is None:
        warnings.append(f"no dark was subtracted: {why['dark']}")
    elif time is not None and time > max(dark.times) * 1.001:
        warnings.append(f"the dark was scaled up, from {max(dark.times):g} s at most to {time:g} s")
    choice = _choose(conditions, flats, "flat")
    why["flat"] = choice.why
    if choice.item is None:
        warnings.append(f"not flat-fielded: {choice.why}")
    return ScienceRecipe(record, conditions, bias, dark, choice.item, why, tuple(warnings))
