"""How a `Dark` is made from frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.combining import Combined, NoiseModel, stack
from fullwell.combining.fallback import MODEL_LIMIT
from fullwell.detector import Detector
from fullwell.effects.base import Chain
from fullwell.effects.bias import variance_ratio
from fullwell.effects.dark import MIN_FRAMES, SAME_LENGTH, DarkLevel, per_second_weights
from fullwell.effects.dark_fit import LineFit, fit_line, line_weights
from fullwell.effects.dark_temperatures import RateMap, by_temperature, law_from_rates
from fullwell.effects.stacking import (
    additive_offsets,
    bias_noise,
    detector_of,
    identity,
    load_corrected,
    measured_noise,
    noise_model,
)
from fullwell.errors import FrameError, NotEnoughFrames
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags, mask_of
from fullwell.frame import Frame, FrameSet, Shared
from fullwell.kernels.combine import FLOOR
from fullwell.kernels.spread import median_of
from fullwell.quantities import numbers

__all__ = ["measure_dark"]


def measure_dark(
    frames: FrameSet | Iterable[Any],
    *,
    known: Chain | None,
    clip: float,
    gain: Any,
    read_noise: Any,
    hot: tuple[float, float],
    memory: int,
) -> dict[str, Any]:
    """Fields of a `Dark`; see `Dark.measure`."""
    with ExitStack() as resources:
        held = load_corrected(frames, known, memory=memory // 2, resources=resources)
        if not held:
            raise NotEnoughFrames("there is no dark frame")
        groups = by_temperature(held)
        made = [
            _measured(group, known=known, clip=clip, gain=gain, read_noise=read_noise, hot=hot, memory=memory)
            | {"temperature": temperature}
            for temperature, group in groups
        ]
    most = max(range(len(made)), key=lambda i: len(groups[i][1]))
    if len(made) == 1:
        return made[0]
    statistics = made[most]["statistics"]
    statistics["temperatures"] = [fields["temperature"] for fields in made]
    return made[most] | {"law": law_from_rates([_rate_map(fields) for fields in made], reference=most)}


def _rate_map(fields: dict[str, Any]) -> RateMap:
    levels, rate = fields["levels"], fields["rate"]
    if not np.ndim(rate):
        raise FrameError(
            f"darks at {fields['temperature']:.1f} K have one length and hold the bias, their rate is not "
            "known; take biases, darks of a second length, or darks of one temperature only"
        )
    weights = per_second_weights(levels, fields["bias_time"])
    variance = sum(w * w * np.asarray(v.variance, np.float64) for w, v in zip(weights, levels, strict=True))
    return RateMap(
        fields["temperature"], rate, np.broadcast_to(np.asarray(variance), rate.shape), fields["flags"]
    )


def _measured(
    held: list[Frame],
    *,
    known: Chain | None,
    clip: float,
    gain: Any,
    read_noise: Any,
    hot: tuple[float, float],
    memory: int,
) -> dict[str, Any]:
    """Fields of a `Dark` of one temperature."""
    detector = detector_of(held)
    groups = _by_time(held)
    gain = None if gain is None else tuple(numbers(gain, "gain", u.electron / u.adu, above=0).tolist())
    bias: Any = None if known is None else known.get("bias")
    gain_image = 1.0 if held[0].unit == u.electron else None if gain is None else detector.spread(gain)
    known_noise = (
        bias_noise(known, held[0].unit)
        if read_noise is None
        else numbers(read_noise, "read_noise", held[0].unit, least=0)
    )
    bias_included = bias is None and "bias" not in held[0].applied
    measured = _noise_of_lengths(groups) if bias_included else {}
    noise = _noise(groups, known_noise, gain_image, detector, told=read_noise is not None)
    if bias_included and noise.pedestal == 0.0:
        # The bias is no signal; the level of the shortest darks stands in for it.
        noise = attrs.evolve(noise, pedestal=_typical_level(next(iter(groups.values()))[0]))
    told = read_noise is not None
    statistics: dict[str, Any] = {"read_noise": _floats(noise.read_noise), "remarks": []}
    if len(groups) > 1 and min(len(group) for group in groups.values()) < MIN_FRAMES:
        levels, flags = _line_levels(groups, noise, clip, memory // 2, statistics)
    else:
        models = {} if told else _models(groups, measured, gain_image, detector)
        levels, flags = _stacked_levels(groups, noise, models, clip, memory // 2, statistics)
    levels = [attrs.evolve(level, noise=measured.get(level.time, ())) for level in levels]
    shared = _shared(held)
    unit, applied = held[0].unit, held[0].applied
    flags = flags | _hot(levels[-1], noise, mask_of(flags), hot, statistics)
    bias_time = float(getattr(bias, "dark_time", 0.0))
    rate, offset = _rate_and_offset(levels, bias_included, bias_time, statistics)
    return {
        "rate": rate,
        "offset": offset,
        "unit": unit,
        "levels": tuple(levels),
        "shared": shared,
        "bias_included": bias_included,
        "bias_time": bias_time,
        "flags": flags,
        "applied": applied,
        "statistics": statistics,
    }


def _by_time(held: Sequence[Frame]) -> dict[float, list[Frame]]:
    """Group by dark time, shortest first; times within a thousandth are one."""
    groups: dict[float, list[Frame]] = {}
    for frame in sorted(held, key=lambda f: -1.0 if f.dark_time is None else f.dark_time):
        if frame.dark_time is None or not frame.dark_time > 0:
            raise FrameError(
                f"dark {frame.source or ''} has no exposure time above 0 (seen {frame.dark_time})"
            )
        near = [t for t in groups if abs(t - frame.dark_time) <= SAME_LENGTH * t]
        groups.setdefault(near[0] if near else frame.dark_time, []).append(frame)
    return groups


def _noise(
    groups: dict[float, list[Frame]], known: Any, gain: Any, detector: Detector, *, told: bool
) -> NoiseModel:
    """Noise of one frame: as told, else that of the bias, else from differences of equal frames."""
    if known is not None and (told or gain is not None):
        return noise_model(known, gain, detector)
    largest = max(groups.values(), key=len)
    if len(largest) < 2:
        raise NotEnoughFrames("single darks need read_noise, biases, or a second frame of one length")
    # The measured noise holds the shot noise of the typical pixel; on top comes the excess of warm ones.
    noise, _ = measured_noise(largest)
    return attrs.evolve(noise_model(noise, gain, detector), pedestal=_typical_level(largest[0]))


def _noise_of_lengths(groups: dict[float, list[Frame]]) -> dict[float, tuple[float, ...]]:
    """Noise of one frame, per amplifier, of each length that has two frames or more."""
    return {time: measured_noise(group)[0] for time, group in groups.items() if len(group) > 1}


def _models(
    groups: dict[float, list[Frame]], measured: dict[float, tuple[float, ...]], gain: Any, detector: Detector
) -> dict[float, NoiseModel]:
    """Noise model of each length from its own frames; on top of it counts the excess of warm pixels.

    The typical pixel of each amplifier has the noise that was measured there, whatever its level: what the
    one pedestal of the model makes of the level is taken off again. Levels too far apart for that, as biases
    of amplifiers can be, leave the excess of warm pixels out.
    """
    models = {}
    for time, noise in measured.items():
        first = groups[time][0]
        boxes = [amplifier.box.slices for amplifier in detector.amplifiers]
        typical = np.array([_typical_level(_part(first, box)) for box in boxes])
        gains = np.array(
            [np.median(np.broadcast_to(gain, first.shape)[b]) for b in boxes] if gain is not None else [1]
        )
        extra = (typical.max() - typical) / gains
        variances = np.asarray(noise) ** 2
        if gain is None or (extra > variances).any():
            models[time] = noise_model(noise, None, detector)
        else:
            effective = tuple(float(n) for n in np.sqrt(variances + extra))
            model = noise_model(effective, gain, detector)
            models[time] = attrs.evolve(model, pedestal=float(typical.max()))
    return models


def _part(frame: Frame, box: tuple[slice, slice]) -> Frame:
    return Frame(frame.data[box], flags=frame.flags[box])


def _typical_level(frame: Frame) -> float:
    good = frame.data[~frame.mask & np.isfinite(frame.data)]
    return float(np.median(good)) if good.size else 0.0


def _stacked_levels(
    groups: dict[float, list[Frame]],
    noise: NoiseModel,
    models: dict[float, NoiseModel],
    clip: float,
    memory: int,
    statistics: dict[str, Any],
) -> tuple[list[DarkLevel], FlagImage]:
    levels = []
    flags: FlagImage | None = None
    statistics["levels"] = []
    for time, group in groups.items():
        offsets = additive_offsets(group)
        model = models.get(time, noise)
        result = stack(group, clip=clip, noise=model, offsets=list(offsets), memory=memory)
        frame = result.frame
        assert frame.variance is not None
        levels.append(
            DarkLevel(
                time, frame.data, frame.variance, len(group), identity(frame.data, frame.variance, time)
            )
        )
        flags = frame.flags if flags is None else flags & frame.flags
        statistics["levels"].append(_level_statistics(time, group, result, offsets))
        statistics["remarks"] += list(result.remarks)
    assert flags is not None
    return levels, flags


def _level_statistics(time: float, group: list[Frame], result: Combined, offsets: Any) -> dict[str, Any]:
    return {
        "time": time,
        "count": len(group),
        "median": median_of(result.frame.data),
        "rejected_fraction": list(result.rejected_fraction),
        "level_offsets": [float(-offset) for offset in offsets],
        "spread": result.spread,
        "empirical_to_predicted": variance_ratio(result.empirical, result.frame),
    }


def _line_levels(
    groups: dict[float, list[Frame]], noise: NoiseModel, clip: float, memory: int, statistics: dict[str, Any]
) -> tuple[list[DarkLevel], FlagImage]:
    """Means of each length over the values that lie on the line.

    Where a length has no value left, the line itself stands in: a missing observation replaced by its fitted
    value leaves a least-squares line as it is.
    """
    frames = [frame for group in groups.values() for frame in group]
    times = [time for time, group in groups.items() for _ in group]
    fit = fit_line(frames, times, noise=noise, clip=clip, memory=memory)
    levels, start = [], 0
    statistics["levels"] = []
    for time, group in groups.items():
        part = slice(start, start + len(group))
        start += len(group)
        levels.append(_mean_on_line(time, group, fit, part, noise))
        lost = (fit.valid[part] & ~fit.kept[part]).mean(axis=(1, 2))
        statistics["levels"].append(
            {
                "time": time,
                "count": len(group),
                "median": float(np.nanmedian(levels[-1].level)),
                "rejected_fraction": [float(f) for f in lost],
                "spread": "line",
            }
        )
    worst = max(fraction for level in statistics["levels"] for fraction in level["rejected_fraction"])
    if worst > MODEL_LIMIT:
        statistics["remarks"].append(
            f"{100 * worst:.1f} % of a frame lie off the line through the lengths, which does not hold here"
        )
    flags = np.zeros(frames[0].shape, FLAG_DTYPE)
    for plane in Flags:
        bit = FLAG_DTYPE.type(plane)
        count = sum(((f.flags & bit) != 0).astype(np.int16) for f in frames)
        flags[2 * np.asarray(count) > len(frames)] |= bit
    flags[~fit.kept.any(axis=0) & ~mask_of(flags)] |= FLAG_DTYPE.type(Flags.UNCALIBRATED)
    return levels, flags


def _mean_on_line(time: float, group: list[Frame], fit: LineFit, part: slice, noise: NoiseModel) -> DarkLevel:
    line = fit.intercept + fit.rate * np.float32(time)
    kept = fit.kept[part]
    number = kept.sum(axis=0)
    total = np.zeros(line.shape, np.float64)
    for frame, keep in zip(group, kept, strict=True):
        total += np.where(keep, frame.data, 0.0)
    level = np.where(number > 0, total / np.maximum(number, 1), line).astype(np.float32)
    single = np.asarray(noise.read_noise, np.float64) ** 2
    if noise.gain is not None:
        # Not clipped at zero, which would make the mean too large; the floor is that of `ShotNoise`.
        single = np.maximum(single + (line - noise.pedestal) / noise.gain, FLOOR * single)
    variance = np.broadcast_to(single / np.maximum(number, 1), line.shape).astype(np.float32)
    return DarkLevel(time, level, variance, len(group), identity(level, variance, time))


def _shared(held: Sequence[Frame]) -> dict[str, Shared]:
    result: dict[str, Shared] = {}
    for frame in held:
        for key, share in frame.shared.items():
            known = result.get(key)
            part = share.coefficient / len(held)
            result[key] = Shared(part if known is None else known.coefficient + part, share.variance)
    return result


def _hot(
    level: DarkLevel,
    noise: NoiseModel,
    masked: npt.NDArray[np.bool_],
    hot: tuple[float, float],
    statistics: dict[str, Any],
) -> FlagImage:
    middle = 0.0 if masked.all() else median_of(level.level, ~masked)
    single = np.asarray(noise.read_noise, np.float64) ** 2
    if noise.gain is not None:
        single = single + max(middle - noise.pedestal, 0.0) / np.asarray(noise.gain)
    sigmas, rate = hot
    per_second = rate * level.time / (1.0 if noise.gain is None else np.asarray(noise.gain))
    threshold = middle + np.maximum(sigmas * np.sqrt(single), per_second)
    above = level.level > threshold
    statistics["hot_pixels"] = int(above.sum())
    statistics["hot_threshold"] = float(np.mean(threshold))
    statistics["hot_time"] = level.time
    return np.where(above, FLAG_DTYPE.type(Flags.HOT), FLAG_DTYPE.type(0))


def _rate_and_offset(
    levels: list[DarkLevel], bias_included: bool, bias_time: float, statistics: dict[str, Any]
) -> tuple[Any, Any]:
    if not bias_included and levels[0].time <= bias_time:
        raise FrameError(
            f"darks of {levels[0].time:g} s are not longer than the biases, which collected dark current for "
            f"{bias_time:g} s"
        )
    if len(levels) == 1:
        if bias_included:
            statistics["remarks"].append("one length and no bias: serves exposures of this length only")
            return 0.0, 0.0
        statistics["remarks"].append(
            "one length only: an offset that does not grow with time cannot be told from the rate"
        )
        return levels[0].level / np.float32(levels[0].time - bias_time), 0.0
    times = [level.time for level in levels]
    variances = [level.typical_variance for level in levels]
    at_zero = line_weights(times, variances, 0.0)
    per_second = per_second_weights(levels, bias_time)
    rate = sum(np.float32(w) * level.level for w, level in zip(per_second, levels, strict=True))
    offset = sum(np.float32(w) * level.level for w, level in zip(at_zero, levels, strict=True))
    if np.nanmedian(np.asarray(rate)) * max(times) < -3 * np.sqrt(max(variances)):
        statistics["remarks"].append(
            "the level falls with time: the line of a dark current does not hold for these frames"
        )
    statistics["rate_median"] = float(np.nanmedian(np.asarray(rate)))
    statistics["offset_median"] = float(np.nanmedian(np.asarray(offset)))
    return rate, offset


def _floats(value: Any) -> Any:
    return float(value) if not np.ndim(value) else float(np.mean(value))
