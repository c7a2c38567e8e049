"""Raw files between the first look and the last: read where they are, refused when they have changed."""

from __future__ import annotations

from pathlib import Path

from astropy.io.fits import Header

from fullwell.detector import Detector
from fullwell.errors import FileError, UnreadableFile
from fullwell.frame import Frame
from fullwell.io import FileSummary, read, scan
from fullwell.sorting import FrameRecord

__all__ = ["CARRIED", "RawFiles"]

#: Cards that a master carries along where all of its frames agree.
CARRIED = (
    *("INSTRUME", "DETECTOR", "CAMERA", "TELESCOP", "OBSERVAT", "FILTER", "XBINNING", "YBINNING", "CCDSUM"),
    *("CCD-TEMP", "CCDTEMP", "SET-TEMP", "EGAIN", "GAIN", "RDNOISE", "READOUTM", "XPIXSZ", "YPIXSZ"),
    "DATE-OBS",
)

State = tuple[int, int, int]


class RawFiles:
    """The raw files of a night.

    Parameters
    ----------
    preset : Detector or None
        Geometry the user named; used for frames of its size.

    Notes
    -----
    A product names the content of its inputs as it was when the folder was scanned. So a file whose size,
    time of change or inode is another one after its pixels were read is refused.
    """

    def __init__(self, preset: Detector | None = None) -> None:
        self.preset = preset
        self._states: dict[Path, State] = {}
        self._cards: dict[str, Header] = {}

    def scan(self, path: Path) -> FileSummary:
        """Scan a file and remember in which state it was."""
        state = _state(path)
        summary = scan(path)
        if state is not None:
            self._states[path] = state
        return summary

    def fits_preset(self, record: FrameRecord) -> bool:
        """Whether the geometry that the user named is that of this frame."""
        return self.preset is not None and record.shape in (self.preset.shape, self.preset.raw_shape)

    def read(self, record: FrameRecord) -> Frame:
        """Read a raw frame with the geometry that holds for it.

        Raises
        ------
        FileError
            If it cannot be read, or is not the file any more that was scanned.
        """
        try:
            frame = read(record.path, detector=self.preset if self.fits_preset(record) else None)
        except FileError as error:
            raise type(error)(record.name, error.reason) from error
        known = self._states.get(record.path)
        if known is not None and _state(record.path) != known:
            raise UnreadableFile(record.name, "changed while the night was reduced; run again")
        self._cards.setdefault(record.content_hash, _carried(frame.header))
        # Masters are chosen by classes of temperature, a span of 1 K each: within those nothing is scaled.
        return frame.with_(temperature=None)

    def header(self, records: tuple[FrameRecord, ...]) -> Header:
        """Cards that all of these frames have in common, of those a master should carry."""
        headers = [self._header(record) for record in records]
        common = Header()
        for keyword in CARRIED:
            values = {str(header.get(keyword)) for header in headers}
            if len(values) == 1 and keyword in headers[0]:
                common[keyword] = (headers[0][keyword], headers[0].comments[keyword])
        return common

    def _header(self, record: FrameRecord) -> Header:
        if record.content_hash not in self._cards:
            self._cards[record.content_hash] = _carried(scan(record.path, verify=False).header)
        return self._cards[record.content_hash]


def _carried(header: Header) -> Header:
    return Header([header.cards[keyword] for keyword in CARRIED if keyword in header])


def _state(path: Path) -> State | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
