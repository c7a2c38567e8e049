"""The law of a dark current from rates that were measured at several temperatures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.effects.dark_current import DarkCurrent
from fullwell.effects.dark_law import SAME_TEMPERATURE, DarkLaw
from fullwell.effects.silicon import activated, kelvin
from fullwell.errors import FrameError
from fullwell.flags import FlagImage, Flags, mask_of
from fullwell.frame import Frame

__all__ = ["RateMap", "by_temperature", "law_from_rates"]

#: A pixel is hot where its excess at the warmest temperature is this many errors, and this many times the
#: scatter of typical pixels, above the typical rate.
SIGNIFICANT = 8.0
COLDEST_STEP = 1e-30
ENERGIES = (0.05, 2.0)  # eV, what a fit may come to
STEPS = 50


@attrs.frozen(eq=False)
class RateMap:
    """Rates of all pixels at one temperature.

    Parameters
    ----------
    temperature : float
        Kelvin.
    rate, variance : ndarray, shape (rows, columns)
        Per second, in the unit of the dark, and its square.
    flags : ndarray of uint16
    """

    temperature: float
    rate: npt.NDArray[np.float32]
    variance: npt.NDArray[Any]
    flags: FlagImage


def by_temperature(frames: Sequence[Frame]) -> list[tuple[float | None, list[Frame]]]:
    """Group frames by temperature, coldest first; groups are more than 1 K apart.

    Returns
    -------
    list of (float or None, list of Frame)
        Mean temperature in kelvin and the frames, in the order they came. A single group where the
        temperatures of all are alike, or none is known.

    Raises
    ------
    FrameError
        If temperatures differ, but not all of them are known.
    """
    known = sorted({frame.temperature for frame in frames if frame.temperature is not None})
    if not known:
        return [(None, list(frames))]
    starts = [known[0]]
    starts += [b for a, b in pairwise(known) if b - a > SAME_TEMPERATURE]
    missing = [frame for frame in frames if frame.temperature is None]
    if missing and len(starts) > 1:
        raise FrameError(
            f"darks at {len(starts)} temperatures, but {len(missing)} of {len(frames)} do not say theirs "
            f"({missing[0].source or 'such as one without a source'}); leave those out"
        )
    groups: list[list[Frame]] = [[] for _ in starts]
    for frame in frames:
        place = (
            0 if frame.temperature is None else int(np.searchsorted(starts, frame.temperature, "right")) - 1
        )
        groups[place].append(frame)
    return [
        (float(np.mean([f.temperature for f in group if f.temperature is not None])), group)
        for group in groups
    ]


def law_from_rates(maps: Sequence[RateMap], *, reference: int) -> DarkLaw:
    """Fit the two terms to the typical pixel, and an activation energy to each hot one.

    Parameters
    ----------
    maps : sequence of RateMap
        At two temperatures or more.
    reference : int
        Number of the map for whose temperature the law is stated.

    Returns
    -------
    DarkLaw
        A hot pixel is one whose rate at the warmest temperature lies 8 standard errors, and 8 times the
        scatter of the others, above that of the typical pixel. Its excess over the typical pixel is fitted
        with ``A exp(E/k (1/T0 - 1/T))`` by least squares; what every map says is weighted with its variance.
    """
    usable = np.all([_usable(each) for each in maps], axis=0)
    cool = usable & np.all([each.flags & Flags.HOT == 0 for each in maps], axis=0)
    if not cool.any():
        raise FrameError("no pixel has a dark current at every temperature, so that no law can be fitted")
    typical = np.array([float(np.median(each.rate[cool])) for each in maps])
    errors = [np.sqrt(np.pi / 2 * np.mean(each.variance[cool]) / cool.sum()) for each in maps]
    temperatures = np.array([kelvin(each.temperature) for each in maps])
    law = DarkCurrent.fit(temperatures, typical, errors=errors)
    warmest = maps[int(np.argmax(temperatures))]
    excess = warmest.rate - np.median(warmest.rate[cool])
    scatter = 1.4826 * np.median(np.abs(excess[cool]))
    hot = usable & (excess > SIGNIFICANT * np.maximum(np.sqrt(warmest.variance), scatter))
    start = float(temperatures[reference])
    if not hot.any():
        return DarkLaw(law, start)
    above = np.array([each.rate[hot] - law.at(t) for each, t in zip(maps, temperatures, strict=True)])
    variances = np.array([each.variance[hot] for each in maps], np.float64)
    amplitude, energy, error = _activation(above, variances, temperatures, start)
    return DarkLaw(law, start, np.argwhere(hot), amplitude, energy, error)


def _usable(each: RateMap) -> npt.NDArray[np.bool_]:
    unfit = mask_of(each.flags & ~np.uint16(Flags.HOT))
    return np.asarray(np.isfinite(each.rate) & np.isfinite(each.variance) & (each.variance > 0) & ~unfit)


def _activation(
    excess: npt.NDArray[np.float64],
    variances: npt.NDArray[np.float64],
    temperatures: npt.NDArray[np.float64],
    start: float,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Excess at `start`, activation energy and its error of each pixel; Gauss-Newton steps, all at once.

    ``A exp(E s)`` with s = (1/start - 1/T)/k is fitted from the warmest temperature, where the excess is
    surest, so that A and E hardly depend on each other at first.
    """
    warm = float(temperatures.max())
    lever = np.log(activated(1.0, temperatures, since=warm))[:, None]
    amplitude = excess[int(np.argmax(temperatures))].copy()
    energy = np.full(amplitude.shape, 0.6)
    for _ in range(STEPS):
        grown = np.exp(energy * lever)
        along = amplitude * lever * grown
        aa, ae, ee = (
            (p * q / variances).sum(axis=0) for p, q in ((grown, grown), (grown, along), (along, along))
        )
        miss = (excess - amplitude * grown) / variances
        ga, ge = (grown * miss).sum(axis=0), (along * miss).sum(axis=0)
        determinant = np.maximum(aa * ee - ae**2, COLDEST_STEP)
        step = np.clip((aa * ge - ae * ga) / determinant, -0.2, 0.2)
        amplitude = np.maximum(amplitude + (ga - ae * step) / aa, COLDEST_STEP)
        energy = np.clip(energy + step, *ENERGIES)
        if np.abs(step).max() < 1e-9:
            break
    error = np.sqrt(aa / determinant)
    return amplitude * activated(energy, start, since=warm), energy, error
