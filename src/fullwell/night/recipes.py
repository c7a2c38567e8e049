"""What is made of what: recipes for masters and science frames."""

from __future__ import annotations

import attrs

from fullwell.matching import Conditions
from fullwell.sorting import FrameRecord, SetAside

__all__ = ["MasterRecipe", "Recipes", "ScienceRecipe"]

SAME_LENGTH = 1e-3  # relative


@attrs.frozen(eq=False)
class MasterRecipe:
    """A master to be made.

    Parameters
    ----------
    kind : {'bias', 'dark', 'flat'}
    label : str
        Of its file: ``<kind>-<label>.fits``.
    records : tuple of FrameRecord
    conditions : Conditions
    bias, dark : MasterRecipe or None
        What is taken out of its frames.
    why : tuple of str
        How bias and dark were chosen.
    warnings : tuple of str
        What a careful observer would not do unasked.
    """

    kind: str
    label: str
    records: tuple[FrameRecord, ...]
    conditions: Conditions
    bias: MasterRecipe | None = None
    dark: MasterRecipe | None = None
    why: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of file and task."""
        return f"{self.kind}-{self.label}"

    @property
    def counts(self) -> dict[float, int]:
        """Number of frames of each dark time, shortest first; times within a thousandth are one."""
        counts: dict[float, int] = {}
        for time in sorted(float(r.metadata.dark_time.value or 0.0) for r in self.records):
            near = next((known for known in counts if abs(time - known) <= SAME_LENGTH * known), time)
            counts[near] = counts.get(near, 0) + 1
        return {time: count for time, count in counts.items() if time > 0}

    @property
    def times(self) -> tuple[float, ...]:
        """Different dark times of its frames, shortest first."""
        return tuple(self.counts)


@attrs.frozen(eq=False)
class ScienceRecipe:
    """A science frame and what it is corrected with.

    Parameters
    ----------
    record : FrameRecord
    conditions : Conditions
    bias, dark, flat : MasterRecipe or None
    why : dict of str to str
        Sentence for each kind of master.
    warnings : tuple of str
        What a careful observer would not do unasked.
    """

    record: FrameRecord
    conditions: Conditions
    bias: MasterRecipe | None
    dark: MasterRecipe | None
    flat: MasterRecipe | None
    why: dict[str, str]
    warnings: tuple[str, ...] = ()


@attrs.frozen(eq=False)
class Recipes:
    """Everything that was decided.

    Parameters
    ----------
    biases, darks, flats : tuple of MasterRecipe
    science : tuple of ScienceRecipe
    set_aside : tuple of SetAside
        Frames that cannot be used for want of others.
    remarks : tuple of str
    """

    biases: tuple[MasterRecipe, ...] = ()
    darks: tuple[MasterRecipe, ...] = ()
    flats: tuple[MasterRecipe, ...] = ()
    science: tuple[ScienceRecipe, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def masters(self) -> tuple[MasterRecipe, ...]:
        """All masters, in the order they can be made in."""
        return self.biases + self.darks + self.flats
