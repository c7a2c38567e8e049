"""Where late charge goes: the arithmetic of one register, all rows side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy import units as u

from fullwell.quantities import quantity

__all__ = ["Trap", "trail"]

#: Part of a packet that may be missing from the sum over the pixels in which it arrives.
REST = 1e-12


@attrs.frozen
class Trap:
    """A trap in a register, or in each column, which every packet from further out passes.

    Parameters
    ----------
    pixel : int
        Transfers from the trap to the output; packets that start at it or beyond pass it.
    size : Quantity or float
        Electrons that it holds at most.
    fill : float
        Part of a packet that it takes, up to its size.
    release : float
        Transfers in which it empties to 1/e.
    amplifier : int or None
        Number of the one amplifier that has it; None: all have one.

    Notes
    -----
    The linear trap of Snyder et al. 2021 (JATIS 7, 048002): it captures at once and releases exponentially.
    """

    pixel: int = attrs.field(**quantity(least=0, most=1_000_000, whole=True))
    size: float = attrs.field(**quantity(u.electron, least=0, infinite=True))
    fill: float = attrs.field(default=0.01, **quantity(least=0, most=1))
    release: float = attrs.field(default=3.0, **quantity(above=0))
    amplifier: int | None = attrs.field(
        default=None,
        **quantity(least=0, most=10_000, whole=True, optional=True),
    )


def trail(
    charge: npt.NDArray[np.float64], fraction: float, *, traps: Iterable[Trap] = ()
) -> npt.NDArray[np.float64]:
    """Read out rows of packets through a register that leaves some of them behind.

    Parameters
    ----------
    charge : ndarray, shape (rows, pixels)
        The packet that is read first stands first.
    fraction : float
        Left behind in each transfer.
    traps : sequence of Trap
        Each row meets them empty; whose they are is not looked at.

    Returns
    -------
    ndarray of float64, same shape
        What arrives in each pixel. Charge that is later than the last pixel is lost with it.
    """
    result = charge.astype(np.float64)
    if fraction > 0:
        transfers = np.arange(1, charge.shape[1] + 1, dtype=np.float64)
        share = (1 - fraction) ** transfers
        rest = 1 - share
        result = charge * share
        late = 0
        while rest.max() > REST and late + 1 < charge.shape[1]:
            late += 1
            share = share * fraction * (transfers + late - 1) / late
            rest = rest - share
            result[:, late:] += charge[:, :-late] * share[:-late]
    for trap in traps:
        result = _through(result, trap)
    return result


def _through(charge: npt.NDArray[np.float64], trap: Trap) -> npt.NDArray[Any]:
    result = charge.copy()
    kept = np.exp(-1 / trap.release)
    held = np.zeros(charge.shape[0])
    for pixel in range(trap.pixel, charge.shape[1]):
        released = held * (1 - kept)
        held = held - released
        packet = charge[:, pixel] + released
        caught = np.clip(np.minimum(trap.fill * np.maximum(packet, 0), trap.size) - held, 0, None)
        held = held + caught
        result[:, pixel] = packet - caught
    return result
