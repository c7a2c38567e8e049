"""FITS in and out: reading, looking, writing, and what headers mean."""

from fullwell.io.ahead import frames_ahead
from fullwell.io.checks import Limits
from fullwell.io.checksums import ChecksumMemory, Memory
from fullwell.io.hygiene import electron_header, trimmed_header
from fullwell.io.mapping import FilePlane, MappedFrame, map_frame
from fullwell.io.reading import frames, read, read_image
from fullwell.io.rows import RowWriter, write_by_rows
from fullwell.io.scanning import FileSummary, content_hash, scan
from fullwell.io.writing import write

__all__ = [
    "ChecksumMemory",
    "FilePlane",
    "FileSummary",
    "Limits",
    "MappedFrame",
    "Memory",
    "RowWriter",
    "content_hash",
    "electron_header",
    "frames",
    "frames_ahead",
    "map_frame",
    "read",
    "read_image",
    "scan",
    "trimmed_header",
    "write",
    "write_by_rows",
]
