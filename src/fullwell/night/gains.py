"""The gain of a night: what the user says, else the headers, else pairs of flats."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from fullwell.chain import SignalChain
from fullwell.effects import Gain
from fullwell.errors import FrameError
from fullwell.frame import Frame
from fullwell.night.context import Context
from fullwell.night.recipes import MasterRecipe
from fullwell.photon_transfer import pair_numbers
from fullwell.sorting import FrameRecord

__all__ = ["GainRecipe", "decide_gain", "measure_gain"]

MOST_PAIRS = 5
DISAGREE = 0.05


@attrs.frozen(eq=False)
class GainRecipe:
    """Where the gain of some frames comes from.

    Parameters
    ----------
    values : tuple of float
        e-/ADU; empty if it has to be measured or is not known.
    source : str
        In words.
    task : str or None
        Name of the task that measures it.
    """

    values: tuple[float, ...]
    source: str
    task: str | None = None

    def effect(self, results: Mapping[str, Any]) -> Gain | None:
        """Return the gain, once the task that measures it has run; None if it stays unknown."""
        if self.values:
            return Gain(self.values, source=self.source)
        measured = results.get(self.task, {}) if self.task else {}
        if measured.get("gain"):
            return Gain(tuple(measured["gain"]), errors=tuple(measured["gain_error"]), source="pairs of flats")
        return None


def decide_gain(record: FrameRecord, context: Context, measuring: str | None) -> GainRecipe:
    """Decide where the gain for a frame comes from.

    Parameters
    ----------
    record : FrameRecord
    context : Context
    measuring : str or None
        Name of a task that measures it from flats of this camera, if there is one.
    """
    told = context.config.detector.gain
    if told is not None:
        return GainRecipe(tuple(np.atleast_1d(told).tolist()), "configuration")
    card = record.metadata.gain
    if card.value is not None:
        return GainRecipe((float(card.value),), f"header, {card.keyword}")
    if measuring is not None:
        return GainRecipe((), "pairs of flats", measuring)
    return GainRecipe((), "not known")


def measure_gain(
    context: Context, flats: MasterRecipe, dark_like: Sequence[FrameRecord], known: SignalChain
) -> dict[str, Any]:
    """Gain and read noise of each amplifier from up to five pairs of flats.

    Parameters
    ----------
    context : Context
    flats : MasterRecipe
    dark_like : sequence of FrameRecord
        Biases, or darks of the flats' length.
    known : SignalChain
        What is taken out first: converter and overscan.

    Returns
    -------
    dict
        ``gain``, ``gain_error``, ``read_noise``, ``read_noise_error`` (lists, one an amplifier), ``pairs``.
    """
    bright = _pairs(context, flats.records, known)
    faint = _pairs(context, dark_like, known)
    numbers: list[list[tuple[float, float, float, float]]] = []
    for (f1, f2), (b1, b2) in zip(bright, itertools.cycle(faint), strict=False):
        boxes = [a.box for a in f1.detector.amplifiers] if f1.detector is not None else [None]
        row = []
        for box in boxes:
            pair, _ = pair_numbers(f1, f2, b1, b2, region=box, rescale=True, clip=5.0)
            row.append((pair.gain, pair.gain_error, pair.read_noise, pair.read_noise_error))
        numbers.append(row)
    if not numbers:
        raise FrameError("the gain needs two flats, and two biases or darks of their length")
    table = np.array(numbers)
    n = len(table)
    gain, noise = table[:, :, 0].mean(axis=0), table[:, :, 2].mean(axis=0)
    return {
        "gain": gain.tolist(),
        "gain_error": (np.sqrt((table[:, :, 1] ** 2).sum(axis=0)) / n).tolist(),
        "read_noise": noise.tolist(),
        "read_noise_error": (np.sqrt((table[:, :, 3] ** 2).sum(axis=0)) / n).tolist(),
        "pairs": n,
    }


def _pairs(context: Context, records: Sequence[FrameRecord], known: SignalChain) -> list[tuple[Frame, Frame]]:
    """Disjoint pairs of neighbors in time."""
    records = list(records)[: 2 * MOST_PAIRS]
    frames = [known.correct(context.read(record)) for record in records]
    return list(zip(frames[::2], frames[1::2], strict=False))
