"""Random numbers beside NumPy's, in ns a pixel on one thread, and the ratio (above 1: faster than NumPy).

Not called random.py: a script of that name would hide the standard library's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from fullwell.noise import Noise

SHAPE = (2048, 2048)
PIXELS = SHAPE[0] * SHAPE[1]


def best(function: Callable[[], object], repeats: int = 3) -> float:
    """Shortest of some runs, ns a pixel."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times) / PIXELS * 1e9


def main() -> None:
    stream = Noise(1).stream("benchmark")
    rng = np.random.Generator(np.random.SFC64(1))  # NumPy's fastest
    source, target = np.ones(SHAPE, np.float32), np.empty(SHAPE, np.float32)
    rows = [("normal", lambda: stream.normal(SHAPE), lambda: rng.standard_normal(SHAPE, dtype=np.float32))]
    for level in (0.5, 5, 29.9, 30, 100, 10_000):
        mean = np.full(SHAPE, level, np.float32)
        rows.append((f"poisson {level:g}", lambda m=mean: stream.poisson(m), lambda m=mean: rng.poisson(m)))
    print(f"{'':16s}{'fullwell':>10s}{'numpy':>10s}{'ratio':>8s}")
    for name, ours, theirs in rows:
        a, b = best(ours), best(theirs)
        print(f"{name:16s}{a:10.2f}{b:10.2f}{b / a:8.1f}")
    print(f"{'copy':16s}{best(lambda: np.copyto(target, source)):10.2f}")


if __name__ == "__main__":
    main()
