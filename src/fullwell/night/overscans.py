"""Whether and how the overscan of a camera is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from fullwell.effects import Overscan
from fullwell.night.looking import Look
from fullwell.night.recipes import MasterRecipe, Recipes, ScienceRecipe
from fullwell.night.settings import OverscanTable
from fullwell.sorting import FrameRecord

__all__ = ["OverscanDecision", "OverscanDecisions"]

FEWEST = 3  # biases that can show whether it helps

Recipe = MasterRecipe | ScienceRecipe


@attrs.frozen
class OverscanDecision:
    """Whether and how the overscan of one camera is used.

    Parameters
    ----------
    camera : str
        Which frames it is about.
    effect : Overscan or None
    why : str
    """

    camera: str
    effect: Overscan | None
    why: str


class OverscanDecisions:
    """One decision for all frames that share masters: a master fits only what was treated like it.

    Parameters
    ----------
    recipes : Recipes
    looks : mapping of str to Look
        By content hash.
    table : OverscanTable
    """

    def __init__(self, recipes: Recipes, looks: Mapping[str, Look], table: OverscanTable) -> None:
        self._recipes, self._looks, self._table = recipes, looks, table
        self._made: dict[Any, OverscanDecision] = {}

    def of(self, recipe: Recipe) -> Overscan | None:
        """Return the effect to use for a recipe, None where the overscan is only cut off."""
        family = _family(recipe)
        if family not in self._made:
            self._made[family] = self._decide(family)
        return self._made[family].effect

    def all(self) -> tuple[OverscanDecision, ...]:
        """Return the decisions that were asked for."""
        return tuple(self._made.values())

    def _decide(self, family: Any) -> OverscanDecision:
        table = self._table
        recipes: tuple[Recipe, ...] = (*self._recipes.masters, *self._recipes.science)
        frames = [
            self._looks[record.content_hash]
            for recipe in recipes
            if _family(recipe) == family
            for record in _records(recipe)
        ]
        camera = f"{family[0] or 'camera not named'}, {family[1][1]}x{family[1][0]}"
        # A few frames without one must not switch it off for the rest: they fail, and say why.
        if all(seen.overscan is None for seen in frames):
            skipped = f" wider than the {sum(table.skip)} columns to skip" if sum(table.skip) else ""
            return OverscanDecision(camera, None, f"trimmed only; the frames have no overscan{skipped}")
        if table.method == "none":
            return OverscanDecision(camera, None, "trimmed only, as configured")
        method = "mean" if table.method == "auto" else table.method
        options: dict[str, Any] = table.model_dump(exclude={"method"})
        effect = Overscan(method=method, **options)
        if table.method != "auto":
            return OverscanDecision(camera, effect, f"{method}, as configured")
        helps, why = self._helps(family)
        return OverscanDecision(camera, effect if helps else None, why)

    def _helps(self, family: Any) -> tuple[bool, str]:
        """Compare how the levels of the biases scatter with and without it."""
        biases = [
            self._looks[record.content_hash]
            for recipe in self._recipes.biases
            if _family(recipe) == family
            for record in recipe.records
            if self._looks[record.content_hash].overscan is not None
        ]
        if len(biases) < FEWEST:
            return True, "clipped mean; too few biases to test whether it helps"
        before = float(np.std([seen.level for seen in biases], ddof=1))
        after = float(np.std([seen.above_overscan for seen in biases], ddof=1))
        scatter = f"{before:.3g} ADU without and {after:.3g} ADU with it"
        numbers = f"the level of {len(biases)} biases scatters by {scatter}"
        # The ratio of two standard deviations of n values is uncertain by 1/sqrt(n - 1).
        if after < before * (1 - 1 / np.sqrt(len(biases) - 1)):
            return True, f"clipped mean; it helps: {numbers}"
        return False, f"trimmed only; it does not help: {numbers}"


def _records(recipe: Recipe) -> tuple[FrameRecord, ...]:
    return recipe.records if isinstance(recipe, MasterRecipe) else (recipe.record,)


def _family(recipe: Recipe) -> tuple[Any, ...]:
    """Frames of one family share masters; a window belongs to the family of its masters."""
    root: Recipe = recipe
    while (below := root.bias or root.dark) is not None:
        root = below
    record = _records(root)[0]
    known = record.metadata
    return known.camera.value, record.shape, known.binning.value, known.readout_mode.value
