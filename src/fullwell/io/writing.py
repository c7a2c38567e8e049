"""FITS out: whole or not at all, and the same bytes for the same content."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.io.fits import Card, Header

from fullwell.errors import FileError, FrameError, ParameterError
from fullwell.files import Content, write_whole
from fullwell.frame import Frame
from fullwell.io.bunit import bunit_of
from fullwell.io.card_text import history_lines
from fullwell.io.checks import quiet
from fullwell.io.dialects import translate
from fullwell.io.hygiene import legal_header, without_structure
from fullwell.io.places import checked_target
from fullwell.io.planes import PLANES, plane_images
from fullwell.io.streaming import Pixels, file_image, file_size, write_units
from fullwell.io.structure_cards import header_text, plane_text

__all__ = ["file_content", "headers_and_pixels", "own_write_errors", "write"]

_SAME_KELVIN = 1e-6
#: Bytes of a file that is put together in memory; larger ones are written piece by piece.
_MOST_IN_MEMORY = 2**29
_RESERVED = ("PRIMARY", "PSFIMAGE", *PLANES)


def write(
    frame: Frame,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    extra: Mapping[str, Any] | None = None,
    cards: Mapping[str, Any] | None = None,
    history: Sequence[str] = (),
    dtype: npt.DTypeLike = np.float32,
) -> None:
    """Write a frame as FITS, with everything `read` and astropy's ``CCDData.read`` need.

    The primary holds the data; UNCERT the standard deviation, where the frame has a variance
    (that of its masters included); MASK and FLAGS follow where there is a variance or any flag.
    The file appears whole or not at all, and holds no clock: the same content gives the same
    bytes. Integers and float32 come back exactly, a variance within 2e-7 of itself, numbers in the
    header to 12 digits or more (a card has 20 places for them).

    Parameters
    ----------
    frame : Frame
        What to write.
    path : path
        Where to; the folder must exist.
    overwrite : bool
        Whether a file of that name may be replaced.
    extra : mapping of str to ndarray or (ndarray, Header), optional
        Further images by EXTNAME, of any number of dimensions; see `read_image`.
    cards : mapping of str to value or (value, comment), optional
        Cards to set in the primary header.
    history : sequence of str
        HISTORY lines to add.
    dtype : dtype
        Floating point type on disk of data and extras; integers keep theirs.

    Raises
    ------
    AlreadyExists
        If the file is there and `overwrite` is False.
    FileError
        If it cannot be written (no folder, no permission, disk full); nothing is left behind.
    FrameError
        If the data cannot be stored: complex, beyond the range of `dtype`, negative variance.
    ParameterError
        If a card or the name of an extra is not legal, or `path` asks for compression.
    """
    target = checked_target(path, overwrite=overwrite)
    content = file_content(frame, extra=extra, cards=cards, history=history, dtype=dtype)
    with own_write_errors(target):
        write_whole(target, content, overwrite=overwrite)


def file_content(
    frame: Frame,
    *,
    extra: Mapping[str, Any] | None = None,
    cards: Mapping[str, Any] | None = None,
    history: Sequence[str] = (),
    dtype: npt.DTypeLike = np.float32,
) -> Content:
    """Return what `write` writes, for `fullwell.files.write_whole`; parameters are those of `write`.

    Unless it is very large, it holds on to nothing of the frame.

    Raises
    ------
    FrameError, ParameterError
        As for `write`.
    """
    headers, pixels = headers_and_pixels(frame, extra or {}, cards or {}, history, np.dtype(dtype))
    if file_size(headers, pixels) > _MOST_IN_MEMORY:
        return lambda stream: write_units(stream, headers, pixels)
    return file_image(headers, pixels).data


@contextmanager
def own_write_errors(target: Path) -> Iterator[None]:
    """Turn what astropy says about a header into FileError."""
    try:
        yield
    except fits.VerifyError as error:
        raise FileError(target, f"cannot be written: {error}") from error


def headers_and_pixels(
    frame: Frame,
    extra: Mapping[str, Any],
    cards: Mapping[str, Any],
    history: Sequence[str],
    dtype: np.dtype[Any],
) -> tuple[list[bytes], list[Pixels]]:
    """Return the headers of a file, and the pixels that go with them; parameters are those of `write`.

    Raises
    ------
    FrameError, ParameterError
        As for `write`.
    """
    with quiet():
        return _units(frame, extra, cards, history, dtype)


def _units(
    frame: Frame,
    extra: Mapping[str, Any],
    cards: Mapping[str, Any],
    history: Sequence[str],
    dtype: np.dtype[Any],
) -> tuple[list[bytes], list[Pixels]]:
    pixels = [Pixels.of(frame.data, dtype, "data")]
    headers = []
    for name, image, own in plane_images(frame.settled().variance, frame.flags):
        pixels.append(image)
        headers.append(plane_text(image.array.shape, image.dtype.str, name, own))
    for name, value in extra.items():
        fits_in = 0 < len(name.replace("'", "''")) <= 68 and name.isascii()
        if name != name.strip().upper() or name in _RESERVED or not fits_in:
            raise ParameterError("name of an extra", name, f"capitals, none of {_RESERVED}")
        array, own = value if isinstance(value, tuple) else (value, Header())
        pixels.append(Pixels.of(np.asarray(array), dtype, name))
        cleaned = without_structure(legal_header(Header(own)))
        cleaned.remove("EXTNAME", ignore_missing=True)
        headers.append(header_text(cleaned.cards, pixels[-1], name=name))
    first = header_text(_primary_header(frame, cards, history).cards, pixels[0], extended=bool(headers))
    return [first, *headers], pixels


def _primary_header(frame: Frame, cards: Mapping[str, Any], history: Sequence[str]) -> Header:
    header = without_structure(legal_header(frame.header))
    header["BUNIT"] = bunit_of(frame.unit)
    _set_applied(header, frame.applied)
    _set_times(header, frame)
    _set_temperature(header, frame)
    for keyword, value in cards.items():
        _set_card(header, keyword, value)
    for line in history_lines(history):
        header.add_history(line)
    return header


def _set_applied(header: Header, applied: Iterable[str]) -> None:
    names = list(applied)
    if any(not name or name.split() != [name] for name in names):
        raise FrameError(f"names of applied effects are single words, not {names}")
    if names:
        header["FWAPPLY"] = (" ".join(names), "effects taken out")
    else:
        header.remove("FWAPPLY", ignore_missing=True)


def _set_times(header: Header, frame: Frame) -> None:
    """Let EXPTIME and DARKTIME say what the frame says, where the header does not yet."""
    known = translate(header)
    if frame.exposure_time is not None and known.exposure_time.value != frame.exposure_time:
        header["EXPTIME"] = (float(frame.exposure_time), "s")
        known = translate(header)
    if frame.dark_time is not None and known.dark_time.value != frame.dark_time:
        header["DARKTIME"] = (float(frame.dark_time), "s")


def _set_temperature(header: Header, frame: Frame) -> None:
    """Let CCD-TEMP say what the frame says, where the header does not yet."""
    said = translate(header).kelvin
    if frame.temperature is not None and (said is None or abs(said - frame.temperature) > _SAME_KELVIN):
        header["CCD-TEMP"] = (round(frame.temperature - 273.15, 6), "[deg C] of the detector")


def _set_card(header: Header, keyword: str, value: Any) -> None:
    comment = None
    if isinstance(value, tuple):
        value, comment = value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"card {keyword}", value, "a finite number; FITS has no others")
    try:
        if keyword.upper() not in header:
            header.append(copy(_card(keyword.upper(), value, comment)))
            return
        header[keyword.upper()] = value if comment is None else (value, comment)
        header.cards[keyword.upper()].verify("exception")
    except (ValueError, TypeError, fits.VerifyError) as error:
        raise ParameterError(f"card {keyword}", value, f"a legal FITS card ({error})") from error


@lru_cache(maxsize=512, typed=True)
def _card(keyword: str, value: Any, comment: str | None) -> Card:
    """Return a card that was found legal; most are the same in each frame of a night."""
    card = Card(keyword, value, comment)
    card.verify("exception")
    return card
