"""Stacks of frames straight to a file: rows are written as they are finished, and no plane is held whole."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any, Literal

import attrs
import numpy as np

from fullwell.combining.blocks import combine_inputs
from fullwell.combining.inputs import Inputs
from fullwell.combining.options import DEFAULT_MEMORY, Levels, NoiseModel, Options
from fullwell.combining.stacks import check_inputs, with_fallback
from fullwell.flags import FLAG_DTYPE
from fullwell.frame import FrameLike, FrameSet
from fullwell.io import RowWriter, write_by_rows
from fullwell.kernels.combine_compiled import PlaneTotals

__all__ = ["Outcome", "stack_to_file"]


@attrs.frozen
class Outcome:
    """What went on in a stack whose planes are in a file.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    rejected_fraction, spread, remarks
        As for `Combined`.
    without_value : int
        Pixels for which no value was left.
    """

    shape: tuple[int, int]
    rejected_fraction: tuple[float, ...]
    spread: str
    without_value: int
    remarks: tuple[str, ...] = ()


def stack_to_file(
    frames: FrameSet | Iterable[FrameLike],
    path: str | os.PathLike[str],
    *,
    method: Literal["mean", "median"] = "mean",
    clip: float | None = 5.0,
    spread: Literal["noise", "std", "mad"] = "noise",
    noise: NoiseModel | None = None,
    memory: int = DEFAULT_MEMORY,
    workers: int | None = None,
    overwrite: bool = False,
    cards: Mapping[str, Any] | None = None,
    history: Callable[[str], Sequence[str]] = lambda spread: (),  # noqa: ARG005
) -> Outcome:
    """Combine as `stack` does, into a FITS file with UNCERT, MASK, FLAGS and USED.

    Parameters
    ----------
    frames, method, clip, spread, noise, memory, workers
        As for `combine`.
    path, overwrite, cards
        As for `fullwell.io.write`.
    history : callable
        Returns HISTORY lines, always as many, from what the clipping was counted in at last.

    Raises
    ------
    FullwellError
        As for `combine` and `fullwell.io.write`; nothing is left behind then.
    """
    options = Options(method, clip, spread, noise, (0, 0), int(memory))
    outcomes: list[Outcome] = []
    with ExitStack() as resources:
        inputs = Inputs.load(frames, memory=options.memory // 2, resources=resources)
        check_inputs(options, inputs)
        levels = Levels.of(len(inputs), None, None, None)

        def fill(writer: RowWriter) -> None:
            def run(settled: Options) -> Outcome:
                rows = _Rows(inputs, settled, levels, writer)
                rejected = combine_inputs(inputs, settled, levels, rows, workers=workers)
                at_last = "none" if settled.clip is None else settled.spread
                return Outcome(inputs.template.shape, rejected, at_last, rows.without_value)

            outcome, remarks = with_fallback(inputs, options, run)
            outcomes.append(attrs.evolve(outcome, remarks=remarks))

        write_by_rows(
            _template(inputs),
            path,
            fill,
            extra={"USED": np.uint16},
            overwrite=overwrite,
            cards=cards,
            history=lambda: history(outcomes[0].spread if outcomes else spread),
        )
    return outcomes[0]


def _template(inputs: Inputs) -> Any:
    zeros = np.broadcast_to(np.float32(0), inputs.template.shape)
    return inputs.template.with_(data=zeros, variance=zeros, source="")


class _Rows:
    """A sink that writes."""

    def __init__(self, inputs: Inputs, options: Options, levels: Levels, writer: RowWriter) -> None:
        self.without_value = 0
        self._frames, self._columns, self._writer = len(inputs), inputs.template.shape[1], writer
        self._propagated = inputs.variance is not None or options.noise is not None
        self._shared = inputs.shared_mean(levels.weights * levels.scales / levels.weights.sum())
        self._shape = inputs.template.shape
        self._lock = threading.Lock()
        self._spare: deque[PlaneTotals] = deque()  # fresh memory costs as much as filling it

    def rows(self, part: slice) -> PlaneTotals:
        """Return room for some rows."""
        pixels = (part.stop - part.start) * self._columns
        with suppress(IndexError):
            used = self._spare.pop()
            if used.value.size == pixels:
                sums = np.zeros((2, self._frames), np.int64)
                return attrs.evolve(used, lost=sums[0], counted=sums[1])
        return PlaneTotals.empty(self._frames, pixels, propagated=self._propagated)

    def take(self, part: slice, out: PlaneTotals) -> None:
        """Write them."""
        variance = out.propagated if self._propagated else out.empirical
        for share in self._shared.values():
            variance += np.broadcast_to(share.contribution, self._shape)[part].reshape(-1)
        flags = out.flags.view(FLAG_DTYPE)
        self._writer.put(part, data=out.value, UNCERT=variance, flags=flags, USED=out.used)
        empty = int(out.used.size - np.count_nonzero(out.used))
        self._spare.append(out)
        with self._lock:
            self.without_value += empty
