"""The stretches of `fullwell.picture` for matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from fullwell.picture import Stretch, bend, unbend

__all__ = ["StretchNorm", "ticks_of"]


class StretchNorm(Normalize):
    """Pixel values to fractions of the gray levels, and back for the color bar.

    Parameters
    ----------
    low, high : float
        Black and white.
    how : {'linear', 'asinh', 'log', 'sqrt'}
    """

    def __init__(self, low: float, high: float, how: Stretch) -> None:
        super().__init__(low, high)
        self.low, self.high = low, high
        self.how: Stretch = how

    def __call__(self, value: Any, clip: bool | None = None) -> Any:  # noqa: ARG002
        """Gray levels of values; what is masked stays masked."""
        values, scalar = self.process_value(value)
        fraction = (values.data - self.low) / (self.high - self.low)
        level = np.ma.array(bend(np.clip(fraction, 0, 1), self.how), mask=np.ma.getmask(values))
        return level[0] if scalar else level

    def inverse(self, value: Any) -> Any:
        """Values of gray levels."""
        levels = np.ma.getdata(value)
        return self.low + unbend(np.clip(levels, 0, 1), self.how) * (self.high - self.low)


def ticks_of(norm: StretchNorm, count: int = 6) -> tuple[list[float], list[str]]:
    """Round values where gray follows them, else those at even steps of gray, told apart by their digits."""
    if norm.how == "linear":
        round_ones = MaxNLocator(count).tick_values(norm.low, norm.high)
        values = [float(value) for value in round_ones if norm.low <= value <= norm.high]
    else:
        values = [float(norm.inverse(level)) for level in np.linspace(0, 1, count)]
    least = max(min(np.diff(values)), 1e-300)
    digits = max(0, int(np.ceil(-np.log10(least))))
    largest = max(abs(values[0]), abs(values[-1]))
    if digits < 5 and largest < 1e7:
        return values, [f"{value:.{digits}f}" for value in values]
    significant = min(max(4, int(np.ceil(np.log10(largest / least))) + 1), 15)
    return values, [f"{value:.{significant}g}" for value in values]
