"""The combining kernel on raw 16-bit frames beside merely reading the same bytes.

Frames in FITS byte order, with a cosmic ray in one pixel of a thousand. `read` is a loop over all words in as many
threads; `read and write` also writes the three arrays that are wanted: mean, standard deviation, count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
from harness import Agreement, Contest, Function, Options, Target, compare, main

from fullwell.kernels.combine_compiled import PlaneRule, PlaneStack, PlaneTotals, combine_planes
from fullwell.kernels.planes import Plane
from fullwell.kernels.pool import default_workers, over_blocks

PIXELS = 2**17  # of a block


@numba.njit(nogil=True)
def read_words(words: Any, start: int, stop: int) -> Any:
    total = np.uint64(0)
    for i in range(words.shape[0]):
        row = words[i, start:stop]
        for p in range(stop - start):
            total ^= row[p]
    return total


@numba.njit(nogil=True)
def write_results(value: Any, scatter: Any, used: Any, start: int, stop: int) -> None:
    for p in range(start, stop):
        value[p] = 1.0
    for p in range(start, stop):
        scatter[p] = 1.0
    for p in range(start, stop):
        used[p] = 1


def make_frames(frames: int, pixels: int) -> np.ndarray:
    """Frames as FITS files hold them, shape (frames, pixels)."""
    random = np.random.default_rng(5)
    base = random.normal(1000, 30, pixels).astype(np.float32)
    stack = np.empty((frames, pixels), ">i2")
    for row in stack:
        values = np.roll(base, int(random.integers(pixels)))
        values[random.integers(0, pixels, pixels // 1000)] += 5000
        row[:] = np.rint(values).astype(np.int32) - 32768
    return stack


def plain_form(stack: np.ndarray) -> np.ndarray:
    """Return the mean clipped at 3 standard deviations about the median, in NumPy and float64."""
    values = stack.astype(np.float64) + 32768
    while True:
        far = np.abs(values - np.nanmedian(values, axis=0)) > 3 * np.nanstd(values, axis=0)
        if not far.any():
            return np.asarray(np.nanmean(values, axis=0))
        values[far] = np.nan


def rivals(stack: np.ndarray, workers: int) -> dict[str, Callable[[], Any]]:
    """Return what is compared, by name."""
    frames, pixels = stack.shape
    words, out = stack.view(np.uint64), PlaneTotals.empty(frames, pixels, propagated=True)
    for array in (out.value, out.empirical, out.propagated, out.used, out.rejected, out.flags):
        array[:] = 0  # memory that was never touched costs far more than the kernel
    parts = [slice(start, min(start + PIXELS, pixels)) for start in range(0, pixels, PIXELS)]
    planes = [Plane(row, unsigned=True) for row in stack]
    ones, none = np.ones(frames), np.zeros(frames)

    def read(part: slice) -> None:
        read_words(words, part.start // 4, part.stop // 4)

    def read_and_write(part: slice) -> None:
        read(part)
        write_results(out.value, out.empirical, out.used, part.start, part.stop)

    def combined(spread: Any, clip: float | None) -> Callable[[slice], None]:
        noise = (np.full(1, 30.0), np.full(1, np.inf), 0.0) if spread == "noise" else None
        rule = PlaneRule("mean", clip, spread, (0, 0), ones, ones, none, none, noise)

        def run(part: slice) -> None:
            propagated = out.propagated[part] if noise else out.propagated[:0]
            totals = PlaneTotals(
                out.value[part], out.empirical[part], propagated, out.used[part],
                out.rejected[part], out.flags[part], np.zeros(frames, int), np.zeros(frames, int),
            )  # fmt: skip
            combine_planes(PlaneStack([plane.rows(part) for plane in planes], [None] * frames), rule, totals)

        return run

    work = {
        "3 sigma, std": combined("std", 3.0),
        "read": read,
        "read and write": read_and_write,
        "no rejection": combined("std", None),
        "3 sigma, noise": combined("noise", 3.0),
        "3 sigma, MAD": combined("mad", 3.0),
    }

    def threaded(function: Callable[[slice], None]) -> Callable[[], Any]:
        def run() -> Any:
            over_blocks(function, parts, workers=workers)
            return out.value

        return run

    return {name: threaded(function) for name, function in work.items()}


def contests(options: Options) -> Iterator[Contest]:
    frames, side = (20, 512) if options.quick else (20, 4096)
    workers = default_workers()
    stack = make_frames(frames, side**2)
    reference = plain_form(stack[:, ::64])

    def judge(name: str, value: Any) -> Agreement | None:
        return compare(reference, value[::64], within=1e-5, relative=True) if name == "3 sigma, std" else None

    yield Contest(
        work="kernel",
        title="The combine kernel",
        about=f"{frames} frames of {side} x {side}, uint16 as FITS files hold them, {workers} threads. The agreement is "
        "with a NumPy float64 form of the rule.",
        rivals=[Function(name, run) for name, run in rivals(stack, workers).items()],
        rounds=9,
        targets=[
            Target("mean + std + count against reading", over="3 sigma, std", under="read", at_most=1.8),
            Target("against reading and writing", over="3 sigma, std", under="read and write", at_most=1.8),
            Target("the same as NumPy in float64", over="3 sigma, std", measure="agreement", at_least=1.0),
        ],
        judge=judge,
    )


if __name__ == "__main__":
    main(contests)
