"""The histogram of a frame of the simulator, and the curve that it should follow."""

from __future__ import annotations

import math
from typing import Self

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.kernels.histograms import count_values

__all__ = ["Expected", "Histogram"]

#: Bins of whole ADU at most, quantiles that are inside, and sigmas around the expected mean that are too.
_BINS = 200
_INSIDE = (0.001, 0.99)
_SIGMAS = 6.0


@attrs.frozen
class Expected:
    """Mean and standard deviation of a pixel that sees nothing but the sky, in ADU."""

    mean: float
    sigma: float

    @classmethod
    def of(
        cls,
        *,
        bias: float,
        read_noise: float,
        gain: float,
        dark_current: float,
        exposure_time: float,
        sky: float,
    ) -> Self:
        """Add up levels, and variances: of reading, of counted electrons, and of rounding (1/12)."""
        electrons = (dark_current + sky) * exposure_time
        variance = (read_noise**2 + electrons) / gain**2 + 1 / 12
        return cls(bias + electrons / gain, math.sqrt(variance))

    @staticmethod
    def needs() -> tuple[str, ...]:
        """Return the names of the sliders that count."""
        return "bias", "read_noise", "gain", "dark_current", "exposure_time", "sky"


@attrs.frozen
class Histogram:
    """Counts of pixel values.

    Parameters
    ----------
    start, width : int
        Lowest value of the first bin, and whole ADU of each.
    counts : list of int
    below, above : int
        Pixels outside of the bins.
    mean, sigma, median, robust_sigma : float
        Of all pixels; the last from the quartiles, so that stars and hot pixels do not count.
    minimum, maximum : int
    saturated : int
        Pixels at the end of the converter.
    limits : (float, float)
        A stretch: 0.5 and 99.5 % of the pixels lie below.
    """

    start: int
    width: int
    counts: list[int]
    below: int
    above: int
    mean: float
    sigma: float
    median: float
    robust_sigma: float
    minimum: int
    maximum: int
    saturated: int
    limits: tuple[float, float]

    @classmethod
    def of(cls, frame: npt.NDArray[np.uint16], *, around: Expected) -> Self:
        """Count the values of a frame; the bins hold most of its pixels, and the expected curve."""
        each = count_values(frame)
        total = np.cumsum(each)
        used = np.flatnonzero(each)

        def quantile(part: float) -> float:
            return float(np.searchsorted(total, part * frame.size))

        reach = _SIGMAS * around.sigma
        low = max(int(min(quantile(_INSIDE[0]), around.mean - reach)), 0)
        high = min(int(max(quantile(_INSIDE[1]), around.mean + reach)), 65535)
        low = min(low, high)
        width = -(-(high - low + 1) // _BINS)
        bins = -(-(high - low + 1) // width)
        inside = np.zeros(bins * width, np.int64)
        part = each[low : low + inside.size]
        inside[: part.size] = part
        counts = inside.reshape(bins, width).sum(axis=1)
        below = int(each[:low].sum())
        quartiles = (_within(total, frame.size, 0.25), _within(total, frame.size, 0.75))
        return cls(
            start=low,
            width=width,
            counts=counts.tolist(),
            below=below,
            above=int(frame.size - below - counts.sum()),
            mean=float(frame.mean(dtype=np.float64)),
            sigma=float(frame.std(dtype=np.float64)),
            median=quantile(0.5),
            robust_sigma=(quartiles[1] - quartiles[0]) / 1.3489795,
            minimum=int(used[0]),
            maximum=int(used[-1]),
            saturated=int(each[65535]),
            limits=(quantile(0.005), max(quantile(0.995), quantile(0.005) + 1)),
        )


def _within(total: npt.NDArray[np.int64], size: int, part: float) -> float:
    """Quantile with its place inside a code, whose values are spread evenly over it."""
    wanted = part * size
    code = int(np.searchsorted(total, wanted))
    before = float(total[code - 1]) if code else 0.0
    return code - 0.5 + (wanted - before) / max(float(total[code]) - before, 1.0)
