"""Decide what is made of what: masters from groups, and for each frame the masters that fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from fullwell.matching import Conditions
from fullwell.night.choosing import choose_master, choose_pedestal
from fullwell.night.recipes import MasterRecipe, Recipes, ScienceRecipe
from fullwell.night.settings import ReduceConfig
from fullwell.sorting import Configuration, FrameRecord, Group, SetAside, configuration_labels, group, labels

__all__ = ["decide"]


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
            few = f"{len(frames)} {kind} frame{'s' * (len(frames) > 1)} of this kind ({label})"
            reason = f"{few}; a master needs {config.combine.least}"
            aside.extend(SetAside(record.name, reason) for record in frames)
            continue
        if len(frames) < config.combine.few:
            better = f"{config.combine.few} or more are better"
            remarks.append(f"{kind} {label} is made of {len(frames)} frames only; {better}")
        conditions = _conditions(parts[0].configuration, parts[0].filter, frames)
        result.append(MasterRecipe(kind, label, frames, conditions))
    return result


def _conditions(configuration: Configuration, band: str | None, records: Sequence[FrameRecord]) -> Conditions:
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


def _with_bias(dark: MasterRecipe, biases: Sequence[MasterRecipe]) -> MasterRecipe:
    choice = choose_master(dark.conditions, biases, "bias")
    return attrs.evolve(dark, bias=choice.item, why=(f"bias: {choice.why}",))


def _with_bias_and_dark(
    flat: MasterRecipe, biases: Sequence[MasterRecipe], darks: Sequence[MasterRecipe], aside: list[SetAside]
) -> MasterRecipe | None:
    times = [record.metadata.dark_time.value for record in flat.records]
    pedestal = choose_pedestal(flat.conditions, times, biases, darks)
    why = pedestal.why
    if pedestal.bias is None and pedestal.dark is None:
        reason = f"flat without a bias or a dark of its own: {why['bias']}; {why['dark']}"
        aside.extend(SetAside(record.name, reason) for record in flat.records)
        return None
    return attrs.evolve(
        flat,
        bias=pedestal.bias,
        dark=pedestal.dark,
        why=tuple(f"{kind}: {text}" for kind, text in why.items()),
        warnings=pedestal.warnings,
    )


def _science(
    record: FrameRecord,
    one: Group,
    biases: Sequence[MasterRecipe],
    darks: Sequence[MasterRecipe],
    flats: Sequence[MasterRecipe],
) -> ScienceRecipe | SetAside:
    conditions = _conditions(one.configuration, one.filter, [record])
    pedestal = choose_pedestal(conditions, [record.metadata.dark_time.value], biases, darks)
    why, warnings = dict(pedestal.why), list(pedestal.warnings)
    if pedestal.bias is None and pedestal.dark is None:
        reason = f"no bias and no dark to take its pedestal out with: {why['bias']}; {why['dark']}"
        return SetAside(record.name, reason, "error")
    if pedestal.dark is None:
        warnings.append(f"no dark was subtracted: {why['dark']}")
    flat = choose_master(conditions, flats, "flat")
    why["flat"] = flat.why
    if flat.item is None:
        warnings.append(f"not flat-fielded: {flat.why}")
    return ScienceRecipe(record, conditions, pedestal.bias, pedestal.dark, flat.item, why, tuple(warnings))
