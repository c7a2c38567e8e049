"""Random numbers beside NumPy's fastest generator, on one thread, and a copy of the same bytes.

Not called random.py: a script of that name would hide the standard library's. Judged by the mean, in standard errors
of a mean of so many pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from harness import Agreement, Contest, Function, Options, Target, main
from peers import of_python

from fullwell.noise import Noise


def judge(level: float, spread: float, _: str, values: np.ndarray | None) -> Agreement | None:
    """Compare a mean with what it should be; 5 standard errors are never reached by chance."""
    if values is None:
        return None
    off = (float(np.mean(values, dtype=np.float64)) - level) / (spread / np.sqrt(values.size))
    return Agreement(f"mean off by {off:+.1f} standard errors", float(abs(off) < 5))


def contests(options: Options) -> Iterator[Contest]:
    side = 256 if options.quick else 2048
    shape = (side, side)
    stream = Noise(1).stream("benchmark")
    rng = np.random.Generator(np.random.SFC64(1))
    source, target = np.ones(shape, np.float32), np.empty(shape, np.float32)

    def copy() -> None:
        np.copyto(target, source)

    pairs = {"normal": (partial(stream.normal, shape), partial(rng.standard_normal, shape, dtype=np.float32))}
    limits = {"normal": (0.0, 1.0)}
    for level in (0.5, 5.0, 29.9, 30.0, 100.0, 10_000.0):
        mean = np.full(shape, level, np.float32)
        pairs[f"Poisson {level:g}"] = partial(stream.poisson, mean), partial(rng.poisson, mean)
        # The mean of float32 is itself rounded.
        limits[f"Poisson {level:g}"] = float(np.float32(level)), float(np.sqrt(level))
    for kind, (ours, theirs) in pairs.items():
        yield Contest(
            work="numbers-" + kind.lower().replace(" ", "-").replace(".", "_"),
            title=f"Random numbers: {kind}",
            about=f"{side} x {side} numbers on one thread, beside NumPy's SFC64.",
            rivals=[
                Function("fullwell", ours),
                Function("numpy", theirs, version=str(of_python("numpy"))),
                Function("copy", copy),
            ],
            rounds=5,
            targets=[Target("NumPy", over="numpy", under="fullwell", measure="cpu")],
            judge=partial(judge, *limits[kind]),
        )


if __name__ == "__main__":
    main(contests)
