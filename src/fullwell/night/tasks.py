"""The tasks of a night, made from what was decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from fullwell.night.building import build_bias, build_dark, build_defects, build_flat, entry_chain
from fullwell.night.calibrating import Correction, calibrate, measures_frames, product_name
from fullwell.night.context import Context, finds_cosmic_rays
from fullwell.night.gains import GainRecipe, decide_gain, measure_gain
from fullwell.night.overscans import OverscanDecision, OverscanDecisions
from fullwell.night.recipes import MasterRecipe, Recipes, ScienceRecipe
from fullwell.plan import Plan, Task, key_of
from fullwell.sorting import FrameRecord

__all__ = ["NightPlan", "plan_night", "science_task"]

Work = Callable[[Mapping[str, Any]], dict[str, Any]]


@attrs.frozen(eq=False)
class NightPlan:
    """The plan and what stands behind it.

    Parameters
    ----------
    plan : Plan
    overscans : tuple of OverscanDecision
    gains : dict of str to GainRecipe
        By task name of flats and science frames.
    outputs : dict of str to str
        Task name to the path of its product, relative to the output folder.
    """

    plan: Plan
    overscans: tuple[OverscanDecision, ...]
    gains: dict[str, GainRecipe]
    outputs: dict[str, str]


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
    return NightPlan(Plan(maker.tasks.values()), maker.overscans.all(), maker.gains, maker.outputs)


class _Maker:
    def __init__(self, recipes: Recipes, context: Context) -> None:
        self.recipes, self.context = recipes, context
        self.tasks: dict[str, Task] = {}
        self.gains: dict[str, GainRecipe] = {}
        self.outputs: dict[str, str] = {}
        self.overscans = OverscanDecisions(recipes, context.looks, context.config.overscan)
        self.keys: dict[str, str] = {}
        self._gain_tasks: dict[Any, tuple[int, str]] = {}
        self._defects: dict[str, str] = {}
        self._names = _unique_names(recipes.science)

    def bias(self, recipe: MasterRecipe) -> None:
        overscan = self.overscans.of(recipe)
        key = self._key(recipe.name, recipe.records, (), overscan)
        self._add_master(recipe.name, key, (), lambda _: build_bias(self.context, recipe, overscan, key))

    def measured_gain(self, flats: MasterRecipe) -> None:
        """Measure the gain where there are pairs, whether it is needed or only compared."""
        dark_like = self._dark_like(flats)
        if len(flats.records) < 2 or len(dark_like) < 2:
            return
        name = f"gain-{flats.label}"
        overscan = self.overscans.of(flats)
        key = self._key(name, (*flats.records, *dark_like), (), overscan)
        known = entry_chain(self.context, flats, overscan)
        self._add(name, key, (), lambda _: measure_gain(self.context, flats, dark_like, known))
        best = self._gain_tasks.get(_electronics(flats))
        if best is None or len(flats.records) > best[0]:
            self._gain_tasks[_electronics(flats)] = (len(flats.records), name)

    def dark(self, recipe: MasterRecipe) -> None:
        overscan, gain = self.overscans.of(recipe), self._gain(recipe.name, recipe, recipe.records[0])
        needs = self._needs(recipe.bias, gain=gain)
        key = self._key(recipe.name, recipe.records, needs, overscan, gain)
        self._add_master(
            recipe.name, key, needs, lambda r: build_dark(self.context, recipe, overscan, gain, key, r)
        )

    def flat(self, recipe: MasterRecipe) -> None:
        overscan, gain = self.overscans.of(recipe), self._gain(recipe.name, recipe, recipe.records[0])
        needs = self._needs(recipe.bias, recipe.dark, gain=gain)
        key = self._key(recipe.name, recipe.records, needs, overscan, gain)
        self._add_master(
            recipe.name, key, needs, lambda r: build_flat(self.context, recipe, overscan, gain, key, r)
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
        key = self._key(name, records, needs)
        self._add_master(name, key, needs, lambda r: build_defects(self.context, name, parts, key, r))

    def science(self, recipe: ScienceRecipe) -> None:
        name = science_task(recipe.record)
        overscan, gain = self.overscans.of(recipe), self._gain(name, recipe, recipe.record)
        defects = self._defects.get(recipe.dark.name) if recipe.dark is not None else None
        needs = self._needs(recipe.bias, recipe.dark, recipe.flat, gain=gain)
        needs = (*needs, defects) if defects else needs
        decided = (overscan, gain, recipe.why, recipe.warnings, finds_cosmic_rays(self.context.config))
        key = self._key(name, (recipe.record,), needs, *decided)
        target = f"calibrated/{self._names[recipe.record.name]}"
        correction = Correction(recipe, overscan, gain, defects, self.context.out / target, key)
        self._add(
            name,
            key,
            needs,
            lambda results: calibrate(self.context, correction, results),
            target,
            label=recipe.record.name,
        )

    def _add_master(self, name: str, key: str, needs: tuple[str, ...], run: Work) -> None:
        self._add(name, key, needs, run, f"masters/{name}.fits")

    def _add(
        self, name: str, key: str, needs: tuple[str, ...], run: Work, output: str = "", *, label: str = ""
    ) -> None:
        self.keys[name] = key
        paths = (self.context.out / output,) if output else ()
        if output:
            self.outputs[name] = output
        # What is remembered of a task holds its pictures and its path; the product itself holds neither.
        report = self.context.config.report.model_dump(exclude={"write"})
        remembered = key_of(key, output, report, measures_frames(self.context.config))
        self.tasks[name] = Task(name, remembered, run, needs, paths, label or name)

    def _needs(self, *masters: MasterRecipe | None, gain: GainRecipe) -> tuple[str, ...]:
        names = [master.name for master in masters if master is not None]
        return (*names, gain.task) if gain.task else tuple(names)

    def _key(self, name: str, records: Sequence[FrameRecord], needs: tuple[str, ...], *rest: Any) -> str:
        hashes = [record.content_hash for record in records]
        above = [self.keys[need] for need in needs]
        converter = repr(self.context.adc(tuple(records)))
        decided = [repr(part) for part in rest]
        return key_of(name, self.context.version, self.context.config_id, hashes, above, converter, decided)

    def _gain(self, name: str, recipe: MasterRecipe | ScienceRecipe, record: FrameRecord) -> GainRecipe:
        gain = decide_gain(record, self.context, self._measuring(recipe))
        if not gain.values:
            stated = self._stated(recipe)
            if len(stated) == 1:
                gain = GainRecipe(tuple(stated), "header of the other frames")
        self.gains[name] = gain
        return gain

    def _measuring(self, recipe: MasterRecipe | ScienceRecipe) -> str | None:
        """Task that measures the gain of these frames; of several the one with most flats."""
        ours = _electronics(recipe)
        fitting = [
            (key == ours, count, name) for key, (count, name) in self._gain_tasks.items() if _same(key, ours)
        ]
        return max(fitting)[2] if fitting else None

    def _stated(self, recipe: MasterRecipe | ScienceRecipe) -> set[float]:
        """Gains in e-/ADU that headers of the same camera state."""
        ours = _electronics(recipe)
        recipes: tuple[MasterRecipe | ScienceRecipe, ...] = (*self.recipes.masters, *self.recipes.science)
        return {
            float(f"{record.metadata.gain.value:.4g}")
            for other in recipes
            if _same(_electronics(other), ours)
            for record in (other.records if isinstance(other, MasterRecipe) else (other.record,))
            if record.metadata.gain and not self.context.looks[record.content_hash].gains
        }

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


def science_task(record: FrameRecord) -> str:
    """Name of the task that calibrates a frame; it depends on the content of the frame alone."""
    return f"calibrated-{record.content_hash[:32]}"


def _electronics(recipe: MasterRecipe | ScienceRecipe) -> tuple[Any, ...]:
    """Return what the gain depends on."""
    known = recipe.conditions
    return known.camera, known.binning, known.readout_mode, known.gain


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether frames were read by the same electronics; a gain that no card states fits any."""
    return one[:-1] == other[:-1] and (one[-1] == other[-1] or None in (one[-1], other[-1]))


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
