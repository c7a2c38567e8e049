"""What all tasks of a night share: where things go, how frames are read, which masters are in memory."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

import attrs
from astropy.io.fits import Header

from fullwell.detector import Detector
from fullwell.effects import ADC
from fullwell.effects.storage import load_product
from fullwell.frame import Frame, FrameSet
from fullwell.io import read
from fullwell.night.looking import Look
from fullwell.night.settings import ReduceConfig
from fullwell.sorting import FrameRecord

__all__ = ["Context", "Masters"]

COMMON_CARDS = (
    *("INSTRUME", "DETECTOR", "CAMERA", "TELESCOP", "OBSERVAT", "FILTER", "XBINNING", "YBINNING", "CCDSUM"),
    *("CCD-TEMP", "CCDTEMP", "SET-TEMP", "EGAIN", "GAIN", "RDNOISE", "READOUTM", "XPIXSZ", "YPIXSZ", "DATE-OBS"),
)


class Masters:
    """The masters that were used last, kept in memory for the frames that come next.

    Parameters
    ----------
    most : int
        How many to keep.
    """

    def __init__(self, most: int = 8) -> None:
        self._most = most
        self._held: OrderedDict[tuple[Path, str], Any] = OrderedDict()
        self._lock = Lock()

    def load(self, path: Path, key: str) -> Any:
        """Return the master of that file; `key` tells whether a held one is still the same."""
        with self._lock:
            if (path, key) not in self._held:
                self._held[path, key] = load_product(path)
                while len(self._held) > self._most:
                    self._held.popitem(last=False)
            self._held.move_to_end((path, key))
            return self._held[path, key]


@attrs.frozen(eq=False)
class Context:
    """Shared by all tasks.

    Parameters
    ----------
    out : Path
        Output folder.
    config : ReduceConfig
    version, config_id : str
        Go into keys and headers.
    looks : dict of str to Look
        By content hash.
    preset : Detector or None
        Geometry the user named.
    overwrite : bool
        Whether files that are not ours may be replaced.
    masters : Masters
    """

    out: Path
    config: ReduceConfig
    version: str
    config_id: str
    looks: dict[str, Look]
    preset: Detector | None = None
    overwrite: bool = False
    masters: Masters = attrs.field(factory=Masters)

    @property
    def memory(self) -> int:
        """Ceiling of one stack in bytes."""
        return self.config.combine.memory * 2**20

    def read(self, record: FrameRecord) -> Frame:
        """Read a raw frame with the geometry and times that hold for it."""
        return read_raw(record, self.preset)

    def frames(self, records: tuple[FrameRecord, ...]) -> FrameSet:
        """Return the raw frames, read one at a time."""
        return FrameSet(records, load=self.read, names=[record.name for record in records])

    def adc(self, records: tuple[FrameRecord, ...]) -> ADC:
        """Return the converter as the values of these frames show it."""
        looks = [self.looks[record.content_hash] for record in records]
        levels = [record.metadata.saturation.value for record in records]
        header = min((level for level in levels if level), default=None)
        saturation = self.config.detector.saturation or header
        shift = min(seen.shift for seen in looks)
        bits = min(max(seen.bits for seen in looks), 24)
        return ADC(bits=bits, shift=shift, saturation=saturation)

    def header(self, records: tuple[FrameRecord, ...]) -> Header:
        """Cards that all of these frames have in common, of those a master should carry."""
        headers = [self.read_header(record) for record in records]
        common = Header()
        for keyword in COMMON_CARDS:
            values = {str(header.get(keyword)) for header in headers}
            if len(values) == 1 and keyword in headers[0]:
                common[keyword] = (headers[0][keyword], headers[0].comments[keyword])
        return common

    @staticmethod
    def read_header(record: FrameRecord) -> Header:
        """Return the header of a raw frame."""
        from fullwell.io import scan

        return scan(record.path, verify=False).header

    def provenance(self, key: str, records: tuple[FrameRecord, ...]) -> dict[str, Any]:
        """Cards that say what a product was made of and by what; no clock, no names, no paths."""
        cards: dict[str, Any] = {
            "FWVERS": (self.version, "version of fullwell"),
            "FWCONF": (self.config_id, "hash of the configuration"),
            "FWKEY": (key, "hash of all this depends on"),
            "NINPUT": (len(records), "number of input frames"),
        }
        for i, record in enumerate(records, start=1):
            cards[f"INPUT{i}" if i < 1000 else f"INP{i}"] = (record.content_hash[:16], "content of input")
        return cards


def read_raw(record: FrameRecord, preset: Detector | None) -> Frame:
    """Read the frame of a record; `preset` gives its geometry where it fits."""
    if preset is not None and record.shape not in (preset.shape, preset.raw_shape):
        preset = None
    return read(record.path, detector=preset)
