"""A ramp of flats as numbers: mean, variance and light of each step, for each amplifier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.detector import Detector
from fullwell.effects.assembly import assembled
from fullwell.effects.base import Chain
from fullwell.errors import FrameError, NotEnoughFrames, ParameterError
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.photon_transfer.pairs import clipped_variance

__all__ = ["Ramp", "ramp_of"]

#: Full pixels are what a ramp is about; these are no part of it.
_LEFT_OUT = FLAG_DTYPE.type(
    Flags.BAD | Flags.HOT | Flags.DEAD | Flags.COSMIC_RAY | Flags.NO_DATA | Flags.MASKED
)
_SAME_LIGHT = 1e-3
_CLIP = 5.0
_RESPONSE = 0.5
Table = npt.NDArray[np.float64]


@attrs.frozen(eq=False)
class Ramp:
    """Numbers of a ramp; tables have one row a frame and one column an amplifier.

    Parameters
    ----------
    light : ndarray
        Exposure time or photodiode reading of each frame.
    means : ndarray, shape (frames, amplifiers)
        Mean signal in `unit`.
    pixels : ndarray, shape (frames, amplifiers)
        Pixels in each mean.
    pair_light : ndarray
        Of each pair of neighboring frames of one light; may be empty.
    pair_means, variances, variance_errors : ndarray, shape (pairs, amplifiers)
        Variance of one frame, from differences.
    detector : Detector
    unit : astropy unit
    mean_errors : ndarray, shape (frames, amplifiers), or 0
        Standard errors of `means`, from the scatter of the pixels.
    """

    light: Table
    means: Table
    pixels: Table
    pair_light: Table
    pair_means: Table
    variances: Table
    variance_errors: Table
    detector: Detector
    unit: u.UnitBase
    mean_errors: Table | float = 0.0


def ramp_of(
    frames: FrameSet | Iterable[Any], *, known: Chain | None, light: Sequence[float] | npt.NDArray[Any] | None
) -> Ramp:
    """Reduce flats of different light to numbers; two frames are held at a time.

    Parameters
    ----------
    frames : FrameSet or iterable
        Raw flats; neighbors of one light make a pair, of which each frame is used once.
    known : Chain or None
        Effects to take out first.
    light : sequence of float or None
        Photodiode reading, or whatever the light is known by; the exposure times if not given.

    Raises
    ------
    NotEnoughFrames
        If there is no frame.
    FrameError
        If a frame has no exposure time and `light` is not given, or no pixel is left.
    """
    given = None if light is None else [float(value) for value in light]
    lights: list[float] = []
    means: list[Table] = []
    errors_of_means: list[Table] = []
    pixels: list[Table] = []
    pairs: list[tuple[Any, ...]] = []
    waiting: Frame | None = None
    last: Frame | None = None
    for i, source in enumerate(frames):
        raw = as_frame(source)
        frame = assembled(raw) if known is None else known.correct(raw)
        if given is not None and i >= len(given):
            raise ParameterError("light", len(given), "one value for each frame; there are more frames")
        lights.append(_light_of(frame) if given is None else given[i])
        mean, error, count = _means(frame)
        means.append(mean)
        errors_of_means.append(error)
        pixels.append(count)
        same = i > 0 and np.isclose(lights[-1], lights[-2], rtol=_SAME_LIGHT, atol=0.0)
        if waiting is not None and same:
            pairs.append((0.5 * (lights[-1] + lights[-2]), *_pair(waiting, frame)))
            waiting = None
        else:
            waiting = frame
        last = frame
    if last is None:
        raise NotEnoughFrames("there is no flat frame in the ramp")
    if given is not None and len(given) != len(lights):
        raise ParameterError("light", len(given), f"one value for each of the {len(lights)} frames")
    detector = last.detector or Detector.single(last.shape)
    amplifiers = len(detector.amplifiers)
    pair_means, variances, errors = (
        np.array([pair[k] for pair in pairs]).reshape(-1, amplifiers) for k in (1, 2, 3)
    )
    return Ramp(
        light=np.array(lights),
        means=np.array(means),
        pixels=np.array(pixels),
        pair_light=np.array([pair[0] for pair in pairs]),
        pair_means=pair_means,
        variances=variances,
        variance_errors=errors,
        detector=detector,
        unit=last.unit,
        mean_errors=np.array(errors_of_means),
    )


def _light_of(frame: Frame) -> float:
    if frame.exposure_time is None:
        raise FrameError(f"frame {frame.source or ''} has no exposure time; give the light of each frame")
    return float(frame.exposure_time)


def _kept(frame: Frame) -> npt.NDArray[np.bool_]:
    return np.asarray(((frame.flags & _LEFT_OUT) == 0) & np.isfinite(frame.data))


def _means(frame: Frame) -> tuple[Table, Table, Table]:
    """Mean, its standard error and number of pixels, for each amplifier."""
    detector = frame.detector or Detector.single(frame.shape)
    kept = _kept(frame)
    means, errors, counts = [], [], []
    for amplifier in detector.amplifiers:
        values = frame.data[amplifier.box.slices][kept[amplifier.box.slices]].astype(np.float64)
        if not values.size:
            raise FrameError(f"amplifier {amplifier.name} has no pixel to measure in frame {frame.source}")
        # What the response makes of the light has to stay at all levels: only what is far beyond it goes, or
        # pixels would drop out as the noise shrinks beside the light, and bend the curve.
        center = np.median(values)
        limit = max(_CLIP * values.std(), _RESPONSE * abs(center))
        values = values[np.abs(values - center) <= limit]
        means.append(values.mean())
        errors.append(values.std() / np.sqrt(values.size))
        counts.append(values.size)
    return np.array(means), np.array(errors), np.array(counts, np.float64)


def _pair(first: Frame, second: Frame) -> tuple[Table, Table, Table]:
    first.same_shape(second, what="flats of a pair")
    detector = first.detector or Detector.single(first.shape)
    kept = _kept(first) & _kept(second)
    rows = []
    for amplifier in detector.amplifiers:
        box = amplifier.box.slices
        one = first.data[box][kept[box]].astype(np.float64)
        two = second.data[box][kept[box]].astype(np.float64)
        scale = one.mean() / two.mean() if two.mean() > 0 else 1.0
        variance, count = clipped_variance(one - scale * two, clip=_CLIP)
        variance /= 1.0 + scale
        rows.append((0.5 * (one.mean() + two.mean()), variance, variance * np.sqrt(2.0 / count)))
    means, variances, errors = np.array(rows).T
    return means, variances, errors
