"""What a contest gave: samples, agreement, targets; to JSON and back."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
import numpy as np
from rivals import Sample

__all__ = ["Absent", "Agreement", "Record", "Result", "Target", "compare"]

Measure = Literal["wall", "cpu", "memory", "agreement"]


@attrs.frozen
class Agreement:
    """How far a result is that of the first rival: in words, and the part of the values that agree (0 to 1)."""

    text: str
    share: float = math.nan


@attrs.frozen
class Absent:
    """A peer that could not take part, and why."""

    name: str
    reason: str


@attrs.frozen
class Target:
    """What shall be reached: ``over / under`` of a measure, or the measure of ``over`` alone, within a limit."""

    text: str
    over: str
    under: str | None = None
    measure: Measure = "wall"
    at_least: float | None = None
    at_most: float | None = None

    @property
    def limited(self) -> bool:
        """Whether there is a limit; a ratio without one is only shown in the chart."""
        return self.at_least is not None or self.at_most is not None

    def reached(self, value: float) -> bool:
        """Return whether a value keeps the limits."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


@attrs.frozen
class Result:
    """What one rival cost in each round, and how well it agrees with the first one."""

    name: str
    samples: Sequence[Sample]
    version: str = ""
    agreement: Agreement | None = None


@attrs.frozen
class Record:
    """All that is known of one contest; goes to a JSON file, from which RESULTS.md and the chart are made."""

    work: str
    title: str
    about: str
    results: Sequence[Result]
    absent: Sequence[Absent]
    targets: Sequence[Target]
    machine: dict[str, str]
    load_before: float
    load_after: float
    quick: bool = False
    place: int = 0  # among those of its script

    def result(self, name: str) -> Result | None:
        """Return what a rival did, or None if it was absent."""
        return next((result for result in self.results if result.name == name), None)

    def figures(self, name: str, measure: Measure) -> np.ndarray:
        """Return a measure of a rival in each round; empty if it was absent."""
        result = self.result(name)
        if result is None:
            return np.empty(0)
        if measure == "agreement":
            return np.array([result.agreement.share] if result.agreement else [])
        return np.array([getattr(sample, measure) for sample in result.samples])

    def ratios(self, over: str, under: str, measure: Measure = "wall") -> np.ndarray:
        """Return over / under in each round that both took part in."""
        a, b = self.figures(over, measure), self.figures(under, measure)
        together = min(a.size, b.size)
        ratio: np.ndarray = a[:together] / b[:together]
        return ratio

    def save(self, folder: Path) -> Path:
        """Write ``<work>.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.work}.json"
        path.write_text(json.dumps(attrs.asdict(self), indent=1) + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read what `save` wrote."""
        plain = json.loads(path.read_text(encoding="utf-8"))
        results = [
            Result(
                row["name"],
                [Sample(**sample) for sample in row["samples"]],
                row["version"],
                Agreement(**row["agreement"]) if row["agreement"] else None,
            )
            for row in plain["results"]
        ]
        absent = [Absent(**row) for row in plain["absent"]]
        targets = [Target(**row) for row in plain["targets"]]
        return cls(**plain | {"results": results, "absent": absent, "targets": targets})


def compare(ours: Any, theirs: Any, *, within: float, relative: bool = False, unit: str = "") -> Agreement:
    """Return the part of the values that agree within a tolerance, and the largest difference; NaN equals NaN."""
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        difference = np.abs(a - b)
        if relative:
            difference /= np.maximum(np.abs(a), np.finfo(np.float64).tiny)
    difference[np.isnan(difference)] = np.inf
    difference[same] = 0
    share = float(np.mean(difference <= within))
    kind = " relative" if relative else f" {unit}".rstrip()
    largest = float(difference.max(initial=0))
    return Agreement(f"{100 * share:.2f} % within {within:g}{kind}, largest {largest:.2g}{kind}", share)
