"""Raw FITS files: chosen cards, bytes that depend on nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io.fits import Card, Header

from fullwell.detector import Detector
from fullwell.simulation.cards import amplifier_cards, raw_cards
from fullwell.simulation.scenario import Scenario
from fullwell.simulation.schedule import Shot

__all__ = ["raw_bytes", "raw_size"]

BLOCK = 2880


def raw_bytes(data: npt.NDArray[Any], scenario: Scenario, shot: Shot, detector: Detector) -> bytes:
    """Return the bytes of a raw frame: one image, or for several amplifiers an extension each.

    Parameters
    ----------
    data : ndarray of uint16 or int32, two-dimensional
        uint16 is stored as int16 with an offset of 32768.
    scenario : Scenario
    shot : Shot
    detector : Detector
    """
    cards = raw_cards(scenario, shot, detector=detector)
    if len(detector.amplifiers) == 1:
        return _header(cards) + _body(data)
    parts = [_header(cards)]
    for number, amplifier in enumerate(detector.amplifiers):
        parts += [
            _header(amplifier_cards(scenario, number, detector=detector)),
            _body(data[amplifier.raw.slices]),
        ]
    return b"".join(parts)


def raw_size(detector: Detector) -> int:
    """Return about how many bytes a raw frame has; headers count with one block each."""
    width = 2 if detector.adc_bits <= 16 else 4
    sizes = [_padded(width * a.raw.shape[0] * a.raw.shape[1]) for a in detector.amplifiers]
    if len(sizes) == 1:
        rows, columns = detector.raw_shape
        return BLOCK + _padded(width * rows * columns)
    return BLOCK + sum(BLOCK + size for size in sizes)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _header(cards: list[Card]) -> bytes:
    text: bytes = Header(cards).tostring(sep="", endcard=True, padding=True).encode("ascii")
    return text


def _body(data: npt.NDArray[Any]) -> bytes:
    stored = (data ^ np.uint16(0x8000)).view(np.int16) if data.dtype == np.uint16 else data
    body: bytes = stored.astype(stored.dtype.newbyteorder(">")).tobytes()
    return body + bytes(-len(body) % BLOCK)
