"""What came out of a night, as plain data: the content of ``results.json`` and the source of the report."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from fullwell.night.context import Context
from fullwell.night.night_warnings import warnings_of
from fullwell.night.recipes import MasterRecipe, Recipes, ScienceRecipe
from fullwell.night.tasks import NightPlan, science_task
from fullwell.plan import Outcome
from fullwell.sorting import FrameRecord, SetAside, Sorted

__all__ = ["NightResult", "results_of"]


@attrs.frozen(eq=False)
class NightResult:
    """Outcome of a reduction.

    Parameters
    ----------
    data : dict
        What ``results.json`` holds.
    pictures : dict of str to bytes
        PNG files by product path and name.
    exit_code : int
        0 done, 1 done but something was set aside or needs attention, 3 nothing usable.
    out : Path
        Output folder.
    removed : tuple of str
        Files of an earlier run that nothing asks for any more, and that were removed.
    """

    data: dict[str, Any]
    pictures: dict[str, bytes]
    exit_code: int
    out: Path
    removed: tuple[str, ...] = ()

    @property
    def report_path(self) -> Path:
        """Where the report is."""
        return self.out / "report.html"

    @property
    def masters(self) -> list[Path]:
        """Files of the masters that were made."""
        return [
            self.out / master["path"]
            for master in self.data["masters"]
            if master["status"] in ("done", "kept")
        ]

    @property
    def calibrated(self) -> list[Path]:
        """Files of the calibrated frames."""
        return [
            self.out / frame["path"]
            for frame in self.data["calibrated"]
            if frame["status"] in ("done", "kept")
        ]


def results_of(
    found: Sorted,
    aside: Sequence[SetAside],
    recipes: Recipes,
    night: NightPlan,
    outcomes: Mapping[str, Outcome],
    context: Context,
    *,
    dry_run: bool,
    memory: Path,
) -> NightResult:
    """Gather everything that is known of a night.

    Without a clock and without what depends on whether work was done now or kept from an earlier run, so that
    a resumed run gives the same bytes.
    """
    pictures: dict[str, bytes] = {}
    masters = [_master(recipe, night, outcomes, pictures) for recipe in recipes.masters]
    masters += _defect_maps(night, outcomes, pictures)
    calibrated = [_calibrated(recipe, night, outcomes, pictures) for recipe in recipes.science]
    set_aside = [*found.set_aside, *aside, *recipes.set_aside]
    gains = _gains(night, outcomes)
    warnings = warnings_of(found, set_aside, recipes, (*masters, *calibrated), gains, context)
    exit_code = _exit_code(masters, calibrated, set_aside, warnings, dry_run=dry_run)
    data = {
        "fullwell": context.version,
        "configuration": {"hash": context.config_id, "values": context.config.model_dump(mode="json")},
        "exit_code": exit_code,
        "dry_run": dry_run,
        "frames": [_frame(record, context) for record in found.records],
        "set_aside": [attrs.asdict(one) for one in sorted(set_aside, key=lambda one: one.name)],
        "ignored": list(found.ignored),
        "remarks": [attrs.asdict(remark) for remark in found.remarks],
        "overscan": [
            {"camera": one.camera, "why": one.why, "used": one.effect is not None} for one in night.overscans
        ],
        "gains": gains,
        "masters": masters,
        "calibrated": calibrated,
        "warnings": warnings,
    }
    if dry_run:
        data["to_do"] = [task.name for task in night.plan.todo(memory)]
    return NightResult(_plain(data), pictures, exit_code, context.out)


def _frame(record: FrameRecord, context: Context) -> dict[str, Any]:
    known = record.metadata
    seen = context.looks.get(record.content_hash)
    return {
        "name": record.name,
        "hash": record.content_hash[:16],
        "type": record.type,
        "rule": record.rule,
        "is_guess": record.is_guess,
        "shape": list(record.shape),
        "exposure_time": known.exposure_time.value,
        "dark_time": known.dark_time.value,
        "filter": known.filter.value,
        "temperature": known.temperature.value,
        "gain": known.gain.value,
        "camera": known.camera.value,
        "mid_time": known.mid_iso,
        "look": None if seen is None else attrs.asdict(seen),
        "problems": list(record.problems),
    }


def _status(name: str, outcomes: Mapping[str, Outcome]) -> tuple[str, str, dict[str, Any]]:
    outcome = outcomes.get(name)
    if outcome is None:
        return "planned", "", {}
    # 'kept' and 'done' are one to the reader: the product is there and right.
    return ("done" if outcome.status == "kept" else outcome.status), outcome.reason, dict(outcome.result)


def _take_pictures(result: dict[str, Any], owner: str, pictures: dict[str, bytes]) -> dict[str, Any]:
    for name in [name for name, value in result.items() if isinstance(value, bytes)]:
        pictures[f"{owner}:{name}"] = result.pop(name)
    return result


def _master(
    recipe: MasterRecipe, night: NightPlan, outcomes: Mapping[str, Outcome], pictures: dict[str, bytes]
) -> dict[str, Any]:
    status, reason, result = _status(recipe.name, outcomes)
    result["remarks"] = [_named(text, recipe) for text in result.get("remarks", ())]
    gain = night.gains.get(recipe.name)
    return {
        "name": recipe.name,
        "kind": recipe.kind,
        "label": recipe.label,
        "path": f"masters/{recipe.name}.fits",
        "status": status,
        "reason": _named(reason, recipe),
        "inputs": [record.name for record in recipe.records],
        "why": list(recipe.why),
        "warnings": list(recipe.warnings),
        "bias": None if recipe.bias is None else recipe.bias.name,
        "dark": None if recipe.dark is None else recipe.dark.name,
        "gain_source": None if gain is None else gain.source,
        "times": list(recipe.times),
        "filter": recipe.conditions.filter,
        "temperature": recipe.conditions.temperature,
        **_take_pictures(result, recipe.name, pictures),
    }


def _named(text: str, recipe: MasterRecipe) -> str:
    """Give the frames their names back, which a master does not know."""

    def name(found: re.Match[str]) -> str:
        number = int(found[1])
        return recipe.records[number - 1].name if 0 < number <= len(recipe.records) else found[0]

    return re.sub(r"\bINPUT(\d+)\b", name, text)


def _defect_maps(
    night: NightPlan, outcomes: Mapping[str, Outcome], pictures: dict[str, bytes]
) -> list[dict[str, Any]]:
    maps = []
    for name in night.plan.tasks:
        if name.startswith("defects-"):
            status, reason, result = _status(name, outcomes)
            known = {
                "name": name,
                "kind": "defects",
                "label": name.removeprefix("defects-"),
                "inputs": [],
                "why": [],
            }
            known |= {"path": f"masters/{name}.fits", "status": status, "reason": reason}
            maps.append(known | _take_pictures(result, name, pictures))
    return maps


def _calibrated(
    recipe: ScienceRecipe, night: NightPlan, outcomes: Mapping[str, Outcome], pictures: dict[str, bytes]
) -> dict[str, Any]:
    task = science_task(recipe.record)
    status, reason, result = _status(task, outcomes)
    return {
        "raw": recipe.record.name,
        "path": night.outputs[task],
        "status": status,
        "reason": reason,
        "bias": None if recipe.bias is None else recipe.bias.name,
        "dark": None if recipe.dark is None else recipe.dark.name,
        "flat": None if recipe.flat is None else recipe.flat.name,
        "why": recipe.why,
        "exposure_time": recipe.record.metadata.exposure_time.value,
        "filter": recipe.conditions.filter,
        **_take_pictures(result, night.outputs[task], pictures),
    }


def _gains(night: NightPlan, outcomes: Mapping[str, Outcome]) -> list[dict[str, Any]]:
    """Measured gains, beside what was used for the same frames."""
    rows = []
    for name in night.plan.tasks:
        if name.startswith("gain-"):
            status, reason, result = _status(name, outcomes)
            used = night.gains.get(f"flat-{name.removeprefix('gain-')}")
            rows.append(
                {
                    "name": name,
                    "status": status,
                    "reason": reason,
                    "used": None if used is None else {"values": list(used.values), "source": used.source},
                    **result,
                }
            )
    return rows


def _exit_code(
    masters: Sequence[Mapping[str, Any]],
    calibrated: Sequence[Mapping[str, Any]],
    set_aside: Sequence[SetAside],
    warnings: Sequence[Mapping[str, str]],
    *,
    dry_run: bool,
) -> int:
    good = ("planned", "done") if dry_run else ("done",)
    if not any(product["status"] in good for product in (*masters, *calibrated)):
        return 3
    trouble = any(one.severity != "info" for one in set_aside)
    trouble |= any(row["severity"] in ("warning", "error") for row in warnings)
    return 1 if trouble else 0


def _plain(value: Any) -> Any:
    """Replace what JSON does not know: NaN and infinity become None, tuples lists, numpy numbers plain."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
