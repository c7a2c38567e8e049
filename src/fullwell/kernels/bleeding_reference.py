"""Charge that is too much for its pixel, in plain Python; `bleeding_compiled` does the same, compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["share", "spill"]

Column = npt.NDArray[np.float64]


def share(charge: Column, onset: Column, ramp: Column, largest: float) -> None:
    """Let neighbors share what they hold above the onset; in place.

    Between pixels i and i + 1 flows ``k (e_i - e_(i+1))`` with ``e = max(charge - onset, 0)`` and
    ``k = largest min((e_i + e_(i+1)) / 2 ramp, 1)``, rounded to whole electrons.

    Parameters
    ----------
    charge, onset, ramp : ndarray of float64, one-dimensional
        Electrons.
    largest : float
        0 to 1/4: with more a pixel could give away more than it has above the onset.
    """
    excess = np.maximum(charge - onset, 0.0)
    strength = largest * np.minimum(0.5 * (excess[:-1] + excess[1:]) / ramp[:-1], 1.0)
    flow = np.rint(strength * (excess[:-1] - excess[1:]))
    charge[:-1] -= flow
    charge[1:] += flow


def spill(
    charge: Column, capacity: Column, *, drain: float, open_low: bool, open_high: bool
) -> tuple[npt.NDArray[np.bool_], float, float]:
    """Let what is above the capacity run along the column; in place.

    Half of the excess of each pixel runs up, half down, and fills the pixels it comes by to their capacity.
    What reaches an open end is lost, at a closed end it turns round.

    Parameters
    ----------
    charge, capacity : ndarray of float64, one-dimensional
        Electrons.
    drain : float
        Share of the excess that goes down an anti-blooming drain at once.
    open_low, open_high : bool
        Whether a register takes what arrives at that end.

    Returns
    -------
    reached : ndarray of bool
        Pixels that received charge of others.
    lost, drained : float
        Electrons that left at an open end, and down the drain.
    """
    excess = np.maximum(charge - capacity, 0.0)
    away = np.rint(drain * excess)
    excess -= away
    up = np.floor(0.5 * excess)
    down = excess - up
    np.minimum(charge, capacity, out=charge)
    reached = np.zeros(charge.size, bool)

    def run(order: range, sources: Column | None, carried: float) -> float:
        for i in order:
            filled = min(capacity[i] - charge[i], carried)
            if filled > 0:
                charge[i] += filled
                carried -= filled
                reached[i] = True
            if sources is not None:
                carried += sources[i]
        return carried

    n = charge.size
    lost = 0.0
    carried = run(range(n), up, 0.0)
    if open_high:
        lost += carried
        carried = 0.0
    carried = run(range(n - 1, -1, -1), down, carried)
    if not open_low:
        carried = run(range(n), None, carried)
        if not open_high:
            # Nowhere to go: a column that is closed at both ends and full.
            charge[n - 1] += carried
            carried = 0.0
    return reached, float(lost + carried), float(away.sum())
