"""Combining beside NumPy, astropy and the bare cost of reading the bytes; ratios above 1: we are slower.

A stack of float32 frames with a cosmic ray in one pixel of a thousand. Rivals run in turn, round by round, so
that a busy machine slows all of them alike; the shortest round counts.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import fullwell as fw

SHAPE = (1024, 1024)
FRAMES = 10
NOISE = 5.0
ROUNDS = 5


def make_stack(frames: int = FRAMES) -> np.ndarray:
    """Frames of noise with outliers, shape (frames, rows, columns)."""
    stack = np.empty((frames, *SHAPE), np.float32)
    for i in range(frames):
        stream = fw.Noise(5, i).stream("benchmark")
        stack[i] = 1000 + NOISE * stream.normal(SHAPE)
        stack[i][stream.uniform(SHAPE, draw=1) < 1e-3] += 500
    return stack


def interleaved(rivals: dict[str, Callable[[], Any]], *, rounds: int = ROUNDS) -> dict[str, float]:
    """Shortest time of each rival in seconds; one round warms up."""
    times: dict[str, float] = {}
    for lap in range(rounds + 1):
        for name, run in rivals.items():
            start = time.perf_counter()
            run()
            took = time.perf_counter() - start
            if lap:
                times[name] = min(took, times.get(name, np.inf))
    return times


def rows() -> list[tuple[str, float, str, float]]:
    """Return (ours, seconds, theirs, seconds) for each comparison."""
    from astropy.stats import sigma_clip

    stack = make_stack()
    planes = list(stack)
    model = fw.NoiseModel(read_noise=NOISE)
    target = np.empty_like(stack)

    def clipped() -> Any:
        return np.ma.mean(
            sigma_clip(stack, sigma=5, cenfunc="median", stdfunc="std", axis=0, copy=True), axis=0
        )

    rivals: dict[str, Callable[[], Any]] = {
        "mean, no rejection": lambda: fw.combine(planes, method="mean", clip=None),
        "numpy.mean": lambda: stack.mean(axis=0),
        "median, no rejection": lambda: fw.combine(planes, method="median", clip=None),
        "numpy.median": lambda: np.median(stack, axis=0),
        "mean, clipped by the noise model": lambda: fw.combine(planes, clip=5.0, noise=model),
        "mean, clipped by the std": lambda: fw.combine(planes, clip=2.5, spread="std"),
        "astropy.stats.sigma_clip, numpy.ma.mean": clipped,
        "a copy of the same bytes": lambda: np.copyto(target, stack),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fw.FullwellWarning)
        took = interleaved(rivals)
    pairs = [
        ("mean, no rejection", "numpy.mean"),
        ("median, no rejection", "numpy.median"),
        ("mean, clipped by the noise model", "astropy.stats.sigma_clip, numpy.ma.mean"),
        ("mean, clipped by the std", "astropy.stats.sigma_clip, numpy.ma.mean"),
        ("mean, clipped by the noise model", "a copy of the same bytes"),
    ]
    return [(ours, took[ours], theirs, took[theirs]) for ours, theirs in pairs]


def main() -> None:
    pixels = FRAMES * SHAPE[0] * SHAPE[1]
    print(f"{FRAMES} frames of {SHAPE[1]} x {SHAPE[0]}, float32, one thread; ns a value")
    print(f"{'fullwell.combine':34s}{'':>8s}  {'beside':42s}{'':>8s}{'ratio':>8s}")
    for ours, a, theirs, b in rows():
        print(f"{ours:34s}{a / pixels * 1e9:8.2f}  {theirs:42s}{b / pixels * 1e9:8.2f}{a / b:8.2f}")


if __name__ == "__main__":
    main()
