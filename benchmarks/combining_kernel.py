"""The combining kernel on raw 16-bit frames beside merely reading the same bytes; ratios above 1: slower than reading.

20 frames of 4096 x 4096 (``--side``, ``--frames`` for others) in FITS byte order, with a cosmic ray in one pixel of a
thousand. Reading is a loop over all words in as many threads; "read and write" also writes the arrays that the kernel
returns. Rivals run in turn; in each round a ratio is taken, the median of which stands here, with the middle half of
them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

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
        "read": read,
        "read and write": read_and_write,
        "no rejection": combined("std", None),
        "3 sigma, std": combined("std", 3.0),
        "3 sigma, noise": combined("noise", 3.0),
        "3 sigma, MAD": combined("mad", 3.0),
    }

    def threaded(function: Callable[[slice], None]) -> Callable[[], Any]:
        return lambda: over_blocks(function, parts, workers=workers)

    return {name: threaded(function) for name, function in work.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="The combining kernel beside reading.")
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--workers", type=int, default=default_workers())
    options = parser.parse_args()
    contest = rivals(make_frames(options.frames, options.side**2), options.workers)
    wall: dict[str, list[float]] = {name: [] for name in contest}
    cpu: dict[str, list[float]] = {name: [] for name in contest}
    for lap in range(options.rounds + 1):
        for name, run in contest.items():
            start, spent = time.perf_counter(), time.process_time()
            run()
            if lap:  # the first round warms up
                wall[name].append(time.perf_counter() - start)
                cpu[name].append(time.process_time() - spent)
    print(f"{options.frames} frames of {options.side} x {options.side}, {options.workers} threads")
    print(f"{'':16s}{'wall s':>8s}{'cpu s':>8s}   wall/read           wall/(read+write)   cpu/(read+write)")
    for name in contest:
        row = f"{name:16s}{np.median(wall[name]):8.3f}{np.median(cpu[name]):8.3f}"
        for times, base in ((wall, "read"), (wall, "read and write"), (cpu, "read and write")):
            low, middle, high = np.percentile(np.divide(times[name], times[base]), (25, 50, 75))
            row += f"   {middle:5.2f} ({low:.2f}-{high:.2f})"
        print(row)


if __name__ == "__main__":
    main()
