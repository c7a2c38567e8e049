"""Make masters: the work of the tasks whose names begin with bias, dark, flat and defects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.chain import SignalChain
from fullwell.effects import Bias, Dark, Defects, Effect, Flat, Overscan
from fullwell.effects.storage import save_product
from fullwell.flags import mask_of
from fullwell.kernels.spread import clipped_spread, median_of
from fullwell.night.context import Context
from fullwell.night.gains import GainRecipe
from fullwell.night.pictures import picture_of
from fullwell.night.recipes import MasterRecipe

__all__ = ["build_bias", "build_dark", "build_defects", "build_flat", "entry_chain"]

Results = Mapping[str, Any]


def entry_chain(context: Context, recipe: MasterRecipe, overscan: Overscan | None) -> SignalChain:
    """Return what is taken out of every frame before anything else: converter and overscan."""
    effects: list[Effect] = [context.adc(recipe.records)]
    if overscan is not None:
        effects.append(overscan)
    return SignalChain(effects)


def build_bias(context: Context, recipe: MasterRecipe, overscan: Overscan | None, key: str) -> dict[str, Any]:
    """Combine biases and write the master; return what the report needs."""
    bias = Bias.measure(
        context.frames(recipe.records),
        known=entry_chain(context, recipe, overscan),
        clip=context.config.combine.clip,
        memory=context.memory,
    )
    _save(context, bias, recipe, key)
    assert bias.structure is not None
    result = _common(context, recipe, key, bias.structure, bias.flags, bias.statistics)
    return result | {
        "read_noise": list(bias.read_noise),
        "read_noise_error": list(bias.read_noise_error),
        "level_offsets": bias.statistics["level_offsets"],
        "rejected_fraction": bias.statistics["rejected_fraction"],
    }


def build_dark(
    context: Context,
    recipe: MasterRecipe,
    overscan: Overscan | None,
    gain: GainRecipe,
    key: str,
    results: Results,
) -> dict[str, Any]:
    """Combine darks of all lengths and write the master."""
    known = entry_chain(context, recipe, overscan)
    if recipe.bias is not None:
        known = known.with_(*_masters(context, recipe, (recipe.bias,), results))
    effect = gain.effect(results)
    dark = Dark.measure(
        context.frames(recipe.records),
        known=known,
        clip=context.config.combine.clip,
        gain=None if effect is None else effect.values,
        hot_sigma=context.config.dark.hot_sigma,
        hot_rate=context.config.dark.hot_rate,
        memory=context.memory,
    )
    _save(context, dark, recipe, key)
    result = _common(context, recipe, key, dark.levels[-1].level, dark.flags, dark.statistics)
    if np.ndim(dark.rate):
        result |= picture_of("rate_picture", np.asarray(dark.rate), context, mask=_masked(dark.flags))
    good = ~_masked(dark.flags)
    return result | {
        "levels": dark.statistics["levels"],
        **_line_through(dark.statistics["levels"]),
        "rate_median": median_of(np.asarray(dark.rate), good) if np.ndim(dark.rate) else None,
        "offset_median": median_of(np.asarray(dark.offset), good) if np.ndim(dark.offset) else None,
        "hot_pixels": dark.statistics["hot_pixels"],
        "hot_threshold": dark.statistics["hot_threshold"],
        "hot_time": dark.statistics["hot_time"],
        "bias_included": dark.bias_included,
        "read_noise": dark.statistics["read_noise"],
        "rejected_fraction": [f for level in dark.statistics["levels"] for f in level["rejected_fraction"]],
    }


def build_flat(
    context: Context,
    recipe: MasterRecipe,
    overscan: Overscan | None,
    gain: GainRecipe,
    key: str,
    results: Results,
) -> dict[str, Any]:
    """Combine flats and write the master."""
    known = entry_chain(context, recipe, overscan)
    parts = _masters(context, recipe, (recipe.bias, recipe.dark), results)
    known = known.with_(*parts)
    dark = next((part for part in parts if isinstance(part, Dark)), None)
    effect = gain.effect(results)
    flat = Flat.measure(
        context.frames(recipe.records),
        known=known,
        clip=context.config.combine.clip,
        gain=None if effect is None else effect.values,
        filter=recipe.conditions.filter or "",
        dead_below=context.config.flat.dead_below,
        memory=context.memory,
    )
    _save(context, flat, recipe, key)
    result = _common(context, recipe, key, flat.response, flat.flags, flat.statistics)
    rules = sorted({dark.weights(t).rule for t in recipe.times}) if dark is not None else []
    return result | {
        "counts": flat.counts,
        "frame_levels": flat.statistics["levels"],
        "dead_pixels": flat.statistics["dead_pixels"],
        "dark_rules": rules,
        "rejected_fraction": flat.statistics["rejected_fraction"],
    }


def build_defects(
    context: Context, name: str, parts: tuple[MasterRecipe, ...], key: str, results: Results
) -> dict[str, Any]:
    """Unite the bad pixels of darks and flats and write the map."""
    defects = Defects.from_products(*(context.master(part.name, results) for part in parts))
    records = tuple(record for part in parts for record in part.records)
    save_product(
        defects,
        context.path_of(name),
        overwrite=True,
        cards=context.provenance(key, records),
        history=[f"defects: united from {', '.join(part.name for part in parts)}"],
        header=context.common_header(tuple(part.name for part in parts)),
    )
    result: dict[str, Any] = {
        "counts": defects.counts,
        "key": key,
        "path": f"masters/{name}.fits",
        "count": len(parts),
    }
    bad = _masked(defects.flags).astype(np.float32)
    return result | picture_of("picture", bad, context, pool="max", limits=(0.0, 1.0), how="linear")


def _line_through(levels: list[dict[str, Any]]) -> dict[str, float]:
    """Fit a line to the median levels; the drift of single frames outweighs their noise, so all count one."""
    if len(levels) < 2:
        return {}
    slope, offset = np.polyfit([level["time"] for level in levels], [level["median"] for level in levels], 1)
    return {"line_rate": float(slope), "line_offset": float(offset)}


def _masters(
    context: Context, recipe: MasterRecipe, parts: tuple[MasterRecipe | None, ...], results: Results
) -> list[Any]:
    """Masters to take out of the frames of a recipe, cut to their window where they are smaller."""
    loaded = []
    for part in parts:
        if part is None:
            continue
        if part.conditions.shape == recipe.conditions.shape:
            loaded.append(context.master(part.name, results))
        else:
            frame = context.raw.read(recipe.records[0])
            loaded.append(context.master_for(frame, part, results, window=recipe.conditions.window))
    return loaded


def _save(context: Context, product: Any, recipe: MasterRecipe, key: str) -> None:
    steps = " ".join(product.applied) or "nothing"
    history = [f"{recipe.kind}: {len(recipe.records)} frames combined behind: {steps}"]
    history += [f"{recipe.kind}: {remark}" for remark in product.statistics["remarks"]]
    save_product(
        product,
        context.path_of(recipe.name),
        overwrite=True,
        cards=context.provenance(key, recipe.records),
        history=history,
        header=context.raw.header(recipe.records),
    )


def _common(
    context: Context,
    recipe: MasterRecipe,
    key: str,
    image: npt.NDArray[Any],
    flags: Any,
    statistics: dict[str, Any],
) -> dict[str, Any]:
    good = ~_masked(flags)
    spread = clipped_spread(image, good=good)
    result: dict[str, Any] = {
        "path": f"masters/{recipe.name}.fits",
        "key": key,
        "count": len(recipe.records),
        "median": median_of(image, good),
        "mean": spread.mean,
        "std": float(np.sqrt(spread.variance)),
        "masked_fraction": float(_masked(flags).mean()),
        "empirical_to_predicted": statistics.get("empirical_to_predicted"),
        "remarks": list(dict.fromkeys(statistics["remarks"])),
    }
    return result | picture_of("picture", image, context, mask=_masked(flags))


def _masked(flags: Any) -> npt.NDArray[np.bool_]:
    return mask_of(flags)
