"""Many planes of pixels to one, compiled: the rule of `fullwell.kernels.combine` at the speed of memory.

Two forms: `combine_integers` for raw frames as they come, `combine_floats` for everything else. Both take
any number of frames; nothing is compiled anew for another number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.flags import BAD_FOR_SCIENCE, FlagImage, Flags
from fullwell.kernels.combine_job import JOB
from fullwell.kernels.machine_code import keep, native
from fullwell.kernels.networks import merges, padded
from fullwell.kernels.planes import Plane

__all__ = ["PlaneRule", "PlaneStack", "PlaneTotals", "combine_planes", "warm_up"]

F64 = npt.NDArray[np.float64]
_SPREADS = {"noise": 1, "std": 2, "mad": 3}
_MOST_INTEGERS = 2**15  # frames, of which exact sums fit everywhere


@attrs.frozen(eq=False)
class PlaneRule:
    """How to combine; see `fullwell.kernels.combine`.

    Parameters
    ----------
    method, clip, spread, extrema
        As for `fullwell.kernels.combine.Rule`.
    weights, scales, offsets : ndarray of float64, shape (N,)
        Weights of the mean; a value counts as ``scale * value + offset``.
    typical : ndarray of float64, shape (N,)
        Typical variance of each frame, where frames bring their own.
    noise : (read_noise, gain, pedestal) or None
        Noise model of a frame before levelling: ndarray of float64 of one number or of all pixels (gain
        infinite for no shot noise), and a float.
    """

    method: Literal["mean", "median"]
    clip: float | None
    spread: Literal["noise", "std", "mad"]
    extrema: tuple[int, int]
    weights: F64
    scales: F64
    offsets: F64
    typical: F64
    noise: tuple[F64, F64, float] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether all frames count alike and as they are."""
        return (
            not any(self.extrema)
            and bool((self.scales == 1).all() and (self.offsets == 0).all())
            and bool((self.weights == self.weights[0]).all())
            and (self.noise is None or self.noise[0].size == self.noise[1].size == 1)
        )


@attrs.frozen(eq=False)
class PlaneStack:
    """Rows of all frames.

    Parameters
    ----------
    data : sequence of Plane
        As `Plane.rows` gives them.
    flags : sequence of ndarray of uint16 or None
    variances : sequence of Plane, or None
    """

    data: Sequence[Plane]
    flags: Sequence[FlagImage | None]
    variances: Sequence[Plane] | None = None


@attrs.frozen(eq=False)
class PlaneTotals:
    """What comes out, flat and of as many pixels as the rows have; arrays that `combine_planes` fills.

    Parameters
    ----------
    value, empirical : ndarray of float32
        Mean or median; its variance from the scatter of the values.
    propagated : ndarray of float32
        Its variance from the frames' variances or the noise model; without an element if not wanted.
    used, rejected, flags : ndarray of uint16
    lost, counted : ndarray of int64, shape (N,)
        Values that the clipping took of each frame, and that it saw; these are added to.
    """

    value: npt.NDArray[np.float32]
    empirical: npt.NDArray[np.float32]
    propagated: npt.NDArray[np.float32]
    used: npt.NDArray[np.uint16]
    rejected: npt.NDArray[np.uint16]
    flags: FlagImage
    lost: npt.NDArray[np.int64]
    counted: npt.NDArray[np.int64]

    @classmethod
    def empty(cls, frames: int, pixels: int, *, propagated: bool = False) -> PlaneTotals:
        """Make room for the result of `frames` frames."""
        first, second, third = (np.empty(size, np.float32) for size in (pixels, pixels, pixels * propagated))
        used, rejected, flags = (np.empty(pixels, np.uint16) for _ in range(3))
        sums = np.zeros((2, frames), np.int64)
        return cls(first, second, third, used, rejected, flags, sums[0], sums[1])


def combine_planes(stack: PlaneStack, rule: PlaneRule, out: PlaneTotals) -> None:
    """Combine rows of N frames.

    Variances are those of textbooks: without what clipping and medians of few values do to them. The
    interpreter's lock is free meanwhile.
    """
    first = stack.data[0]
    if (
        rule.is_plain
        and stack.variances is None
        and all(plane.is_ordered and plane.zero == first.zero for plane in stack.data)
        and all(plane is None for plane in stack.flags)
        and len(stack.data) < _MOST_INTEGERS
    ):
        _integers(stack, rule, out)
    else:
        _floats(stack, rule, out)


