"""Photon transfer from the flats that lie in the folders: sets, and the curve of each with its pairs."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
from starlette.requests import Request

from fullwell.errors import NotEnoughFrames
from fullwell.frame import Frame
from fullwell.photon_transfer import Curve, PhotonTransfer, match_pairs, measure_curves
from fullwell.photon_transfer.levels import LEAST_LEVELS
from fullwell.photon_transfer.tables import curve_table, predicted
from fullwell.web.answers import Answer, Refusal
from fullwell.web.inspecting import Inspector, inspector_of
from fullwell.web.library import Entry
from fullwell.web.opening import MAIN
from fullwell.web.parameters import choice

__all__ = ["fit_set", "transfer_sets"]

#: The variance alone first: it needs fewest frames and pixels.
_MODELS = ("exponential", "quadratic", "full", "full-no-b")
_LAGS, _B_LAGS = 5, 3
_LEAST_PAIRS = 3
_MOST_BIASES = 20
_CURVE_POINTS = 200
_TOLERANCE = 5e-3


@attrs.frozen(eq=False)
class _Set:
    """Flats of one camera through one filter, in pairs; or a stored fit.

    Parameters
    ----------
    id, label : str
    pairs : tuple of (Entry, Entry)
        Shortest exposures first; empty for a stored fit.
    biases : tuple of Entry
    stored : Entry or None
    """

    id: str
    label: str
    pairs: tuple[tuple[Entry, Entry], ...] = ()
    biases: tuple[Entry, ...] = ()
    stored: Entry | None = None

    @property
    def problem(self) -> str | None:
        """Why there is nothing to fit, as a sentence."""
        times = sorted({round(float(one.facts["exposure_time"]), 2) for one, _ in self.pairs})
        if self.stored is not None or len(times) >= LEAST_LEVELS:
            return None
        found = " and ".join(f"{seconds:g} s" for seconds in times)
        return (
            f"The {len(self.pairs)} pairs of these flats are all of {found}; a fit needs pairs at "
            f"{LEAST_LEVELS} or more levels of signal, so take flats of other exposure times."
        )


def transfer_sets(request: Request) -> Answer:
    """List what could be fitted, or was."""
    sets = _sets(inspector_of(request))
    problem = None
    if not sets:
        problem = (
            f"There are no {_LEAST_PAIRS} pairs of flats of equal exposure time, from one camera through one "
            "filter, and no stored photon transfer."
        )
    listed = [
        {"id": one.id, "label": one.label, "pairs": len(one.pairs), "problem": one.problem} for one in sets
    ]
    return Answer({"sets": listed, "problem": problem})


def fit_set(request: Request) -> Answer:
    """Fit one set, or show a stored fit; curves are measured once, other models reuse them."""
    inspector = inspector_of(request)
    chosen = next((one for one in _sets(inspector) if one.id == str(request.path_params["id"])), None)
    if chosen is None:
        raise Refusal("not-found", "There is no such set of flats any more; look at the list again.")
    if chosen.problem is not None:
        raise Refusal("unreadable", chosen.problem)
    model = choice(request, "model", _MODELS)
    transfer = _transfer(inspector, chosen, model)
    names = [fit.curve.amplifier for fit in transfer.amplifiers]
    amplifier = request.query_params.get("amplifier") or names[0]
    if amplifier not in names:
        raise Refusal(
            "bad-request", f"There is no amplifier {amplifier[:40]!r}; there are {', '.join(names)}."
        )
    number = names.index(amplifier)
    models = [transfer.model] if chosen.stored is not None else list(_MODELS)
    told = {"amplifiers": names, "amplifier": amplifier, "model": transfer.model, "models": models}
    return Answer(told | _numbers(transfer, number) | _points(transfer, number, chosen))


def _sets(inspector: Inspector) -> list[_Set]:
    library = inspector.library
    entries = library.entries()
    key = ("transfer-sets", library.generation)
    found: list[_Set] = inspector.numbers.get(key, lambda: _group(entries))
    return found


def _group(entries: list[Entry]) -> list[_Set]:
    flats, biases = defaultdict(list), defaultdict(list)
    sets = []
    for entry in entries:
        facts = entry.facts
        if facts.get("type") == "photon_transfer" and entry.part == MAIN:
            sets.append(_Set(_name_of([entry]), entry.shown, stored=entry))
        if facts.get("kind") != "raw" or facts.get("extension") or facts.get("unit") != "adu":
            continue
        camera = (tuple(facts["shape"]), facts["dtype"], _rounded(facts.get("temperature")))
        if facts.get("type") == "flat" and facts.get("exposure_time") is not None:
            flats[(*camera, facts.get("filter"))].append(entry)
        elif facts.get("type") == "bias":
            biases[camera].append(entry)
    for (shape, dtype, temperature, filter_name), members in flats.items():
        pairs = _pairs(members)
        if len(pairs) >= _LEAST_PAIRS:
            parts = [f"flats {filter_name}" if filter_name else "flats", f"{shape[1]} x {shape[0]}"]
            parts += [f"{temperature} °C"] if temperature is not None else []
            matching = tuple(biases.get((shape, dtype, temperature), ())[:_MOST_BIASES])
            sets.append(_Set(_name_of(members), ", ".join(parts), pairs, matching))
    return sets


def _pairs(members: list[Entry]) -> tuple[tuple[Entry, Entry], ...]:
    in_time = sorted(members, key=lambda entry: (entry.facts.get("date") or "", entry.name))
    # Only the exposure time counts here; no pixel has been read.
    shells = [Frame(np.zeros((1, 1)), exposure_time=float(entry.facts["exposure_time"])) for entry in in_time]
    try:
        numbers, _ = match_pairs(shells, tolerance=_TOLERANCE)
    except NotEnoughFrames:
        return ()
    pairs = [(in_time[i], in_time[j]) for i, j in numbers]
    return tuple(sorted(pairs, key=lambda pair: float(pair[0].facts["exposure_time"])))


def _transfer(inspector: Inspector, chosen: _Set, model: str) -> PhotonTransfer:
    if chosen.stored is not None:
        path = chosen.stored.path
        inspector.library.open(chosen.stored.id)  # refuses what is gone
        return PhotonTransfer.read(path)
    states = tuple(entry.state for pair in chosen.pairs for entry in pair)

    def measured() -> tuple[Curve, ...]:
        with inspector.heavy():
            return measure_curves(_corrected(inspector, chosen), lags=_LAGS, least_pixels=500)

    def fitted() -> PhotonTransfer:
        curves = inspector.numbers.get(("curves", chosen.id, states), measured)
        return PhotonTransfer.fit_curves(curves, model=model, b_lags=_B_LAGS)

    transfer: PhotonTransfer = inspector.numbers.get(("transfer", chosen.id, states, model), fitted)
    return transfer


def _corrected(inspector: Inspector, chosen: _Set) -> Iterator[tuple[Frame, Frame]]:
    """Take overscan or bias out of one pair after the other."""
    from fullwell.chain import SignalChain
    from fullwell.effects import Bias, Overscan
    from fullwell.io import frames, read

    first = inspector.library.open(chosen.pairs[0][0].id).detector
    if first is not None and any(amplifier.overscan is not None for amplifier in first.amplifiers):
        chain = SignalChain([Overscan()])
    elif chosen.biases:
        chain = SignalChain([Bias.measure(frames([entry.path for entry in chosen.biases], verify=False))])
    else:
        raise Refusal("unreadable", "These flats have no overscan, and there are no biases like them.")
    for pair in chosen.pairs:
        for entry in pair:
            inspector.library.open(entry.id)  # refuses what is gone or leads out of the folders
        one, two = (chain.correct(read(entry.path, verify=False)).with_(source=entry.id) for entry in pair)
        yield one, two


def _numbers(transfer: PhotonTransfer, number: int) -> dict[str, Any]:
    matrices, well = transfer.brighter_fatter, transfer.full_well
    return {
        "gain": [transfer.gain.value[number], transfer.gain.error[number]],
        "read_noise": [transfer.read_noise.value[number], transfer.read_noise.error[number]],
        "a00": [matrices.a00[number], matrices.a00_error[number]],
        "full_well": [well.value[number] / transfer.gain.value[number], None],
        "full_well_electrons": [well.value[number], well.error[number]],
        "full_well_is_lower_limit": bool(well.lower_limit[number]),
        "trouble": transfer.amplifiers[number].trouble or None,
    }


def _points(transfer: PhotonTransfer, number: int, chosen: _Set) -> dict[str, Any]:
    fit = transfer.amplifiers[number]
    times = {entry.id: entry.facts["exposure_time"] for pair in chosen.pairs for entry in pair}
    points = []
    for row in curve_table([fit], transfer.model):
        pair = str(row["pair"]).split(" ")
        points.append(
            {
                "mean": float(row["mean"]),
                "variance": float(row["variance"]),
                "error": float(row["variance_error"]),
                "model": float(row["model"]),
                "residual": float(row["variance"] - row["model"]),
                "used": bool(row["used"]),
                "reason": str(row["reason"]) or None,
                "pair": pair,
                "exposure_time": times.get(pair[0]),
            }
        )
    means = fit.curve.mean[np.isfinite(fit.curve.mean)]
    grid = np.linspace(0, means.max(), _CURVE_POINTS) if means.size else np.empty(0)
    curve = predicted(fit, transfer.model, grid)[:, 0, 0] if means.size else grid
    return {"points": points, "curve": {"mean": grid, "variance": curve}}


def _rounded(temperature: Any) -> int | None:
    return None if temperature is None else round(temperature)


def _name_of(entries: list[Entry]) -> str:
    text = "\n".join(sorted(entry.id for entry in entries))
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
