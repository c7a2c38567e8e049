"""Covariances to lag 10 of one pair of a 4k x 4k detector of 16 amplifiers, beside two ways in NumPy.

FFT: zero-padded to the next fast length, image and weights transformed each (Astier et al. 2019, appendix A);
direct: one product of slices for each lag. All in float32 input, with bad pixels; seconds for the whole
detector, the ratio (above 1: slower than fullwell), and the largest difference in units of the variance.
The rivals run in turn; fullwell on one thread as they do, and on all there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import scipy.fft

from fullwell.kernels import covariances_reference
from fullwell.kernels.covariances import lag_sums
from fullwell.kernels.pool import default_workers

AMPLIFIERS, SHAPE, LAGS = 16, (2048, 512), 11


def by_fft(values: np.ndarray, good: np.ndarray, *, lags: int) -> tuple[np.ndarray, np.ndarray]:
    size = [scipy.fft.next_fast_len(n + lags, real=True) for n in SHAPE]

    def correlate(array: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.rfft2(array, size)) ** 2
        full = np.fft.irfft2(power, size)
        both = full[:lags, :lags].copy()
        both[1:, 1:] += full[1:lags, : -lags : -1]
        return both.T

    return correlate(values), correlate(good.astype(values.dtype))


def main() -> None:
    rng = np.random.default_rng(1)
    amplifiers = []
    for _ in range(AMPLIFIERS):
        good = rng.random(SHAPE) > 0.01
        amplifiers.append((np.where(good, rng.normal(0, 200, SHAPE), 0).astype(np.float32), good))
    ways: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
        "fullwell, 1 thread": lambda v, g: lag_sums(v, g, lags=LAGS, workers=1),
        f"fullwell, {default_workers()} threads": lambda v, g: lag_sums(v, g, lags=LAGS),
        "NumPy, FFT, float64": lambda v, g: by_fft(v.astype(np.float64), g, lags=LAGS),
        "NumPy, FFT, float32": lambda v, g: by_fft(v, g, lags=LAGS),
        "NumPy, direct": lambda v, g: covariances_reference.lag_sums(v, g, lags=LAGS),
    }
    for way in ways.values():
        way(*amplifiers[0])
    times = dict.fromkeys(ways, 0.0)
    worst = dict.fromkeys(ways, 0.0)
    for values, good in amplifiers:
        results = {}
        for name, way in ways.items():
            start = time.perf_counter()
            results[name] = way(values, good)
            times[name] += time.perf_counter() - start
        sums, counts = results["NumPy, direct"]
        for name, (mine, mine_counts) in results.items():
            difference = np.abs(mine / mine_counts - sums / counts).max() * counts[0, 0] / sums[0, 0]
            worst[name] = max(worst[name], float(difference))
    base = times["fullwell, 1 thread"]
    print(f"{'':22s}{'seconds':>9s}{'ratio':>8s}{'difference':>13s}")
    for name, seconds in times.items():
        print(f"{name:22s}{seconds:9.2f}{seconds / base:8.1f}{worst[name]:13.1e}")


if __name__ == "__main__":
    main()
