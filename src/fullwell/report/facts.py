"""Things that are known, with unit, error and where they come from."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from fullwell.report.cells import Cell, Number, plain

__all__ = ["Fact", "Facts"]


def _tuple(values: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple(values)


@attrs.frozen
class Fact:
    """One thing that is known.

    Parameters
    ----------
    label : str
        What it is.
    value : Cell
        What is known of it; None is 'not known'.
    unit : str
        Unit of a number.
    error : float or None
        Standard error of a number.
    source : str
        Where it comes from: a card, a measurement, a default.
    key : str
        Name for programs.
    """

    label: str
    value: Cell = attrs.field(converter=plain)
    unit: str = ""
    error: float | None = attrs.field(default=None, converter=plain)
    source: str = ""
    key: str = ""

    @property
    def cell(self) -> Cell:
        """The value with unit, error and key, if it is a number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            return self.value
        return Number(self.value, error=self.error, unit=self.unit, key=self.key)


@attrs.frozen
class Facts:
    """Things that are known, one a line."""

    facts: tuple[Fact, ...] = attrs.field(converter=_tuple)