def _integers(stack: PlaneStack, rule: PlaneRule, out: PlaneTotals) -> None:
    n = len(stack.data)
    held: dict[str, npt.NDArray[Any]] = {
        "addresses": _addresses(stack.data),
        "swapped": np.array([plane.kind == 0 for plane in stack.data], np.uint8),
        "top": np.array([plane.top for plane in stack.data], np.uint16),
        "merges": merges(n),
        "shares": _shares(n),
        "value": out.value,
        "empirical": out.empirical,
        "used": out.used,
        "rejected": out.rejected,
        "flagged": out.flags,
        "lost": out.lost,
    }
    if out.propagated.size:
        held["propagated"] = out.propagated
    job = np.zeros((), JOB)
    for name, array in held.items():
        assert array.flags.c_contiguous
        job[name] = array.ctypes.data
    job["frames"], job["pixels"], job["rows"], job["merge_count"] = (
        n,
        out.value.size,
        padded(n),
        len(merges(n)),
    )
    job["zero"], job["empty"] = stack.data[0].zero, int(Flags.UNCALIBRATED)
    job["spread"], job["clip"], job["median"] = _code(rule)[:3]
    if rule.noise is not None:
        job["read_variance"], job["slope"] = float(rule.noise[0][0]) ** 2, 1.0 / float(rule.noise[1][0])
        job["pedestal"] = float(rule.noise[2])
    run = native("combine_integers", _make_integers)
    space = np.empty(run(job.ctypes.data), np.uint8)
    job["space"], job["room"] = space.ctypes.data, space.size
    run(job.ctypes.data)
    out.counted[:] += out.value.size


def _make_integers(*, cache: bool) -> Any:
    from fullwell.kernels.combine_integers_compiled import make

    return make(cache=cache)


def warm_up() -> None:
    """Compile the form for integers, and keep it for processes that start without Numba."""
    keep("combine_integers", _make_integers)


def _floats(stack: PlaneStack, rule: PlaneRule, out: PlaneTotals) -> None:
    from fullwell.kernels.combine_floats_compiled import combine_floats

    n = len(stack.data)
    planes = (
        _addresses(stack.data),
        np.array([plane.kind for plane in stack.data], np.uint8),
        np.array([plane.top for plane in stack.data], np.uint16),
        np.array([plane.zero for plane in stack.data]),
    )
    addresses = [0 if plane is None else plane.ctypes.data for plane in stack.flags]
    bits = (np.uint16(bit) for bit in (BAD_FOR_SCIENCE, Flags.UNCALIBRATED, Flags.NO_DATA))
    flags = np.array(addresses, np.uint64), *bits
    variances = stack.variances or ()
    own = _addresses(variances), np.array([plane.kind for plane in variances], np.uint8), _plain(rule.typical)
    read, gain, pedestal = rule.noise or (np.zeros(1), np.full(1, np.inf), 0.0)
    levels = _plain(rule.scales), _plain(rule.offsets), _plain(rule.weights)
    combine_floats(
        planes, levels, flags, own, (_plain(read), _plain(gain), float(pedestal), rule.noise is not None),
        padded(n), merges(n), _code(rule), 0, out.value.size, out.value, out.used, out.rejected,
        out.empirical, out.propagated, out.flags, out.lost, out.counted,
    )  # fmt: skip


def _plain(array: F64) -> F64:
    # Another layout, or an array that may not be written to, is another type to Numba, to be compiled for.
    return np.require(array, np.float64, ["C", "W"])


def _addresses(planes: Sequence[Plane]) -> npt.NDArray[np.uint64]:
    return np.array([plane.array.ctypes.data for plane in planes], np.uint64)


def _code(rule: PlaneRule) -> tuple[int, float, bool, int, int]:
    spread, clip = (0, 0.0) if rule.clip is None else (_SPREADS[rule.spread], float(rule.clip))
    return spread, clip, rule.method == "median", *rule.extrema


@cache
def _shares(n: int) -> Any:
    """Sum of the squared shares of m equal values, m = 0 to n, added up in the order of the plain form."""
    sums = [0.0]
    for m in range(1, n + 1):
        total = 0.0
        for _ in range(m):
            total += (1.0 / m) * (1.0 / m)
        sums.append(total)
    return np.array(sums)
