"""The analog-to-digital converters of a night, as the values of its frames show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from fullwell.effects import ADC
from fullwell.night.looking import Look
from fullwell.sorting import FrameRecord

__all__ = ["Converters", "container_bits"]


def container_bits(record: FrameRecord) -> int:
    """Bits that the stored values of a frame have room for, the sign left out; at most 24 count."""
    return {"uint8": 8, "int16": 15, "uint16": 16}.get(record.dtype, 24)


class Converters:
    """What the frames of each camera say together about its converter.

    Parameters
    ----------
    records : sequence of FrameRecord
    looks : mapping of str to Look
        By content hash.
    adc_bits : int or None
        Bits that the user or a preset told.

    Notes
    -----
    A single frame may not tell whether its values are shifted: a bias has few different values, a saturated
    flat only one. So all frames of one camera, read-out mode and type of number are asked, and the least
    shift that any of them shows is that of all.
    """

    def __init__(
        self, records: Sequence[FrameRecord], looks: Mapping[str, Look], *, adc_bits: int | None = None
    ) -> None:
        self._adc_bits = adc_bits
        shifts: dict[Any, list[int]] = defaultdict(list)
        for record in records:
            shift = looks[record.content_hash].shift
            if shift is not None:
                shifts[_electronics(record)].append(shift)
        self._shifts = {key: min(values) for key, values in shifts.items()}

    def of(self, records: Sequence[FrameRecord], *, saturation: float | None = None) -> ADC:
        """Return the converter of frames that were read out alike.

        Parameters
        ----------
        records : sequence of FrameRecord
        saturation : float, optional
            ADU, as the user told; the lowest that a header states if not given.
        """
        first = records[0]
        shift = self._shifts.get(_electronics(first), 0)
        levels = [float(level) for r in records if (level := r.metadata.saturation.value)]
        if saturation is None:
            saturation = min(levels, default=None)
        bits = self._adc_bits or container_bits(first) - shift
        return ADC(bits=max(8, bits), shift=shift, saturation=saturation)


def _electronics(record: FrameRecord) -> Any:
    return record.metadata.camera.value, record.metadata.readout_mode.value, record.dtype
