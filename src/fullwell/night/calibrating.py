"""Correct one science frame: the work of the tasks whose names begin with calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.chain import SignalChain
from fullwell.effects import CosmicRays, Dark, Effect, Gain, Overscan, ReadNoise, ShotNoise
from fullwell.effects.assembly import assembled
from fullwell.errors import FileError, FrameError
from fullwell.files import Content, write_whole
from fullwell.flags import Flags, mask_of
from fullwell.frame import Frame
from fullwell.io.writing import file_content
from fullwell.kernels.histograms import count_bits
from fullwell.night.context import Context, finds_cosmic_rays
from fullwell.night.frame_numbers import frame_numbers, noise_over_predicted
from fullwell.night.gains import GainRecipe
from fullwell.night.looking import clipped
from fullwell.night.pictures import pair_of
from fullwell.night.recipes import ScienceRecipe
from fullwell.night.settings import ReduceConfig

__all__ = ["Correction", "calibrate", "empirical_variance", "measures_frames", "product_name"]

ENOUGH = 2**18  # pixels, to compare their noise with what was predicted
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


@attrs.frozen(eq=False)
class Correction:
    """What is done to one science frame.

    Parameters
    ----------
    recipe : ScienceRecipe
    overscan : Overscan or None
    gain : GainRecipe
    defects : str or None
        Name of the map of bad pixels.
    target : Path
        File to write.
    key : str
        Hash of all this depends on.
    """

    recipe: ScienceRecipe
    overscan: Overscan | None
    gain: GainRecipe
    defects: str | None
    target: Path
    key: str


def calibrate(context: Context, correction: Correction, results: Mapping[str, Any]) -> dict[str, Any]:
    """Correct a science frame, write it, and return what the report needs."""
    recipe, target = correction.recipe, correction.target
    raw = context.raw.read(recipe.record)
    gain = correction.gain.effect(results)
    chain = _chain(context, correction, gain, raw, results)
    clean = chain.correct(raw)
    if clean.unit != u.electron:
        clean = clean.with_(variance=empirical_variance(clean))
        # Only now the frame has a variance that tells hits from the noise of its sky.
        clean = SignalChain(_cosmic_rays(context)).correct(clean)
    dark: Any = chain.get("dark")
    weights = dark.weights(raw.dark_time) if isinstance(dark, Dark) and raw.dark_time is not None else None
    rule = None if weights is None else weights.rule
    content = file_content(
        clean,
        cards=_cards(context, correction, chain, results),
        history=_history(chain, recipe, rule),
    )
    result: dict[str, Any] = {
        "path": target.relative_to(context.out).as_posix(),
        "key": correction.key,
        "steps": list(clean.applied),
        "unit": str(clean.unit),
        "gain": None if gain is None else list(gain.values),
        "gain_source": "not known" if gain is None else correction.gain.source,
        "dark_rule": rule,
        "dark_weights": None if weights is None else list(weights.weights),
        "overscan_level": clean.header.get("OSCLEVEL"),
        "flagged": _flagged(clean),
        "warnings": [*recipe.warnings, *_warnings(context, gain)],
    }
    result |= _before_and_after(context, raw, clean, chain)
    del raw, clean  # the next frame takes their place in memory while this one goes to disk
    _write(target, content)
    return result


def _flagged(clean: Frame) -> dict[str, int]:
    """Count the pixels of each plane that is set."""
    counts = count_bits(clean.flags)
    found = {plane.name: int(counts[plane.value.bit_length() - 1]) for plane in Flags if plane.name}
    return {name: count for name, count in found.items() if count}


def _warnings(context: Context, gain: Gain | None) -> list[str]:
    if gain is not None:
        return []
    texts = [
        "the gain is not known: the frame stays in ADU, its variance is the scatter of neighboring pixels"
    ]
    if context.config.detector.read_noise is not None:
        texts.append("detector.read_noise is in electrons and cannot be used without a gain")
    return texts


def _write(target: Path, content: Content) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(target.parent, f"cannot be made: {error.strerror}") from error
    write_whole(target, content)


def _chain(
    context: Context, correction: Correction, gain: Gain | None, raw: Frame, results: Mapping[str, Any]
) -> SignalChain:
    recipe = correction.recipe
    effects: list[Effect] = [context.adc((recipe.record,))]
    if correction.overscan is not None:
        if raw.detector is None:
            # Masters of the others do not fit it; said here, before a size that differs hides why.
            raise FrameError(
                "the header names no overscan, and that of the other frames of this camera is subtracted; "
                "correct DATASEC and BIASSEC or sort the frame out"
            )
        effects.append(correction.overscan)
    window = recipe.conditions.window
    products = [
        context.master_for(raw, master, results, window=window)
        for master in (recipe.bias, recipe.dark, recipe.flat)
        if master is not None
    ]
    effects += products
    if correction.defects is not None and recipe.dark is not None:
        effects.append(context.master_for(raw, recipe.dark, results, window=window, name=correction.defects))
    noise = _read_noise(context, products, None if gain is None else gain.values)
    if gain is not None:
        effects += [gain, ShotNoise(), *_cosmic_rays(context)]
    if noise is not None:
        effects.append(noise)
    return context.chains.of(effects)


def _cosmic_rays(context: Context) -> list[Effect]:
    """Return the finder of hits, if it is wanted."""
    table = context.config.cosmic_rays
    if not finds_cosmic_rays(context.config):
        return []
    return [CosmicRays(threshold=table.threshold, contrast=table.contrast, neighbors=table.neighbors)]


def _read_noise(context: Context, products: list[Any], gain: tuple[float, ...] | None) -> ReadNoise | None:
    told = context.config.detector.read_noise
    bias = next((p for p in products if p.name == "bias" and p.read_noise), None)
    if bias is None:
        # A dark that holds the bias brings the noise of its frames itself, that of the dark current included.
        return None
    if told is not None and gain is not None:
        return ReadNoise(told)
    noise, error = np.asarray(bias.read_noise), np.asarray(bias.read_noise_error)
    if gain is None:
        return ReadNoise(tuple(noise), unit=u.adu, digitized=True, errors=tuple(error))
    factor = np.asarray(gain)
    return ReadNoise(
        tuple(noise * factor), digitized=True, errors=tuple(error * factor) if error.size else ()
    )


def _cards(
    context: Context, correction: Correction, chain: SignalChain, results: Mapping[str, Any]
) -> dict[str, Any]:
    recipe = correction.recipe
    cards = context.provenance(correction.key, (recipe.record,))
    cards["PRODUCT"] = ("calibrated", "what this file is")
    for master in (recipe.bias, recipe.dark, recipe.flat):
        if master is not None:
            kind = master.kind.upper()
            cards[f"{kind}FILE"] = f"{master.name}.fits"
            cards[f"{kind}ID"] = (results[master.name]["key"], "FWKEY of that file")
    effect: Any = chain.get("gain")
    if effect is not None:
        cards["FWGAIN"] = (float(np.mean(effect.values)), "[electron/adu] gain applied")
        cards["FWGAINSR"] = (correction.gain.source[:60], "its source")
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
            values = clipped(values)
            result[part] = values.var() / 2 if values.size > 1 else np.nan
    fill = np.nanmedian(result) if np.isfinite(result).any() else 0.0
    return np.where(np.isfinite(result), result, np.float32(fill))


def measures_frames(config: ReduceConfig) -> bool:
    """Whether frames before and after are measured, for the report or for pictures."""
    return config.report.write or config.report.pictures


def _noise_of_some(clean: Frame) -> float | None:
    """Compare noise with prediction on so many rows as that takes."""
    if clean.variance is None:
        return None
    step = max(1, clean.data.size // ENOUGH)
    data, variance = clean.data[::step], clean.variance[::step]
    good = ~mask_of(clean.flags[::step]) & np.isfinite(data)
    return noise_over_predicted(data, variance, good)


def _before_and_after(context: Context, raw: Frame, clean: Frame, chain: SignalChain) -> dict[str, Any]:
    """Return numbers and pictures of the frame before and after, in one unit."""
    if not measures_frames(context.config):
        return {"noise_over_predicted": _noise_of_some(clean)}
    before = assembled(raw).data.astype(np.float32)
    effect: Any = chain.get("gain")
    if effect is not None and clean.detector is not None:
        before = before * effect.image(clean.detector)
    elif effect is not None:
        before = before * np.float32(effect.values[0])
    finite = np.isfinite(before)
    good = ~clean.mask & np.isfinite(clean.data)
    result: dict[str, Any] = {
        "before": attrs.asdict(frame_numbers(before, finite)),
        "after": attrs.asdict(frame_numbers(clean.data, good)),
        "noise_over_predicted": None
        if clean.variance is None
        else noise_over_predicted(clean.data, clean.variance, good),
        "variance_median": None
        if clean.variance is None
        else float(np.median(clean.variance[good]))
        if good.any()
        else None,
    }
    return result | pair_of(before, clean.data, context, mask=~good)
