"""What the section cards of raw frames say of each amplifier, in boxes counted from 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from fullwell.detector import Box, parse_section
from fullwell.errors import FrameError, ParameterError

if TYPE_CHECKING:
    from astropy.io.fits import Header

__all__ = ["AmplifierCards", "Section", "read_cards"]

_SUFFIXES = ("A", "B", "C", "D", *(str(number) for number in range(1, 10)))
_OVERSCAN_CARDS = ("BIASSEC", "OVERSEC", "OVRSCAN")


@attrs.frozen
class Section:
    """A box, and whether its columns (rows) were given backwards."""

    box: Box
    flip_x: bool = False
    flip_y: bool = False


@attrs.frozen
class AmplifierCards:
    """The sections of one amplifier, as its header gives them.

    Parameters
    ----------
    name : str
        AMPNAME, EXTNAME, ... or the number of the image.
    shape : tuple of int
        Rows and columns of the image it is in.
    kept, data : Section
        TRIMSEC and DATASEC in the image; either stands in for the other.
    target : Section or None
        DETSEC or CCDSEC.
    overscan : Box or None
        BIASSEC in the image.
    binning : tuple of int
        Detector columns and rows in one pixel of the image.
    header : Header
        All cards, those of the primary header included.
    suffix : str
        What stands behind the keywords of this amplifier; usually nothing.
    """

    name: str
    shape: tuple[int, int]
    kept: Section
    data: Section
    target: Section | None
    overscan: Box | None
    binning: tuple[int, int]
    header: Header
    suffix: str


def read_cards(
    headers: Sequence[Header], shapes: Sequence[tuple[int, int]], *, primary: Header | None = None
) -> list[AmplifierCards]:
    """Read the section cards of all amplifiers of a file.

    Parameters
    ----------
    headers, shapes : sequence
        One header and one shape (rows, columns) for each image.
    primary : Header, optional
        Its cards count where an extension does not have them.

    Returns
    -------
    list of AmplifierCards
        In the order of the images; empty when no image has section cards.

    Raises
    ------
    FrameError
        If a section is malformed or does not fit its image.
    """
    if len(headers) != len(shapes):
        raise FrameError(f"{len(headers)} headers for {len(shapes)} images")
    merged = [_with_primary(header, primary) for header in headers]
    found = [(number, header, suffix) for number, header in enumerate(merged) for suffix in _suffixes(header)]
    if not any(_has_sections(header, suffix) for _, header, suffix in found):
        return []
    return [_part(header, shapes[number], suffix, number + 1) for number, header, suffix in found]


def _with_primary(header: Header, primary: Header | None) -> Header:
    if primary is None:
        return header
    merged = header.copy()
    merged.extend(
        (card for card in primary.cards if card.keyword not in ("", "COMMENT", "HISTORY")), unique=True
    )
    return merged


def _suffixes(header: Header) -> list[str]:
    lettered = [suffix for suffix in _SUFFIXES if f"DATASEC{suffix}" in header]
    return lettered if len(lettered) > 1 else [""]


def _has_sections(header: Header, suffix: str) -> bool:
    return any(_text(header, key + suffix) for key in ("DATASEC", "TRIMSEC", *_OVERSCAN_CARDS))


def _part(header: Header, shape: tuple[int, int], suffix: str, number: int) -> AmplifierCards:
    def read(*keys: str) -> Section | None:
        for key in keys:
            section = _section(header, key + suffix)
            if section is not None:
                return section
        return None

    def inside(section: Section | None, what: str) -> Section | None:
        if section is not None and not section.box.within(shape):
            raise FrameError(f"{what} {section.box.section} reaches outside of the image of {shape}")
        return section

    whole = Section(Box(0, shape[1], 0, shape[0]))
    overscan = inside(read(*_OVERSCAN_CARDS), "BIASSEC")
    kept = inside(read("TRIMSEC"), "TRIMSEC")
    data = inside(read("DATASEC"), "DATASEC") or kept or whole
    kept = kept or data
    if overscan is not None and overscan.box.overlaps(kept.box):
        raise FrameError(f"BIASSEC {overscan.box.section} overlaps the data {kept.box.section}")
    return AmplifierCards(
        name=_name(header, suffix, number),
        shape=shape,
        kept=kept,
        data=data,
        target=read("DETSEC", "CCDSEC"),
        overscan=None if overscan is None else overscan.box,
        binning=_binning(header),
        header=header,
        suffix=suffix,
    )


def _section(header: Header, key: str) -> Section | None:
    text = _text(header, key)
    # Zeros are what some cameras write for "there is none".
    if not text or set(text) <= set("[]:,0 "):
        return None
    try:
        return Section(*parse_section(text))
    except ParameterError as error:
        raise FrameError(f"{key} = {text!r}: {error}") from error


def _text(header: Header, key: str) -> str:
    value = header.get(key)
    return value.strip() if isinstance(value, str) else ""


def _name(header: Header, suffix: str, number: int) -> str:
    if suffix:
        return suffix
    for key in ("AMPNAME", "EXTNAME", "AMPID", "CHANNEL"):
        value = str(header.get(key, "")).strip()
        if value:
            return value
    return str(number)


def _binning(header: Header) -> tuple[int, int]:
    """Columns and rows of the detector in one pixel of the image."""
    words = _text(header, "CCDSUM").replace(",", " ").split()
    if len(words) != 2:
        words = [str(header.get(key, 1)) for key in ("XBINNING", "YBINNING")]
    try:
        x, y = (int(float(word)) for word in words)
    except ValueError as error:
        raise FrameError(f"binning {words} is not two whole numbers") from error
    if x < 1 or y < 1:
        raise FrameError(f"binning {(x, y)} is not possible: 1 or more")
    return x, y
