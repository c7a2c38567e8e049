"""The inputs through the kernel, some rows at a time, and what clipping and medians do to the variances."""

from __future__ import annotations

import threading
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.combining.inputs import Inputs
from fullwell.combining.options import Levels, Options
from fullwell.flags import FLAG_DTYPE, FlagImage
from fullwell.kernels.combine_compiled import PlaneRule, PlaneStack, PlaneTotals, combine_planes
from fullwell.kernels.order_statistics import clipping_factors, median_variance_factor
from fullwell.kernels.pool import default_workers, over_blocks

__all__ = ["Planes", "combine_inputs"]

HARMLESS = 4.5  # sigma; clipping there takes less than 2e-4 of the variance of normal noise
BLOCK_PIXELS = 2**17  # enough to make a call of the kernel cheap, few enough to keep all threads busy

# Two threads that miss the same factor in the cache would both work it out.
_one_at_a_time = threading.Lock()


@attrs.frozen(eq=False)
class Planes:
    """What comes out, each of shape (rows, columns); `propagated` is None where no noise is known.

    `lost` and `counted`, shape (N,), say how many values clipping took of each input, and how many it saw.
    """

    data: npt.NDArray[np.float32]
    empirical: npt.NDArray[np.float32]
    propagated: npt.NDArray[np.float32] | None
    used: npt.NDArray[np.uint16]
    rejected: npt.NDArray[np.uint16]
    flags: FlagImage
    lost: npt.NDArray[np.int64]
    counted: npt.NDArray[np.int64]

    def rows(self, part: slice) -> PlaneTotals:
        """Return some rows as the kernel takes them, with sums of their own."""
        none = np.empty(0, np.float32)
        return PlaneTotals(
            self.data[part].reshape(-1),
            self.empirical[part].reshape(-1),
            none if self.propagated is None else self.propagated[part].reshape(-1),
            self.used[part].reshape(-1),
            self.rejected[part].reshape(-1),
            self.flags[part].reshape(-1),
            np.zeros_like(self.lost),
            np.zeros_like(self.counted),
        )


def combine_inputs(inputs: Inputs, options: Options, levels: Levels, *, workers: int | None = None) -> Planes:
    """Combine all rows.

    Parameters
    ----------
    workers : int, optional
        Threads; one a core if not given. The result does not depend on it.
    """
    shape, n = inputs.template.shape, len(inputs)
    known = inputs.variance is not None or options.noise is not None
    planes = Planes(
        np.empty(shape, np.float32),
        np.empty(shape, np.float32),
        np.empty(shape, np.float32) if known else None,
        np.empty(shape, np.uint16),
        np.empty(shape, np.uint16),
        np.empty(shape, FLAG_DTYPE),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
    )

    def one(part: slice) -> PlaneTotals:
        out = planes.rows(part)
        combine_planes(_stack(inputs, part), _rule(inputs, options, levels, part), out)
        _correct_variances(out, options)
        inputs.release(part)
        return out

    step = max(1, min(BLOCK_PIXELS, _room(inputs, options, workers)) // max(shape[1], 1))
    parts = [slice(top, min(top + step, shape[0])) for top in range(0, shape[0], step)]
    for out in over_blocks(one, parts, workers=workers):
        planes.lost[:] += out.lost
        planes.counted[:] += out.counted
    return planes


def _room(inputs: Inputs, options: Options, workers: int | None) -> int:
    """Pixels of all inputs that the threads may hold at once, mapped or copied to another type."""
    planes = [*inputs.data, *(inputs.variance or ())]
    size = sum(plane.array.dtype.itemsize if plane.is_ready else 8 for plane in planes)
    return options.memory // (2 * size * (workers or default_workers()))


def _stack(inputs: Inputs, part: slice) -> PlaneStack:
    return PlaneStack(
        [plane.rows(part) for plane in inputs.data],
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


def _correct_variances(out: PlaneTotals, options: Options) -> None:
    """Multiply variances with the finite-N factors for clipping, extrema and medians."""
    clips = options.clip is not None and not (options.spread == "noise" and options.clip >= HARMLESS)
    if clips or any(options.extrema):
        count, least = out.used + out.rejected, max(2, sum(options.extrema))
    elif options.method == "median":
        count, least = out.used, 2
    else:
        return
    present = [int(count[0])] if (count == count[0]).all() else np.flatnonzero(np.bincount(count)).tolist()
    table = np.ones((2, max(present) + 1), np.float32)
    for n in present:
        if n > least:
            with _one_at_a_time:
                table[:, n] = _factors(n, options, clips=clips)
    for variance, factors in zip((out.propagated, out.empirical), table, strict=True):
        if variance.size and (factors != 1).any():
            variance *= factors[present[0]] if len(present) == 1 else factors[count]


def _factors(n: int, options: Options, *, clips: bool) -> Any:
    if not (clips or any(options.extrema)):
        return median_variance_factor(n)
    clip = options.clip if clips else None
    return clipping_factors(n, clip, options.spread, method=options.method, extrema=options.extrema)
