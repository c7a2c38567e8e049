"""Stacks of frames straight to a file: rows are written as they are finished, and no plane is held whole."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np

from fullwell.combining.blocks import combine_inputs
from fullwell.combining.fallback import check_inputs, with_fallback
from fullwell.combining.inputs import Inputs
from fullwell.combining.options import DEFAULT_MEMORY, PYTHON, Levels, NoiseModel, Options, Words
from fullwell.flags import FLAG_DTYPE
from fullwell.io.plain_images import PlainImage, plain_image, plain_units
from fullwell.io.rows import RowWriter, write_by_rows, write_rows
from fullwell.kernels.combine_compiled import PlaneTotals

if TYPE_CHECKING:
    from fullwell.frame import FrameLike, FrameSet

__all__ = ["Outcome", "stack_files", "stack_to_file"]

_EXTRA = {"USED": np.uint16}


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
    words: Words = PYTHON,
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
    words : Words
        What options are called in remarks and errors.

    Raises
    ------
    FullwellError
        As for `combine` and `fullwell.io.write`; nothing is left behind then.
    """
    from fullwell.combining.loading import load_inputs

    options = Options(method, clip, spread, noise, (0, 0), int(memory), words)
    with ExitStack() as resources:
        inputs, template = load_inputs(frames, memory=options.memory // 2, resources=resources)
        zeros = np.broadcast_to(np.float32(0), inputs.shape)
        job = _Job(inputs, options, workers, history)
        write_by_rows(
            template.with_(data=zeros, variance=zeros, source=""),
            path,
            job.fill,
            extra=_EXTRA,
            overwrite=overwrite,
            cards=cards,
            history=job.history,
        )
    return job.outcomes[0]


def stack_files(
    files: Sequence[Path],
    path: str | os.PathLike[str],
    *,
    method: Literal["mean", "median"] = "mean",
    clip: float | None = 5.0,
    spread: Literal["noise", "std", "mad"] = "noise",
    noise: NoiseModel | None = None,
    memory: int = DEFAULT_MEMORY,
    workers: int | None = None,
    overwrite: bool = False,
    cards: Mapping[str, tuple[int, str]] | None = None,
    history: Callable[[str], Sequence[str]] = lambda spread: (),  # noqa: ARG005
    words: Words = PYTHON,
) -> Outcome:
    """Combine files as `stack_to_file` combines frames, to the same bytes.

    Raw frames in their plainest form are combined without astropy, which takes longer to load than many a
    stack to combine.

    Parameters
    ----------
    files : sequence of Path
    path, method, clip, spread, noise, memory, workers, overwrite, cards, history, words
        As for `stack_to_file`.

    Raises
    ------
    FullwellError
        As for `stack_to_file`.
    """
    options = Options(method, clip, spread, noise, (0, 0), int(memory), words)
    images = _plain_images(files, set(cards or ()))
    if images is None:
        from fullwell.io.ahead import frames_ahead

        return stack_to_file(
            frames_ahead(files),
            path,
            method=method,
            clip=clip,
            spread=spread,
            noise=noise,
            memory=memory,
            workers=workers,
            overwrite=overwrite,
            cards=cards,
            history=history,
            words=words,
        )
    inputs = Inputs(images[0].shape)
    for image in images:
        inputs.map(image.image, image.name, {}, memory=options.memory // 2)
    job = _Job(inputs, options, workers, history)

    def units() -> Any:
        return plain_units(images[0], extra=_EXTRA, cards=cards or {}, history=job.history())

    write_rows(path, units, job.fill, overwrite=overwrite)
    return job.outcomes[0]


def _plain_images(files: Sequence[Path], keywords: set[str]) -> list[PlainImage] | None:
    """Return the images of all files; None if one of them needs more, or does not fit to the first."""
    images: list[PlainImage] = []
    for path in files:
        image = plain_image(path)
        if image is None or (images and not image.fits_to(images[0])):
            return None
        images.append(image)
    if not images or keywords.intersection(card.keyword for card in images[0].cards):
        return None
    return images


class _Job:
    """A stack with its writer."""

    def __init__(
        self,
        inputs: Inputs,
        options: Options,
        workers: int | None,
        history: Callable[[str], Sequence[str]],
    ) -> None:
        check_inputs(options, inputs)
        self.outcomes: list[Outcome] = []
        self._inputs, self._options, self._workers, self._history = inputs, options, workers, history
        self._levels = Levels.of(len(inputs), None, None, None)

    def fill(self, writer: RowWriter) -> None:
        """Put every row."""

        def run(settled: Options) -> Outcome:
            rows = _Rows(self._inputs, settled, self._levels, writer)
            rejected = combine_inputs(self._inputs, settled, self._levels, rows, workers=self._workers)
            at_last = "none" if settled.clip is None else settled.spread
            return Outcome(self._inputs.shape, rejected, at_last, rows.without_value)

        outcome, remarks = with_fallback(self._inputs, self._options, run)
        self.outcomes.append(attrs.evolve(outcome, remarks=remarks))

    def history(self) -> Sequence[str]:
        """Return lines, as many before the stack as after it."""
        return self._history(self.outcomes[0].spread if self.outcomes else self._options.spread)


class _Rows:
    """A sink that writes."""

    def __init__(self, inputs: Inputs, options: Options, levels: Levels, writer: RowWriter) -> None:
        self.without_value = 0
        self._frames, self._columns, self._writer = len(inputs), inputs.shape[1], writer
        self._propagated = inputs.variance is not None or options.noise is not None
        self._shared = inputs.shared_mean(levels.weights * levels.scales / levels.weights.sum())
        self._shape = inputs.shape
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
