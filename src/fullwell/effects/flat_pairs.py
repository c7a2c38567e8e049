"""Photon transfer on frames that still have everything in: a chain takes out what comes before the gain."""

from __future__ import annotations

import numpy as np

from fullwell.effects.base import Chain
from fullwell.errors import FrameError
from fullwell.frame import FrameSet
from fullwell.photon_transfer import PhotonTransfer, match_pairs
from fullwell.photon_transfer.estimates import Estimate

__all__ = ["known_everywhere", "transfer_of"]


def transfer_of(frames: FrameSet, *, known: Chain | None, model: str) -> PhotonTransfer:
    """Match flats by exposure time, correct them and fit.

    Parameters
    ----------
    frames : FrameSet
        Flats of many levels, two or more of each; pairs of biases may be among them.
    known : Chain, optional
        Takes out bias or overscan, and nothing later; without it the frames have to be without bias.
    model : str
        See `PhotonTransfer.fit`.
    """
    numbers, _ = match_pairs(frames)

    def corrected(number: int) -> object:
        return frames[number] if known is None else known.correct(frames[number])

    return PhotonTransfer.fit(((corrected(i), corrected(j)) for i, j in numbers), model=model)


def known_everywhere(estimate: Estimate, transfer: PhotonTransfer, what: str) -> Estimate:
    """Return the estimate if every amplifier has one.

    Raises
    ------
    FrameError
        If not, with the names and reasons.
    """
    missing = [
        f"{fit.curve.amplifier} ({fit.trouble or 'no positive value'})"
        for fit, value in zip(transfer.amplifiers, estimate.value, strict=True)
        if not (np.isfinite(value) and value > 0)
    ]
    if missing:
        raise FrameError(f"no {what} for amplifier {', '.join(missing)}")
    return estimate
