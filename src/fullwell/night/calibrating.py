"""Correct one science frame: the work of the tasks whose names begin with calibrated."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.chain import SignalChain
from fullwell.detector import Box
from fullwell.effects import CosmicRays, Dark, Effect, Overscan, ReadNoise, ShotNoise
from fullwell.effects.assembly import assembled
from fullwell.effects.cropping import cropped
from fullwell.errors import FullwellError
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.io import write
from fullwell.night.context import Context
from fullwell.night.gains import GainRecipe
from fullwell.night.recipes import MasterRecipe, ScienceRecipe
from fullwell.picture import find_limits, thumbnail

__all__ = ["calibrate", "empirical_variance", "product_name"]

CELL = 64  # pixels, for the local noise where no gain is known


def product_name(name: str) -> str:
    """Return the name of the calibrated frame: that of the raw frame with the ending ``.fits``."""
    path = Path(name)
    stem = path.name
    for ending in (".gz", ".fz", ".bz2", ".z"):
        stem = stem[: -len(ending)] if stem.lower().endswith(ending) else stem
    for ending in (".fits", ".fit", ".fts"):
        stem = stem[: -len(ending)] if stem.lower().endswith(ending) else stem
    return (path.parent / f"{stem}.fits").as_posix()


def calibrate(
    context: Context,
    recipe: ScienceRecipe,
    overscan: Overscan | None,
    gain: GainRecipe,
    defects: str | None,
    target: Path,
    key: str,
    results: Mapping[str, Any],
) -> dict[str, Any]:
    """Correct a science frame, write it, and return what the report needs."""
    raw = context.read(recipe.record)
    chain = _chain(context, recipe, overscan, gain, defects, raw, results)
    clean = chain.correct(raw)
    if clean.unit != u.electron:
        clean = clean.with_(variance=empirical_variance(clean))
    dark: Any = chain.get("dark")
    weights = dark.weights(raw.dark_time) if isinstance(dark, Dark) else None
    target.parent.mkdir(parents=True, exist_ok=True)
    write(
        clean,
        target,
        overwrite=True,
        cards=_cards(context, recipe, chain, gain, results, key),
        history=_history(chain, recipe, None if weights is None else weights.rule),
    )
    result: dict[str, Any] = {
        "path": target.relative_to(context.out).as_posix(),
        "key": key,
        "steps": list(clean.applied),
        "unit": str(clean.unit),
        "gain": None if chain.get("gain") is None else list(chain.get("gain").values),  # type: ignore[union-attr]
        "gain_source": gain.source,
        "dark_rule": None if weights is None else weights.rule,
        "dark_weights": None if weights is None else list(weights.weights),
        "overscan_level": clean.header.get("OSCLEVEL"),
        "flagged": {p.name: int((clean.flags & p != 0).sum()) for p in Flags if (clean.flags & p).any()},
        "warnings": list(recipe.warnings),
    }
    return result | _before_and_after(context, raw, clean, chain)


def _chain(
    context: Context,
    recipe: ScienceRecipe,
    overscan: Overscan | None,
    gain: GainRecipe,
    defects: str | None,
    raw: Frame,
    results: Mapping[str, Any],
) -> SignalChain:
    effects: list[Effect] = [context.adc((recipe.record,))]
    if overscan is not None:
        effects.append(overscan)
    masters = [m for m in (recipe.bias, recipe.dark, recipe.flat) if m is not None]
    products = [context.masters.load(_path(context, m.name), results[m.name]["key"]) for m in masters]
    if defects is not None:
        products.append(context.masters.load(_path(context, defects), results[defects]["key"]))
    shape = assembled(raw).shape
    window = recipe.conditions.window or (0, 0)
    for product, master in zip(products, [*masters, *masters[-1:]], strict=False):
        effects.append(_fitted(product, shape, window, master))
    effect = gain.effect(results)
    noise = _read_noise(context, products, None if effect is None else effect.values)
    if effect is not None:
        effects += [effect, ShotNoise()]
    if noise is not None:
        effects.append(noise)
    if _finds_cosmics(context):
        table = context.config.cosmic_rays
        effects.append(CosmicRays(threshold=table.threshold, contrast=table.contrast, neighbors=table.neighbors))
    return SignalChain(effects)


def _fitted(product: Any, shape: tuple[int, int], window: tuple[int, int], master: MasterRecipe) -> Any:
    """Cut a full-frame master to the window of the frame."""
    image = getattr(product, "structure", None)
    image = getattr(product, "response", None) if image is None else image
    image = getattr(product, "flags", None) if image is None else image
    if image is None or image.shape == shape:
        return product
    x0, y0 = master.conditions.window or (0, 0)
    x, y = window[0] - x0, window[1] - y0
    return cropped(product, Box(x, x + shape[1], y, y + shape[0]))


def _read_noise(context: Context, products: list[Any], gain: tuple[float, ...] | None) -> ReadNoise | None:
    told = context.config.detector.read_noise
    if told is not None and gain is not None:
        return ReadNoise(told, digitized=True)
    bias = next((p for p in products if p.name == "bias" and p.read_noise), None)
    dark = next((p for p in products if p.name == "dark" and p.bias_included), None)
    if bias is not None:
        noise, error = np.asarray(bias.read_noise), np.asarray(bias.read_noise_error)
    elif dark is not None:
        noise, error = np.atleast_1d(dark.statistics["read_noise"]), np.zeros(0)
    else:
        return None
    if gain is None:
        return ReadNoise(tuple(noise), unit=u.adu, digitized=True, errors=tuple(error))
    factor = np.asarray(gain)
    return ReadNoise(tuple(noise * factor), digitized=True, errors=tuple(error * factor) if error.size else ())


def _finds_cosmics(context: Context) -> bool:
    wish = context.config.cosmic_rays.find
    installed = importlib.util.find_spec("astroscrappy") is not None
    if wish == "yes" and not installed:
        raise FullwellError("cosmic_rays.find = 'yes' needs astroscrappy: pip install 'fullwell[cosmic]'")
    return wish != "no" and installed


def _path(context: Context, name: str) -> Path:
    return context.out / "masters" / f"{name}.fits"


def _cards(
    context: Context,
    recipe: ScienceRecipe,
    chain: SignalChain,
    gain: GainRecipe,
    results: Mapping[str, Any],
    key: str,
) -> dict[str, Any]:
    cards = context.provenance(key, (recipe.record,)) | {"PRODUCT": ("calibrated", "what this file is")}
    for master in (recipe.bias, recipe.dark, recipe.flat):
        if master is not None:
            kind = master.kind.upper()
            cards[f"{kind}FILE"] = f"{master.name}.fits"
            cards[f"{kind}ID"] = (results[master.name]["key"], "FWKEY of that file")
    effect: Any = chain.get("gain")
    if effect is not None:
        cards["FWGAIN"] = (float(np.mean(effect.values)), "[electron/adu] gain applied")
        cards["FWGAINSR"] = (gain.source[:60], "its source")
        cards["VARMODEL"] = ("model", "read noise, shot noise, masters")
    else:
        cards["VARMODEL"] = ("empirical", "gain not known; local scatter")
    return cards


def _history(chain: SignalChain, recipe: ScienceRecipe, dark_rule: str | None) -> list[str]:
    lines = [f"fullwell: {', '.join(effect.name for effect in chain)}"]
    for kind, why in recipe.why.items():
        lines.append(f"{kind}: {why}" + (f"; {dark_rule}" if kind == "dark" and dark_rule else ""))
    return lines + [f"warning: {warning}" for warning in recipe.warnings]


def empirical_variance(frame: Frame) -> npt.NDArray[np.float32]:
    """Variance from the scatter of neighbors in cells of 64 pixels, for frames whose gain is not known.

    Half the clipped mean square of differences two columns apart; stars do not change it much.
    """
    rows, columns = frame.shape
    result = np.empty(frame.shape, np.float32)
    good = ~frame.mask & np.isfinite(frame.data)
    for top in range(0, rows, CELL):
        for left in range(0, columns, CELL):
            part = (slice(top, top + CELL), slice(left, left + CELL))
            data, ok = frame.data[part].astype(np.float64), good[part]
            values = (data[:, 2:] - data[:, :-2])[ok[:, 2:] & ok[:, :-2]]
            for _ in range(5):
                inside = np.abs(values - np.median(values)) <= 5 * values.std() if values.size else values > 0
                if inside.all():
                    break
                values = values[inside]
            result[part] = values.var() / 2 if values.size > 1 else np.nan
    fill = np.nanmedian(result) if np.isfinite(result).any() else 0.0
    return np.where(np.isfinite(result), result, np.float32(fill))


@attrs.frozen
class _Numbers:
    background: float
    sigma: float
    gradient_x: float
    gradient_y: float
    hot_outliers: int


def _numbers(data: npt.NDArray[Any], good: npt.NDArray[np.bool_]) -> _Numbers:
    from scipy.ndimage import median_filter

    values = data[good].astype(np.float64)
    if values.size == 0:
        nothing = float("nan")
        return _Numbers(nothing, nothing, nothing, nothing, 0)
    middle = float(np.median(values))
    for _ in range(10):
        inside = np.abs(values - np.median(values)) <= 5 * values.std()
        if inside.all():
            break
        values = values[inside]
    flat = np.where(good, data, middle).astype(np.float32)
    edge_x, edge_y = (max(1, int(0.1 * n)) for n in (data.shape[1], data.shape[0]))
    around = median_filter(flat, size=3)
    difference = flat[:, 2:] - flat[:, :-2]
    pixel = 1.4826 * float(np.median(np.abs(difference - np.median(difference)))) / np.sqrt(2)
    return _Numbers(
        background=middle,
        sigma=float(values.std()),
        gradient_x=float(np.median(flat[:, -edge_x:]) - np.median(flat[:, :edge_x])),
        gradient_y=float(np.median(flat[-edge_y:]) - np.median(flat[:edge_y])),
        hot_outliers=int((flat - around > 10 * max(pixel, 1e-6)).sum()),
    )


def _before_and_after(context: Context, raw: Frame, clean: Frame, chain: SignalChain) -> dict[str, Any]:
    """Return numbers and pictures of the frame before and after, in one unit."""
    before = assembled(raw).data.astype(np.float32)
    effect: Any = chain.get("gain")
    if effect is not None and clean.detector is not None:
        before = before * effect.image(clean.detector)
    elif effect is not None:
        before = before * np.float32(effect.values[0])
    finite = np.isfinite(before)
    good = ~clean.mask & np.isfinite(clean.data)
    result: dict[str, Any] = {
        "before": attrs.asdict(_numbers(before, finite)),
        "after": attrs.asdict(_numbers(clean.data, good)),
        "variance_median": None if clean.variance is None else float(np.median(clean.variance[good])) if good.any() else None,
    }
    if context.config.report.pictures:
        width = context.config.report.width
        result["before_picture"] = thumbnail(before, width=width)
        limits = find_limits(clean.data, mask=~good) if good.any() else (0.0, 1.0)
        result["after_picture"] = thumbnail(clean.data, width=width, limits=limits, mask=~good)
    return result
