"""The gain of a night: what the user says, else the headers, else pairs of flats."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from fullwell.chain import SignalChain
from fullwell.effects import Gain
from fullwell.errors import FrameError, ParameterError
from fullwell.frame import Frame
from fullwell.night.context import Context
from fullwell.night.recipes import MasterRecipe
from fullwell.photon_transfer import pair_numbers
from fullwell.sorting import FrameRecord

__all__ = ["GainRecipe", "decide_gain", "measure_gain"]

MOST_PAIRS = 5
FAINT_PAIRS = 2  # they only say the read noise
DISAGREE = 0.05
UNSURE = 0.2  # relative; a gain that is no better known is not known


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
            return Gain(
                tuple(measured["gain"]), errors=tuple(measured["gain_error"]), source="pairs of flats"
            )
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
    amplifiers = context.looks[record.content_hash].gains
    if amplifiers:
        return GainRecipe(amplifiers, "headers of the amplifiers")
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
        ``gain``, ``gain_error``, ``read_noise``, ``read_noise_error`` (lists, one an amplifier), ``pairs``;
        or, where the frames do not tell it, ``gain`` without entries and ``trouble``. That is no failure:
        what needs the gain does without.
    """
    try:
        table = np.array(
            [
                _one_pair(*bright, *faint)
                for bright, faint in zip(
                    _pairs(context, flats.records, known),
                    itertools.cycle(_faint_pairs(context, dark_like, known)),
                    strict=False,
                )
            ]
        )
    except (FrameError, ParameterError) as error:
        return {"gain": [], "trouble": str(error)}
    n = len(table)
    gain, noise = table[:, :, 0].mean(axis=0), table[:, :, 2].mean(axis=0)
    errors = np.sqrt((table[:, :, 1] ** 2).sum(axis=0)) / n
    if not (np.isfinite(gain).all() and (errors < UNSURE * gain).all()):
        return {"gain": [], "trouble": f"{gain.tolist()} +- {errors.tolist()} e-/ADU is too uncertain"}
    return {
        "gain": gain.tolist(),
        "gain_error": errors.tolist(),
        "read_noise": noise.tolist(),
        "read_noise_error": (np.sqrt((table[:, :, 3] ** 2).sum(axis=0)) / n).tolist(),
        "pairs": n,
    }


def _one_pair(f1: Frame, f2: Frame, b1: Frame, b2: Frame) -> list[tuple[float, float, float, float]]:
    boxes = [a.box for a in f1.detector.amplifiers] if f1.detector is not None else [None]
    row = []
    for box in boxes:
        pair, _ = pair_numbers(f1, f2, b1, b2, region=box, rescale=True, clip=5.0)
        row.append((pair.gain, pair.gain_error, pair.read_noise, pair.read_noise_error))
    return row


def _faint_pairs(
    context: Context, records: Sequence[FrameRecord], known: SignalChain
) -> list[tuple[Frame, Frame]]:
    pairs = list(itertools.islice(_pairs(context, records, known), FAINT_PAIRS))
    if not pairs:
        raise FrameError("the gain needs two biases, or two darks of the length of the flats")
    return pairs


def _pairs(
    context: Context, records: Sequence[FrameRecord], known: SignalChain
) -> Iterator[tuple[Frame, Frame]]:
    """Disjoint pairs of neighbors in time, one at a time."""
    for i in range(0, min(len(records), 2 * MOST_PAIRS) - 1, 2):
        yield known.correct(context.raw.read(records[i])), known.correct(context.raw.read(records[i + 1]))
