"""Which calibration fits which exposure: pure rules, without files or a database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import attrs

__all__ = ["Choice", "Conditions", "choose", "misfits"]

TEMPERATURE_TOLERANCE = 1.0  # K

T = TypeVar("T")


@attrs.frozen
class Conditions:
    """How a frame was taken, or the frames of a master.

    Parameters
    ----------
    camera, readout_mode : str or None
    shape : tuple of int
        Rows and columns of the raw frame.
    binning : tuple of int or None
    gain, offset : float, str or None
        As the header has them; settings of the camera.
    temperature : float or None
        Degrees Celsius.
    window : tuple of int or None
        First column and row on the detector.
    filter : str or None
    mid_time : float or None
        Modified Julian date.
    """

    camera: str | None
    shape: tuple[int, int]
    binning: tuple[int, int] | None = None
    readout_mode: str | None = None
    gain: float | str | None = None
    offset: float | str | None = None
    temperature: float | None = None
    window: tuple[int, int] | None = None
    filter: str | None = None
    mid_time: float | None = None


@attrs.frozen
class Choice(Generic[T]):
    """What was chosen, and why.

    Parameters
    ----------
    item : object or None
        The candidate; None if none fits.
    why : str
        One sentence.
    refused : tuple of (object, str)
        The other candidates with the reason against each.
    """

    item: T | None
    why: str
    refused: tuple[tuple[T, str], ...] = ()


def misfits(master: Conditions, exposure: Conditions, *, kind: str) -> list[str]:
    """Reasons why a master does not fit an exposure; empty if it fits.

    Parameters
    ----------
    master, exposure : Conditions
        A smaller `exposure.shape` with a known window that lies within the master fits too: the master is
        cropped.
    kind : {'bias', 'dark', 'flat'}
        Temperature counts for bias and dark, the filter for flats.
    """
    reasons = []
    named = ["camera", "binning", "readout_mode", "gain", "offset"]
    if kind == "flat":
        # A flat is a ratio: it does not depend on the gain it was taken with.
        named = ["camera", "binning", "filter"]
    for name in named:
        ours, theirs = getattr(master, name), getattr(exposure, name)
        if ours != theirs and None not in (ours, theirs):
            reasons.append(f"{name.replace('_', ' ')} {ours} instead of {theirs}")
        elif ours != theirs and name == "filter":
            reasons.append(f"filter {ours or 'not known'} instead of {theirs or 'not known'}")
    if master.shape != exposure.shape and not _windowed(master, exposure):
        reasons.append(
            f"size {master.shape[1]}x{master.shape[0]} instead of {exposure.shape[1]}x{exposure.shape[0]}"
        )
    if kind != "flat" and None not in (master.temperature, exposure.temperature):
        difference = abs(_number(master.temperature) - _number(exposure.temperature))
        if difference > TEMPERATURE_TOLERANCE:
            reasons.append(f"taken {difference:.1f} K away, at {master.temperature:.1f} C")
    return reasons


def choose(exposure: Conditions, candidates: Iterable[tuple[T, Conditions]], *, kind: str) -> Choice[T]:
    """Choose the master that fits and is nearest in mid-exposure time.

    Parameters
    ----------
    exposure : Conditions
    candidates : iterable of (object, Conditions)
    kind : {'bias', 'dark', 'flat'}

    Returns
    -------
    Choice
        Ties and unknown times go to the first candidate given.
    """
    fitting: list[tuple[T, float | None]] = []
    refused: list[tuple[T, str]] = []
    for item, conditions in candidates:
        reasons = misfits(conditions, exposure, kind=kind)
        if reasons:
            refused.append((item, "; ".join(reasons)))
        else:
            fitting.append((item, _hours_apart(conditions, exposure)))
    if not fitting:
        return Choice(None, f"no {kind} fits" if refused else f"there is no {kind}", tuple(refused))
    order = sorted(
        range(len(fitting)), key=lambda i: float("inf") if fitting[i][1] is None else _number(fitting[i][1])
    )
    best, hours = fitting[order[0]]
    others = [(fitting[i][0], "further away in time") for i in order[1:]]
    why = (
        f"the only {kind} that fits"
        if len(fitting) == 1
        else f"the nearest in time of {len(fitting)} that fit"
    )
    if hours is not None:
        why += f", {hours:.1f} h away"
    return Choice(best, why, (*others, *refused))


def _windowed(master: Conditions, exposure: Conditions) -> bool:
    return (
        exposure.window is not None
        and exposure.shape[0] <= master.shape[0]
        and exposure.shape[1] <= master.shape[1]
        and _inside(master, exposure)
    )


def _inside(master: Conditions, exposure: Conditions) -> bool:
    assert exposure.window is not None
    x0, y0 = master.window or (0, 0)
    x, y = exposure.window[0] - x0, exposure.window[1] - y0
    return (
        x >= 0
        and y >= 0
        and y + exposure.shape[0] <= master.shape[0]
        and x + exposure.shape[1] <= master.shape[1]
    )


def _hours_apart(first: Conditions, second: Conditions) -> float | None:
    if first.mid_time is None or second.mid_time is None:
        return None
    return abs(first.mid_time - second.mid_time) * 24.0


def _number(value: Any) -> float:
    return float(value)
