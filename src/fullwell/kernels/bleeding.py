"""Charge above the blooming onset and above the full well, along the columns of an image."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.kernels.pool import over_blocks

__all__ = ["Spilled", "bleed", "warm_up"]

_COLUMNS = 64  # that one call of the compiled loop takes


@attrs.frozen(eq=False)
class Spilled:
    """What became of the charge that was too much.

    Parameters
    ----------
    full, reached : ndarray of bool, shape of the block
        Pixels above their capacity by themselves, and pixels that received charge of others.
    lost, drained : float
        Electrons that left at an open end, and down the drain.
    """

    full: npt.NDArray[np.bool_]
    reached: npt.NDArray[np.bool_]
    lost: float
    drained: float


def bleed(
    block: npt.NDArray[Any],
    *,
    capacity: npt.NDArray[np.float64],
    onset: npt.NDArray[np.float64],
    ramp: npt.NDArray[np.float64],
    largest: float,
    drain: float,
    open_low: bool,
    open_high: bool,
) -> Spilled:
    """Share and spill charge along the columns of `block`, in place.

    Parameters
    ----------
    block : ndarray, shape (rows, columns)
        Electrons; may be a view.
    capacity, onset, ramp : ndarray of float64, shape (rows,)
        Full well, blooming onset, and the charge above the onset at which neighbors share most freely.
    largest : float
        Greatest share that flows, 0 to 1/4.
    drain : float
        Anti-blooming, 0 to 1.
    open_low, open_high : bool
        Whether a register takes what arrives before the first row, behind the last.

    Notes
    -----
    The rule itself is in `fullwell.kernels.bleeding_reference`.
    """
    full = block > capacity[:, None]
    reached = np.zeros(block.shape, bool)
    # A pixel without a value neither gives nor takes.
    columns = np.flatnonzero((block > np.minimum(onset, capacity)[:, None]).any(axis=0))
    if not columns.size or not block.shape[0]:
        return Spilled(full, reached, 0.0, 0.0)
    # The register drains the column only after the closed end has sent back what came there.
    turned = open_high and not open_low
    step = -1 if turned else 1
    view, marks = block[::step], reached[::step]
    rows = tuple(np.ascontiguousarray(values[::step], np.float64) for values in (capacity, onset, ramp))

    def work(chosen: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        from fullwell.kernels.bleeding_compiled import share_columns, spill_columns

        charge = np.ascontiguousarray(view[:, chosen].T, np.float64)
        missing = ~np.isfinite(charge)
        charge[missing] = 0.0
        kept = charge.copy()
        touched = np.zeros(charge.shape, bool)
        gone = np.zeros(2)
        if largest > 0:
            share_columns(charge, rows[1], rows[2], largest)
        spill_columns(charge, rows[0], drain, open_low or turned, open_high and not turned, touched, gone)
        changed = charge != kept
        charge[missing] = np.nan
        result = view[:, chosen]
        result[changed.T] = charge.T[changed.T]
        view[:, chosen] = result
        marks[:, chosen] = touched.T
        return gone

    parts = [columns[start : start + _COLUMNS] for start in range(0, columns.size, _COLUMNS)]
    lost, drained = np.sum(over_blocks(work, parts), axis=0)
    return Spilled(full, reached, float(lost), float(drained))


def warm_up() -> None:
    """Compile the loops."""
    levels = np.full(4, 10.0)
    bleed(
        np.full((4, 2), 20.0, np.float32),
        capacity=levels,
        onset=levels,
        ramp=levels,
        largest=0.25,
        drain=0.0,
        open_low=True,
        open_high=False,
    )
