"""Looking at a file without loading its pixels, with all the checks that reading makes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from astropy import units as u
from astropy.io.fits import Header

from fullwell.detector import Detector
from fullwell.io.checks import DEFAULT_LIMITS, Limits, own_errors
from fullwell.io.checksums import VERIFIED, Memory, verify_checksums
from fullwell.io.contents import Contents, contents_of
from fullwell.io.sources import Source, open_source
from fullwell.io.tiles import check_tiles

__all__ = ["FileSummary", "content_hash", "scan"]


@attrs.frozen(eq=False)
class FileSummary:
    """What a file is, without its pixels.

    Parameters
    ----------
    path : Path
        As the user named it.
    size_bytes : int
        On disk.
    header : Header
        Cards of primary and image (the image's win), without those of the file's layout.
    shape : tuple of int
        Rows and columns of the frame that `read` returns.
    dtype : numpy dtype
        Of its data.
    unit : astropy unit
        Of its data.
    kind : str
        ``'plain'``, ``'compressed'`` (tiles), ``'gzip'`` or ``'mosaic'`` (an extension for each
        amplifier, compressed or not).
    number_of_images : int
        Two-dimensional images in the file; UNCERT, MASK and FLAGS left out.
    content_hash : str
        SHA-256 of the bytes of the file, 64 hex digits.
    detector : Detector or None
        Geometry from the section cards.
    planes : tuple of str
        Which of UNCERT, MASK and FLAGS the file has.
    """

    path: Path
    size_bytes: int
    header: Header
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    unit: u.UnitBase
    kind: str
    number_of_images: int
    content_hash: str
    detector: Detector | None = None
    planes: tuple[str, ...] = ()


def scan(
    path: str | os.PathLike[str],
    *,
    limits: Limits = DEFAULT_LIMITS,
    verify: bool = True,
    memory: Memory = VERIFIED,
) -> FileSummary:
    """Inspect a file as `read` would, without decoding its pixels.

    Parameters
    ----------
    path : path
        The file.
    limits, verify, memory
        As for `read`.

    Returns
    -------
    FileSummary

    Raises
    ------
    FileError, FrameError
        As for `read`.
    """
    with own_errors(path), open_source(path, limits=limits) as source:
        contents = contents_of(source, limits=limits)
        if verify:
            verify_checksums(source, contents.units, memory=memory)
        for unit in (*contents.images, *contents.planes.values()):
            if unit.kind == "compressed":
                check_tiles(source, unit, limits=limits)
        return FileSummary(
            path=source.path,
            size_bytes=source.file_size,
            header=contents.header,
            shape=contents.shape,
            dtype=contents.dtype,
            unit=contents.unit,
            kind=_kind(source, contents),
            number_of_images=contents.number_of_images,
            content_hash=content_hash(path),
            detector=contents.detector,
            planes=tuple(contents.planes),
        )


def content_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of the bytes of a file, as 64 hex digits.

    Raises
    ------
    UnreadableFile
        If it cannot be read.
    """
    with own_errors(path), Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _kind(source: Source, contents: Contents) -> str:
    if contents.mosaic:
        return "mosaic"
    if contents.images[0].kind == "compressed":
        return "compressed"
    return "gzip" if source.gzipped else "plain"
