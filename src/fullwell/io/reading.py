"""FITS in: one file to a `Frame`, many to a `FrameSet`."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io.fits import Header

from fullwell.detector import Detector
from fullwell.errors import FrameError, UnreadableFile
from fullwell.flags import FLAG_DTYPE, FlagImage, Flags
from fullwell.frame import Frame, FrameSet, as_frame
from fullwell.io.checks import DEFAULT_LIMITS, Limits, check_size, own_errors
from fullwell.io.checksums import VERIFIED, Memory, verify_checksums
from fullwell.io.contents import Contents, choose_unit, contents_of
from fullwell.io.dialects import translate
from fullwell.io.hygiene import without_structure
from fullwell.io.pixels import decode, pixel_type
from fullwell.io.planes import flags_from_flags, flags_from_mask, variance_from
from fullwell.io.sections import mosaic
from fullwell.io.sources import Source, open_source
from fullwell.io.structure import walk

__all__ = ["frames", "read", "read_image"]


def read(
    path: str | os.PathLike[str],
    *,
    hdu: int | str | None = None,
    detector: Detector | None = None,
    limits: Limits = DEFAULT_LIMITS,
    verify: bool = True,
    memory: Memory = VERIFIED,
) -> Frame:
    """Read one frame from a FITS file.

    Plain, tile-compressed (``.fz``) and gzipped files, files with one extension for each
    amplifier (NOAO section cards; the frame is then in the raw layout of its detector), and
    what `write` and astropy's CCDData have written.

    Parameters
    ----------
    path : path
        The file.
    hdu : int or str, optional
        Number or EXTNAME of the image; the first one, or all amplifiers, if not given.
    detector : Detector, optional
        Geometry, instead of that in the section cards.
    limits : Limits
        What a file may ask for.
    verify : bool
        Whether CHECKSUM and DATASUM are compared with the bytes, where the file has them.
    memory : Memory
        Which files were verified before; once is enough.

    Returns
    -------
    Frame
        Integers stay integers (uint16 where BZERO says so), float32 stays float32, in native
        byte order. Pixels that are not finite, or BLANK, have the plane NO_DATA and keep their
        value. `header` is without the cards that describe the layout of the file.

    Raises
    ------
    FileError
        One of its children: UnreadableFile, NotFits, CorruptFile, ChecksumMismatch, NoImage,
        UnsupportedImage, TooLarge.
    FrameError
        If the unit is not known, or sections or planes do not fit the image.
    """
    with own_errors(path), open_source(path, limits=limits) as source:
        contents = contents_of(source, limits=limits, hdu=hdu, detector=detector)
        if verify:
            verify_checksums(source, contents.units, memory=memory)
        return _frame(source, contents, limits)


def read_image(
    path: str | os.PathLike[str],
    hdu: int | str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    verify: bool = True,
    memory: Memory = VERIFIED,
) -> tuple[npt.NDArray[Any], Header]:
    """Read one image of any number of dimensions, such as an `extra` of `write`.

    Parameters
    ----------
    path : path
        The file.
    hdu : int or str
        Number or EXTNAME of the image.
    limits, verify, memory
        As for `read`.

    Returns
    -------
    data : ndarray
        In native byte order.
    header : Header
        Of this image alone.

    Raises
    ------
    FileError
        As for `read`.
    """
    with own_errors(path), open_source(path, limits=limits) as source:
        units = walk(source, limits=limits)
        if verify:
            verify_checksums(source, units, memory=memory)
        unit = choose_unit(source, units, hdu)
        item = max(abs(unit.bitpix) // 8, pixel_type(unit, source=source).itemsize)
        check_size([unit.axes], item_bytes=item, limits=limits, path=source.path)
        return decode(source, unit, limits=limits)[0], without_structure(unit.header)


def frames(source: str | os.PathLike[str] | Iterable[Any], **kwargs: Any) -> FrameSet:
    """Gather many frames, read one at a time when they are asked for.

    Parameters
    ----------
    source : str, path or iterable
        A pattern such as ``'RAW/bias_*.fits'`` (its files in the natural order of their names:
        2 before 10), one file, or a sequence of paths, Frames, CCDData and arrays.
    **kwargs
        For `read`.

    Returns
    -------
    FrameSet

    Raises
    ------
    UnreadableFile
        If the pattern matches nothing, or `source` is a folder.
    """
    if isinstance(source, FrameSet):
        return source
    if isinstance(source, (str, os.PathLike)):
        items: list[Any] = list(_matches(source))
    elif isinstance(source, Frame) or hasattr(source, "uncertainty"):
        items = [source]
    else:
        items = list(source)

    def load(item: Any) -> Frame:
        return read(item, **kwargs) if isinstance(item, (str, os.PathLike)) else as_frame(item)

    return FrameSet(items, load=load, names=[_name(item, i) for i, item in enumerate(items)])


def _matches(source: str | os.PathLike[str]) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        raise UnreadableFile(source, f"is a folder; give a pattern such as {str(path / '*.fits')!r}")
    if path.exists():
        return [path]
    found = [Path(name) for name in glob.glob(os.fspath(source), recursive=True)]  # noqa: PTH207
    if not found:
        what = "no file matches this pattern" if glob.has_magic(os.fspath(source)) else "does not exist"
        raise UnreadableFile(source, what)
    return sorted(found, key=_natural)


def _natural(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    parts = re.split(r"(\d+)", path.name)
    return [(int(p), len(p), "") if p.isdigit() else (-1, 0, p) for p in parts], str(path)


def _name(item: Any, index: int) -> str:
    if isinstance(item, (str, os.PathLike)):
        return Path(item).name
    return str(getattr(item, "source", "")) or str(index)


def _frame(source: Source, contents: Contents, limits: Limits) -> Frame:
    decoded = [decode(source, unit, limits=limits) for unit in contents.images]
    data, blank = _joined(decoded, contents)
    variance = None
    flags = np.zeros(data.shape, FLAG_DTYPE)
    planes = {
        name: (decode(source, unit, limits=limits)[0].reshape(data.shape), unit.header)
        for name, unit in contents.planes.items()
    }
    try:
        if "UNCERT" in planes:
            variance = variance_from(*planes["UNCERT"])
        if "FLAGS" in planes:
            flags = flags_from_flags(*planes["FLAGS"])
        elif "MASK" in planes:
            flags = flags_from_mask(planes["MASK"][0])
    except FrameError as error:
        raise FrameError(f"{source.path}: {error}") from error
    _flag_missing(flags, data, blank)
    metadata = translate(contents.header)
    return Frame(
        data,
        variance=variance,
        flags=flags,
        unit=contents.unit,
        header=contents.header,
        detector=contents.detector,
        exposure_time=metadata.exposure_time.value,
        dark_time=metadata.dark_time.value,
        temperature=metadata.kelvin,
        applied=tuple(str(contents.header.get("FWAPPLY", "")).split()),
        source=source.path.name,
    )


def _joined(
    decoded: list[tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]], contents: Contents
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    if not contents.mosaic:
        data, blank = decoded[0]
        return data.reshape(contents.shape), None if blank is None else blank.reshape(contents.shape)
    if contents.detector is None:
        raise FrameError("several images without a geometry")
    arrays = [data.reshape(data.shape[-2:]) for data, _ in decoded]
    data = mosaic(arrays, contents.detector)
    if all(blank is None for _, blank in decoded):
        return data, None
    blanks = [
        np.zeros(array.shape, bool) if blank is None else blank.reshape(array.shape)
        for array, (_, blank) in zip(arrays, decoded, strict=True)
    ]
    return data, mosaic(blanks, contents.detector)


def _flag_missing(flags: FlagImage, data: npt.NDArray[Any], blank: npt.NDArray[np.bool_] | None) -> None:
    missing = FLAG_DTYPE.type(Flags.NO_DATA)
    if blank is not None:
        flags[blank] |= missing
    if data.dtype.kind == "f":
        finite = np.isfinite(data)
        if not finite.all():
            flags[~finite] |= missing
