"""Covariances to lag 10 of an amplifier's pixels, beside two ways in NumPy.

FFT: zero-padded to the next fast length, image and weights transformed each (Astier et al. 2019, appendix A); direct:
one product of slices for each lag. All in float32 input, with bad pixels. The agreement is the largest difference of a
covariance in units of the variance, beside the direct way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.fft
from harness import Agreement, Contest, Function, Options, Target, main

from fullwell.kernels import covariances_reference
from fullwell.kernels.covariances import lag_sums
from fullwell.kernels.pool import default_workers

LAGS = 11
Sums = tuple[np.ndarray, np.ndarray]


def by_fft(values: np.ndarray, good: np.ndarray, *, lags: int) -> Sums:
    size = [scipy.fft.next_fast_len(n + lags, real=True) for n in values.shape]

    def correlate(array: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.rfft2(array, size)) ** 2
        full = np.fft.irfft2(power, size)
        both = full[:lags, :lags].copy()
        both[1:, 1:] += full[1:lags, :-lags:-1]
        return both.T

    return correlate(values), correlate(good.astype(values.dtype))


def contests(options: Options) -> Iterator[Contest]:
    shape = (256, 128) if options.quick else (2048, 512)
    rng = np.random.default_rng(1)
    good = rng.random(shape) > 0.01
    values = np.where(good, rng.normal(0, 200, shape), 0).astype(np.float32)
    threads = f"fullwell, {default_workers()} threads"
    ways: dict[str, Callable[[], Sums]] = {
        "fullwell, 1 thread": lambda: lag_sums(values, good, lags=LAGS, workers=1),
        threads: lambda: lag_sums(values, good, lags=LAGS),
        "NumPy, FFT, float64": lambda: by_fft(values.astype(np.float64), good, lags=LAGS),
        "NumPy, FFT, float32": lambda: by_fft(values, good, lags=LAGS),
        "NumPy, direct": lambda: covariances_reference.lag_sums(values, good, lags=LAGS),
    }
    sums, counts = ways["NumPy, direct"]()

    def judge(name: str, result: Sums) -> Agreement | None:
        if name == "NumPy, direct":
            return None
        worst = np.abs(result[0] / result[1] - sums / counts).max() * counts[0, 0] / sums[0, 0]
        return Agreement(f"largest difference {worst:.1e} variances", float(worst < 1e-4))

    yield Contest(
        work="covariances",
        title="Covariances of pixels",
        about=f"An amplifier of {shape[0]} x {shape[1]} pixels, lags to {LAGS - 1} in both directions.",
        rivals=[Function(name, call) for name, call in ways.items()],
        targets=[
            Target(name, over=name, under="fullwell, 1 thread")
            for name in ways
            if not name.startswith("fullwell")
        ],
        judge=judge,
    )


if __name__ == "__main__":
    main(contests)
