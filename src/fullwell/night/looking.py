"""Look at a frame before it is used: level, noise, gradient, saturation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector.bits import effective_bits
from fullwell.effects.assembly import assembled
from fullwell.effects.overscan import Overscan
from fullwell.errors import ParameterError
from fullwell.flags import Flags
from fullwell.frame import Frame
from fullwell.kernels.fingerprint import fingerprint
from fullwell.night.tallies import Tally

__all__ = ["Look", "clipped", "look"]

EDGE = 0.1  # of the width or height, for gradients


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


@attrs.frozen
class Look:
    """Numbers of one raw frame, of its light-sensitive area, in ADU.

    Parameters
    ----------
    level : float
        Clipped mean.
    lowest : float
        First percentile.
    highest : float
        Largest value.
    at_highest : float
        Fraction of pixels that have it.
    noise : float
        Standard deviation of neighbor differences over sqrt(2), clipped at 5 sigma.
    gradient_x, gradient_y : float
        Median of the last tenth of columns (rows) minus that of the first.
    saturated : float
        Fraction of pixels at the upper end of the converter.
    shift : int or None
        By how many bits the values are shifted to the left; None where they do not tell.
    overscan : float or None
        Mean over the amplifiers of the clipped mean of their overscan.
    not_finite : int
        Pixels without a value.
    gains : tuple of float
        e-/ADU of each amplifier, where there are several and the headers tell of all.
    pixels : str
        Names the pixel values, however they are packed in the file.
    """

    level: float
    lowest: float
    highest: float
    at_highest: float
    noise: float
    gradient_x: float
    gradient_y: float
    saturated: float
    shift: int | None
    overscan: float | None
    not_finite: int
    gains: tuple[float, ...] = attrs.field(default=(), converter=_floats)
    pixels: str = ""

    @property
    def above_overscan(self) -> float:
        """Level, freed from the drift that the overscan shows, where there is one."""
        return self.level if self.overscan is None else self.level - self.overscan


def look(
    frame: Frame,
    *,
    container: int = 16,
    adc_bits: int | None = None,
    saturation: float | None = None,
    skip: tuple[int, int] = (0, 0),
) -> Look:
    """Measure one raw frame.

    Parameters
    ----------
    frame : Frame
        Raw, in ADU.
    container : int
        Bits that the stored values have room for.
    adc_bits : int, optional
        Bits of the converter, where they are known.
    saturation : float, optional
        ADU from which pixels count as saturated; the top of the converter if not given.
    skip : tuple of int
        Columns of the overscan that do not count, next to the data and at the far end.

    Returns
    -------
    Look
    """
    tally = Tally.of(frame.data) if frame.data.dtype == np.uint16 else None
    distinct = frame.data if tally is None else tally.values.astype(np.int64)
    told = effective_bits(distinct, bits=container) if frame.data.dtype.kind in "iu" else None
    shift = None if told is None else told[1]
    bits = container if shift is None else adc_bits or container - shift
    limit = float(((1 << bits) - 1) << (shift or 0))
    limit = limit if saturation is None else min(saturation, limit)
    overscan = _overscan(frame, skip)
    pixels = _name_of(frame.data)
    gains = _gains(frame)
    whole = assembled(frame)
    data = whole.data
    if data.dtype == np.uint16 and data.size and not whole.flags.any():
        whole_tally = tally if tally is not None and data.size == tally.size else Tally.of(data)
        numbers = _tallied(data, whole_tally, limit)
        return Look(**numbers, shift=shift, overscan=overscan, gains=gains, pixels=pixels)
    good = np.isfinite(data) & (whole.flags & Flags.NO_DATA == 0)
    values = data[good].astype(np.float64)
    if values.size == 0:
        nothing = float("nan")
        return Look(
            *(nothing,) * 3, 0.0, *(nothing,) * 3, 0.0, shift, overscan, int(data.size), gains, pixels
        )  # fmt: skip
    edge_x, edge_y = _edges(data)
    highest = values.max()
    return Look(
        level=float(clipped(values).mean()),
        lowest=float(np.percentile(values, 1)),
        highest=float(highest),
        at_highest=float((values == highest).mean()),
        noise=_noise(data, good),
        gradient_x=_median(data, good, np.s_[:, -edge_x:]) - _median(data, good, np.s_[:, :edge_x]),
        gradient_y=_median(data, good, np.s_[-edge_y:]) - _median(data, good, np.s_[:edge_y]),
        saturated=float((values >= limit).mean()),
        shift=shift,
        overscan=overscan,
        not_finite=int(data.size - values.size),
        gains=gains,
        pixels=pixels,
    )


def clipped(
    values: npt.NDArray[np.float64], *, limit: float = 5.0, rounds: int = 10
) -> npt.NDArray[np.float64]:
    """Return the values within `limit` standard deviations of their median, iterated."""
    for _ in range(rounds):
        if not values.size:
            break
        inside = np.abs(values - np.median(values)) <= limit * values.std()
        if inside.all():
            break
        values = values[inside]
    return values


def _tallied(data: npt.NDArray[np.uint16], values: Tally, limit: float) -> dict[str, Any]:
    """Return the numbers of 16-bit integers that are all there, from tallies of them."""
    edge_x, edge_y = _edges(data)
    steps = Tally.of_differences(data).clipped()
    right, left, top, bottom = (
        Tally.of(data[part]).median
        for part in (np.s_[:, -edge_x:], np.s_[:, :edge_x], np.s_[-edge_y:], np.s_[:edge_y])
    )
    highest = float(values.values[-1])
    return {
        "level": values.clipped().mean,
        "lowest": values.percentile(1),
        "highest": highest,
        "at_highest": values.share(highest),
        "noise": steps.std / float(np.sqrt(2)) if steps.size > 1 else float("nan"),
        "gradient_x": right - left,
        "gradient_y": top - bottom,
        "saturated": values.share(limit),
        "not_finite": 0,
    }


def _name_of(data: npt.NDArray[Any]) -> str:
    if data.dtype == np.uint16:
        return fingerprint(data)
    values: Any = np.ascontiguousarray(data)
    return hashlib.sha256(values, usedforsecurity=False).hexdigest()[:32]


def _edges(data: npt.NDArray[Any]) -> tuple[int, int]:
    """Columns and rows that count as an edge."""
    return max(1, int(EDGE * data.shape[1])), max(1, int(EDGE * data.shape[0]))


def _overscan(frame: Frame, skip: tuple[int, int]) -> float | None:
    detector = frame.detector
    if detector is None or frame.layout != "raw" or any(a.overscan is None for a in detector.amplifiers):
        return None
    try:
        levels = Overscan(skip=skip).level(frame)
        return float(np.mean([level for level, _ in levels]))
    except ParameterError:
        return None  # narrower than what is left out of it


def _gains(frame: Frame) -> tuple[float, ...]:
    amplifiers = () if frame.detector is None else frame.detector.amplifiers
    known = tuple(a.gain for a in amplifiers if a.gain is not None)
    return known if len(amplifiers) > 1 and len(known) == len(amplifiers) else ()


def _median(data: npt.NDArray[Any], good: npt.NDArray[np.bool_], part: Any) -> float:
    values = data[part][good[part]]
    return float(np.median(values)) if values.size else float("nan")


def _noise(data: npt.NDArray[Any], good: npt.NDArray[np.bool_]) -> float:
    # Differences two columns apart: neighbors share charge by diffusion or smoothing, fixed gradients cancel.
    both = good[:, 2:] & good[:, :-2]
    values = clipped((data[:, 2:].astype(np.float64) - data[:, :-2].astype(np.float64))[both])
    return float(values.std() / np.sqrt(2)) if values.size > 1 else float("nan")
