"""``fullwell.combine`` on arrays in memory beside NumPy, bottleneck, astropy, and a copy of the same bytes.

A stack of float32 frames with a cosmic ray in one pixel of a thousand. ``fullwell.combine`` also returns variance,
propagated and from the scatter, flags and counts, which the functions beside it do not: the ratio says what the whole
costs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from harness import Absent, Agreement, Contest, Function, Options, Target, compare, main
from peers import if_found, of_python

import fullwell as fw

NOISE = 5.0


def make_stack(frames: int, side: int) -> np.ndarray:
    """Frames of noise with outliers, shape (frames, rows, columns)."""
    stack = np.empty((frames, side, side), np.float32)
    for i, frame in enumerate(stack):
        stream = fw.Noise(5, i).stream("benchmark")
        frame[...] = 1000 + NOISE * stream.normal(frame.shape)
        frame[stream.uniform(frame.shape, draw=1) < 1e-3] += 500
    return stack


def combined(planes: list[np.ndarray], **options: Any) -> np.ndarray:
    """Call ``fullwell.combine`` without its words about rejected parts; return the values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fw.FullwellWarning)
        return np.asarray(fw.combine(planes, **options).frame.data)


def clipped_by_astropy(stack: np.ndarray) -> np.ndarray:
    from astropy.stats import sigma_clip

    kept = sigma_clip(stack, sigma=2.5, maxiters=None, cenfunc="median", stdfunc="std", axis=0, masked=True)
    return np.asarray(np.ma.mean(kept, axis=0))


def median_by_bottleneck(stack: np.ndarray) -> np.ndarray:
    import bottleneck

    return np.asarray(bottleneck.nanmedian(stack, axis=0))


def contests(options: Options) -> Iterator[Contest]:
    frames, side = 10, 128 if options.quick else 1024
    stack = make_stack(frames, side)
    planes, target = list(stack), np.empty_like(stack)
    model = fw.NoiseModel(read_noise=NOISE)
    ours: dict[str, Callable[[], Any]] = {
        "mean": partial(combined, planes, method="mean", clip=None),
        "median": partial(combined, planes, method="median", clip=None),
        "clipped by the std": partial(combined, planes, clip=2.5, spread="std"),
        "clipped by the noise": partial(combined, planes, clip=5.0, noise=model),
    }
    theirs: dict[str, list[Function | Absent]] = {
        "mean": [Function("numpy.mean", lambda: stack.mean(axis=0))],
        "median": [
            Function("numpy.median", lambda: np.median(stack, axis=0)),
            if_found(
                of_python("bottleneck"), Function("bottleneck.nanmedian", lambda: median_by_bottleneck(stack))
            ),
        ],
        "clipped by the std": [
            if_found(
                of_python("astropy"), Function("astropy.stats.sigma_clip", lambda: clipped_by_astropy(stack))
            )
        ],
        "clipped by the noise": [],
    }

    def agree(name: str, mine: Any, other: Any) -> Agreement | None:
        return None if name == "copy" else compare(mine, other, within=1e-5, relative=True)

    for kind, call in ours.items():
        name = f"fullwell, {kind}"
        rivals = [
            Function(name, call),
            *theirs[kind],
            Function("copy", lambda: np.copyto(target, stack)),
        ]
        yield Contest(
            work="arrays-" + kind.replace(" ", "-"),
            title=f"Combining arrays: {kind}",
            about=f"{frames} frames of {side} x {side}, float32, in memory; `copy` copies the same bytes on one thread.",
            rivals=rivals,
            targets=[Target(f"{each.name}, {kind}", over=each.name, under=name) for each in theirs[kind]],
            agree=agree,
        )


if __name__ == "__main__":
    main(contests)
