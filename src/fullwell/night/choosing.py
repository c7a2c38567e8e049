"""Which bias and which dark take the pedestal out of an exposure."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from fullwell.matching import Choice, Conditions, choose, misfits
from fullwell.night.recipes import MasterRecipe

__all__ = ["Pedestal", "choose_master", "choose_pedestal"]

SAME_LENGTH = 1e-3  # relative
ALONE = 3  # frames of one length that serve without the others
RANKS = ("of the same length", "that need not be scaled up", "that fit")


@attrs.frozen
class Pedestal:
    """The masters that take the pedestal out.

    Parameters
    ----------
    bias, dark : MasterRecipe or None
    why : dict of str to str
        A sentence for each.
    warnings : tuple of str
        What a careful observer would not do unasked.
    """

    bias: MasterRecipe | None
    dark: MasterRecipe | None
    why: dict[str, str]
    warnings: tuple[str, ...] = ()


def choose_master(conditions: Conditions, masters: Sequence[MasterRecipe], kind: str) -> Choice[MasterRecipe]:
    """Choose as `fullwell.matching.choose` does, and say what is wrong with the others where none fits."""
    choice = choose(conditions, [(master, master.conditions) for master in masters], kind=kind)
    if choice.item is not None or not choice.refused:
        return choice
    return attrs.evolve(choice, why=f"{choice.why} ({_against(choice.refused)})")


def choose_pedestal(
    conditions: Conditions,
    times: Sequence[float | None],
    biases: Sequence[MasterRecipe],
    darks: Sequence[MasterRecipe],
) -> Pedestal:
    """Choose a dark that can serve exposures of these times, and the bias that goes with it.

    Parameters
    ----------
    conditions : Conditions
        Of the exposures.
    times : sequence of float or None
        Their dark times.
    biases, darks : sequence of MasterRecipe

    Returns
    -------
    Pedestal
        A dark of the same length comes first, then one that is scaled down, then one that is scaled up; among
        equals the nearest in time.
    """
    able = [dark for dark in darks if dark.bias is not None or _serves(dark, times)]
    fitting = [dark for dark in able if not misfits(dark.conditions, conditions, kind="dark")]
    if fitting:
        return _with_dark(conditions, times, fitting)
    choice = choose_master(conditions, biases, "bias")
    return Pedestal(choice.item, None, {"bias": choice.why, "dark": _why_no_dark(conditions, able, darks)})


def _with_dark(
    conditions: Conditions, times: Sequence[float | None], fitting: Sequence[MasterRecipe]
) -> Pedestal:
    ranks = [max(_rank(dark, time) for time in times) for dark in fitting]
    best = [dark for dark, rank in zip(fitting, ranks, strict=True) if rank == min(ranks)]
    choice = choose_master(conditions, best, "dark")
    assert choice.item is not None
    dark, why = choice.item, choice.why
    if len(best) < len(fitting):
        why = f"{why} of those {RANKS[min(ranks)]}"
    warnings = []
    longest, wanted = max(dark.times, default=0.0), max(time or 0.0 for time in times)
    if wanted > longest * (1 + SAME_LENGTH):
        warnings.append(f"the dark was scaled up, from {longest:g} s at most to {wanted:g} s")
    # The dark was measured behind this bias; the same one is taken out of the frame.
    behind = "the one the dark was made with" if dark.bias else "none; the dark holds it"
    return Pedestal(dark.bias, dark, {"bias": behind, "dark": why}, tuple(warnings))


def _why_no_dark(conditions: Conditions, able: Sequence[MasterRecipe], darks: Sequence[MasterRecipe]) -> str:
    unable = [
        dark for dark in darks if dark not in able and not misfits(dark.conditions, conditions, kind="dark")
    ]
    if unable:
        lengths = ", ".join(f"{time:g}" for dark in unable for time in dark.times)
        return (
            f"darks of {lengths} s hold the bias and serve their own length only; "
            "take biases, or darks of a second length"
        )
    return choose_master(conditions, darks, "dark").why


def _serves(dark: MasterRecipe, times: Sequence[float | None]) -> bool:
    """Whether a dark that holds the bias can serve exposures of these times."""
    if len(dark.times) != 1:
        return len(dark.times) > 1
    return all(time is not None and _same(time, dark.times[0]) for time in times)


def _rank(dark: MasterRecipe, time: float | None) -> int:
    """Place in RANKS."""
    if time is None:
        return 2
    for length, count in dark.counts.items():
        if _same(time, length) and (count >= ALONE or len(dark.times) == 1):
            return 0
    return 1 if time <= max(dark.times, default=0.0) * (1 + SAME_LENGTH) else 2


def _same(time: float, length: float) -> bool:
    return abs(time - length) <= SAME_LENGTH * max(length, SAME_LENGTH)


def _against(refused: Sequence[tuple[MasterRecipe, str]]) -> str:
    parts = [f"{master.name}: {reason}" for master, reason in refused[:3]]
    return "; ".join(parts) + ("; ..." if len(refused) > 3 else "")
