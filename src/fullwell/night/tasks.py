"""The tasks of a night, made from what was decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from fullwell.effects import Overscan
from fullwell.night.building import build_bias, build_dark, build_defects, build_flat, entry_chain
from fullwell.night.calibrating import calibrate, product_name
from fullwell.night.context import Context
from fullwell.night.gains import GainRecipe, decide_gain, measure_gain
from fullwell.night.recipes import MasterRecipe, Recipes, ScienceRecipe
from fullwell.plan import Plan, Task, key_of
from fullwell.sorting import FrameRecord

__all__ = ["NightPlan", "OverscanDecision", "plan_night"]

Work = Callable[[Mapping[str, Any]], dict[str, Any]]


@attrs.frozen
class OverscanDecision:
    """Whether and how the overscan of one camera is used.

    Parameters
    ----------
    camera : str
        Which frames it is about.
    effect : Overscan or None
    why : str
    """

    camera: str
    effect: Overscan | None
    why: str


@attrs.frozen(eq=False)
class NightPlan:
    """The plan and what stands behind it.

    Parameters
    ----------
    plan : Plan
    overscans : tuple of OverscanDecision
    gains : dict of str to GainRecipe
        By task name of flats and science frames.
    targets : dict of str to str
        Task name to path of the calibrated frame.
    """

    plan: Plan
    overscans: tuple[OverscanDecision, ...]
    gains: dict[str, GainRecipe]
    targets: dict[str, str]


def plan_night(recipes: Recipes, context: Context) -> NightPlan:
    """Make a task of each master, each measurement of the gain and each science frame."""
    maker = _Maker(recipes, context)
    for bias in recipes.biases:
        maker.bias(bias)
    for flat in recipes.flats:
        maker.measured_gain(flat)
    for dark in recipes.darks:
        maker.dark(dark)
    for flat in recipes.flats:
        maker.flat(flat)
    maker.all_defects()
    for science in recipes.science:
        maker.science(science)
    return NightPlan(Plan(maker.tasks.values()), tuple(maker.overscans.values()), maker.gains, maker.targets)


class _Maker:
    def __init__(self, recipes: Recipes, context: Context) -> None:
        self.recipes, self.context = recipes, context
        self.tasks: dict[str, Task] = {}
        self.gains: dict[str, GainRecipe] = {}
        self.targets: dict[str, str] = {}
        self.overscans: dict[Any, OverscanDecision] = {}
        self._gain_tasks: dict[Any, str] = {}
        self._defects: dict[str, str] = {}
        self._names = _unique_names(recipes.science)

    def bias(self, recipe: MasterRecipe) -> None:
        overscan = self._overscan(recipe.records)
        key = self._key(recipe.name, recipe.records, (), overscan)
        self._add(
            recipe.name, key, (), lambda _: build_bias(self.context, recipe, overscan, key), [f"masters/{recipe.name}.fits"]
        )

    def measured_gain(self, flats: MasterRecipe) -> None:
        """Measure the gain where there are pairs, whether it is needed or only compared."""
        dark_like = self._dark_like(flats)
        if len(flats.records) < 2 or len(dark_like) < 2:
            return
        name = f"gain-{flats.label}"
        overscan = self._overscan(flats.records)
        key = self._key(name, (*flats.records, *dark_like), (), overscan)
        known = entry_chain(self.context, flats, overscan)
        self._add(name, key, (), lambda _: measure_gain(self.context, flats, dark_like, known), [])
        self._gain_tasks.setdefault(_electronics(flats), name)

    def dark(self, recipe: MasterRecipe) -> None:
        overscan, gain = self._overscan(recipe.records), self._gain(recipe.name, recipe, recipe.records[0])
        needs = self._needs(recipe.bias, gain=gain)
        key = self._key(recipe.name, recipe.records, needs, overscan, gain)
        self._add(
            recipe.name,
            key,
            needs,
            lambda results: build_dark(self.context, recipe, overscan, gain, key, results),
            [f"masters/{recipe.name}.fits"],
        )

    def flat(self, recipe: MasterRecipe) -> None:
        overscan, gain = self._overscan(recipe.records), self._gain(recipe.name, recipe, recipe.records[0])
        needs = self._needs(recipe.bias, recipe.dark, gain=gain)
        key = self._key(recipe.name, recipe.records, needs, overscan, gain)
        self._add(
            recipe.name,
            key,
            needs,
            lambda results: build_flat(self.context, recipe, overscan, gain, key, results),
            [f"masters/{recipe.name}.fits"],
        )

    def all_defects(self) -> None:
        """One map of bad pixels for each dark, with the flats of the same camera and size."""
        for dark in self.recipes.darks:
            family = (dark.conditions.camera, dark.conditions.shape, dark.conditions.binning)
            flats = [
                flat
                for flat in self.recipes.flats
                if (flat.conditions.camera, flat.conditions.shape, flat.conditions.binning) == family
            ]
            self._add_defects(f"defects-{dark.label}", (dark, *flats))
            self._defects[dark.name] = f"defects-{dark.label}"

    def _add_defects(self, name: str, parts: tuple[MasterRecipe, ...]) -> None:
        needs = tuple(part.name for part in parts)
        records = tuple(record for part in parts for record in part.records)
        key = self._key(name, records, needs, None)
        self._add(
            name, key, needs, lambda results: build_defects(self.context, name, parts, key, results), [f"masters/{name}.fits"]
        )

    def science(self, recipe: ScienceRecipe) -> None:
        name = f"calibrated-{recipe.record.content_hash[:32]}"
        overscan, gain = self._overscan((recipe.record,)), self._gain(name, recipe, recipe.record)
        defects = self._defects.get(recipe.dark.name) if recipe.dark is not None else None
        needs = self._needs(recipe.bias, recipe.dark, recipe.flat, gain=gain)
        needs = (*needs, defects) if defects else needs
        key = self._key(name, (recipe.record,), needs, overscan, gain, recipe.why, recipe.warnings)
        target = f"calibrated/{self._names[recipe.record.name]}"
        path = self.context.out / target
        self._add(
            name,
            key,
            needs,
            lambda results: calibrate(self.context, recipe, overscan, gain, defects, path, key, results),
            [target],
            label=recipe.record.name,
        )
        self.targets[name] = target

    def _add(
        self, name: str, key: str, needs: tuple[str, ...], run: Work, outputs: Sequence[str], *, label: str = ""
    ) -> None:
        paths = tuple(self.context.out / output for output in outputs)
        self.tasks[name] = Task(name, key, run, needs, paths, label or name)

    def _needs(self, *masters: MasterRecipe | None, gain: GainRecipe) -> tuple[str, ...]:
        names = [master.name for master in masters if master is not None]
        return (*names, gain.task) if gain.task else tuple(names)

    def _key(self, name: str, records: Sequence[FrameRecord], needs: tuple[str, ...], *rest: Any) -> str:
        hashes = [record.content_hash for record in records]
        above = [self.tasks[need].key for need in needs]
        return key_of(name, self.context.version, self.context.config_id, hashes, above, [repr(part) for part in rest])

    def _gain(self, name: str, recipe: MasterRecipe | ScienceRecipe, record: FrameRecord) -> GainRecipe:
        gain = decide_gain(record, self.context, self._gain_tasks.get(_electronics(recipe)))
        self.gains[name] = gain
        return gain

    def _dark_like(self, flats: MasterRecipe) -> tuple[FrameRecord, ...]:
        """Frames that show the noise without light: biases, else darks of the length of the flats."""
        if flats.bias is not None:
            return flats.bias.records
        if flats.dark is None or not flats.times:
            return ()
        time = flats.times[0]
        return tuple(
            r for r in flats.dark.records if abs(float(r.metadata.dark_time.value or 0) - time) <= 1e-3 * time
        )

    def _overscan(self, records: Sequence[FrameRecord]) -> Overscan | None:
        known = records[0].metadata
        family = (known.camera.value, records[0].shape, known.binning.value, known.readout_mode.value)
        if family not in self.overscans:
            self.overscans[family] = self._decide_overscan(family)
        return self.overscans[family].effect

    def _decide_overscan(self, family: Any) -> OverscanDecision:
        table, looks = self.context.config.overscan, self.context.looks
        frames = [
            r
            for recipe in (*self.recipes.masters, *self.recipes.science)
            for r in (recipe.records if isinstance(recipe, MasterRecipe) else (recipe.record,))
            if (r.metadata.camera.value, r.shape, r.metadata.binning.value, r.metadata.readout_mode.value) == family
        ]
        camera = f"{family[0] or 'camera not named'}, {family[1][1]}x{family[1][0]}"
        if any(looks[r.content_hash].overscan is None for r in frames):
            return OverscanDecision(camera, None, "the frames have no overscan")
        if table.method == "none":
            return OverscanDecision(camera, None, "trimmed only, as configured")
        method = "mean" if table.method == "auto" else table.method
        effect = Overscan(method=method, order=table.order, skip=table.skip, parallel=table.parallel)
        if table.method != "auto":
            return OverscanDecision(camera, effect, f"{method}, as configured")
        biases = [looks[r.content_hash] for r in frames if r.type == "bias"]
        if len(biases) < 3:
            return OverscanDecision(camera, effect, "clipped mean; too few biases to test whether it helps")
        before = float(np.std([seen.level for seen in biases], ddof=1))
        after = float(np.std([seen.above_overscan for seen in biases], ddof=1))
        helps = after < before * (1 - 1 / np.sqrt(len(biases) - 1))
        numbers = f"the level of {len(biases)} biases scatters by {before:.3g} ADU without and {after:.3g} ADU with it"
        if helps:
            return OverscanDecision(camera, effect, f"clipped mean; it helps: {numbers}")
        return OverscanDecision(camera, None, f"trimmed only; it does not help: {numbers}")


def _electronics(recipe: MasterRecipe | ScienceRecipe) -> tuple[Any, ...]:
    """What the gain depends on."""
    known = recipe.conditions
    return known.camera, known.binning, known.readout_mode, known.gain


def _unique_names(science: Sequence[ScienceRecipe]) -> dict[str, str]:
    """Name of each calibrated frame; where two would be one, the content tells them apart."""
    same: dict[str, list[FrameRecord]] = defaultdict(list)
    for recipe in science:
        same[product_name(recipe.record.name).casefold()].append(recipe.record)
    names = {}
    for records in same.values():
        for record in records:
            name = product_name(record.name)
            if len(records) > 1:
                name = f"{name.removesuffix('.fits')}-{record.content_hash[:8]}.fits"
            names[record.name] = name
    return names
