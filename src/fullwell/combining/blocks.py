"""The inputs through the kernel, some rows at a time, and what clipping and medians do to the variances."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.combining.inputs import Inputs
from fullwell.combining.options import Levels, Options
from fullwell.flags import FlagImage
from fullwell.io.file_planes import FilePlane
from fullwell.kernels.buffers import room
from fullwell.kernels.combine_compiled import PlaneRule, PlaneStack, PlaneTotals, combine_planes
from fullwell.kernels.order_statistics import clipping_factors, median_variance_factor
from fullwell.kernels.pool import default_workers, over_blocks

__all__ = ["Planes", "Sink", "combine_inputs"]

HARMLESS = 4.5  # sigma; clipping there takes less than 2e-4 of the variance of normal noise
BLOCK_PIXELS = 2**17  # enough to make a call of the kernel cheap, few enough to keep all threads busy
_WAITING_BYTES = 18  # of a pixel of the result

# Two threads that miss the same factor in the cache would both work it out.
_one_at_a_time = threading.Lock()


class Sink(Protocol):
    """Where finished rows go."""

    def rows(self, part: slice) -> PlaneTotals:
        """Return room for some rows, with sums of their own."""
        ...

    def take(self, part: slice, out: PlaneTotals) -> None:
        """Take these rows, finished; called from several threads, in any order."""
        ...


@attrs.frozen(eq=False)
class Planes:
    """A sink that keeps all, each plane of shape (rows, columns); `propagated` is None where not wanted."""

    data: npt.NDArray[np.float32]
    empirical: npt.NDArray[np.float32]
    propagated: npt.NDArray[np.float32] | None
    used: npt.NDArray[np.uint16]
    rejected: npt.NDArray[np.uint16]
    flags: FlagImage
    frames: int

    @classmethod
    def empty(cls, frames: int, shape: tuple[int, int], *, propagated: bool) -> Planes:
        """Make room for the result of `frames` frames."""
        first, second = room(shape, np.float32), room(shape, np.float32)
        third = room(shape, np.float32) if propagated else None
        used, rejected, flags = (room(shape, np.uint16) for _ in range(3))
        return cls(first, second, third, used, rejected, flags, frames)

    def rows(self, part: slice) -> PlaneTotals:
        """Return the place of some rows, with sums of their own."""
        none = np.empty(0, np.float32)
        return PlaneTotals(
            self.data[part].reshape(-1),
            self.empirical[part].reshape(-1),
            none if self.propagated is None else self.propagated[part].reshape(-1),
            self.used[part].reshape(-1),
            self.rejected[part].reshape(-1),
            self.flags[part].reshape(-1),
            np.zeros(self.frames, np.int64),
            np.zeros(self.frames, np.int64),
        )

    def take(self, part: slice, out: PlaneTotals) -> None:
        """Do nothing: the rows are where they belong."""


def combine_inputs(
    inputs: Inputs, options: Options, levels: Levels, sink: Sink, *, workers: int | None = None
) -> tuple[float, ...]:
    """Combine all rows.

    Parameters
    ----------
    sink : Sink
        Gets them.
    workers : int, optional
        Threads; one a core if not given. The result does not depend on it.

    Returns
    -------
    tuple of float
        Fraction of its valid pixels that each input lost to the clipping.
    """
    shape, n = inputs.shape, len(inputs)
    step = max(1, min(BLOCK_PIXELS, _room(inputs, options, workers)) // max(shape[1], 1))
    parts = [slice(top, min(top + step, shape[0])) for top in range(0, shape[0], step)]
    most_waiting = options.memory // (4 * _WAITING_BYTES * step * max(shape[1], 1))
    waiting: list[tuple[slice, PlaneTotals]] = []
    with ThreadPoolExecutor(1, thread_name_prefix="fullwell-factors") as aside:
        # Nearly all pixels have N values; their factors are worked out while the first rows are combined.
        expected = aside.submit(_expect, n, options)

        own = threading.local()

        def one(part: slice) -> tuple[Any, Any]:
            out = sink.rows(part)
            if not hasattr(own, "space"):
                own.space = _space(inputs, step * shape[1])
            combine_planes(_stack(inputs, part, own.space), _rule(inputs, options, levels, part), out)
            for plane in inputs.data:
                plane.release(part)
            if not expected.done() and len(waiting) < most_waiting:
                waiting.append((part, out))
            else:
                finish((part, out))
            return out.lost, out.counted

        def finish(rows: tuple[slice, PlaneTotals]) -> None:
            expected.result()
            _correct_variances(rows[1], options)
            sink.take(*rows)

        sums = over_blocks(one, parts, workers=workers)
        over_blocks(finish, waiting, workers=workers)
    lost, counted = (sum(each, np.zeros(n, np.int64)) for each in zip(*sums, strict=True))
    return tuple(float(fraction) for fraction in lost / np.maximum(counted, 1))


def _room(inputs: Inputs, options: Options, workers: int | None) -> int:
    """Pixels of all inputs that the threads may hold at once, mapped or copied to another type."""
    planes = [*inputs.data, *(inputs.variance or ())]
    size = sum(plane.array.dtype.itemsize if plane.is_ready else 8 for plane in planes)
    return options.memory // (2 * size * (workers or default_workers()))


def _space(inputs: Inputs, pixels: int) -> list[npt.NDArray[Any] | None]:
    """Return room for rows that have to be read; a thread uses it again and again."""
    return [
        np.empty(pixels, plane.array.dtype) if isinstance(plane, FilePlane) else None for plane in inputs.data
    ]


def _stack(inputs: Inputs, part: slice, space: list[npt.NDArray[Any] | None]) -> PlaneStack:
    return PlaneStack(
        [
            plane.rows(part, own) if isinstance(plane, FilePlane) else plane.rows(part)
            for plane, own in zip(inputs.data, space, strict=True)
        ],
        [None if plane is None else np.ascontiguousarray(plane[part]) for plane in inputs.flags],
        None if inputs.variance is None else [plane.rows(part) for plane in inputs.variance],
    )


def _rule(inputs: Inputs, options: Options, levels: Levels, part: slice) -> PlaneRule:
    noise = None
    if options.noise is not None:
        model = options.noise.rows(part)
        gain = np.inf if model.gain is None else model.gain
        noise = _flat(model.read_noise), _flat(gain), float(model.pedestal)
    return PlaneRule(
        options.method,
        options.clip,
        options.spread,
        options.extrema,
        levels.weights,
        levels.scales,
        levels.offsets,
        np.asarray(inputs.typical, np.float64),
        noise,
    )


def _flat(value: Any) -> npt.NDArray[np.float64]:
    return np.atleast_1d(np.asarray(value, np.float64))


def _clips(options: Options) -> bool:
    """Whether clipping bites into the noise itself."""
    return options.clip is not None and not (options.spread == "noise" and options.clip >= HARMLESS)


def _least(options: Options) -> int | None:
    """Return the number of values up to which variances need no factor; None if they never do."""
    if _clips(options) or any(options.extrema):
        return max(2, sum(options.extrema))
    return 2 if options.method == "median" else None


def _expect(n: int, options: Options) -> None:
    """Have the factors for `n` values ready."""
    least = _least(options)
    if least is not None and n > least:
        with _one_at_a_time:
            _factors(n, options)


def _correct_variances(out: PlaneTotals, options: Options) -> None:
    """Multiply variances with the finite-N factors for clipping, extrema and medians."""
    least = _least(options)
    if least is None:
        return
    rejects = _clips(options) or any(options.extrema)
    count = out.used + out.rejected if rejects else out.used
    present = [int(count[0])] if (count == count[0]).all() else np.flatnonzero(np.bincount(count)).tolist()
    table = np.ones((2, max(present) + 1), np.float32)
    for n in present:
        if n > least:
            with _one_at_a_time:
                table[:, n] = _factors(n, options)
    for variance, factors in zip((out.propagated, out.empirical), table, strict=True):
        if variance.size and (factors != 1).any():
            variance *= factors[present[0]] if len(present) == 1 else factors[count]


def _factors(n: int, options: Options) -> Any:
    clips = _clips(options)
    if not (clips or any(options.extrema)):
        return median_variance_factor(n)
    clip = options.clip if clips else None
    return clipping_factors(n, clip, options.spread, method=options.method, extrema=options.extrema)
