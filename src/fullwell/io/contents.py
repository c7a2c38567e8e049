"""What a FITS file holds for us: which of its images, under which header, on which detector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from astropy import units as u
from astropy.io.fits import Header

from fullwell.detector import Detector
from fullwell.errors import FrameError, NoImage
from fullwell.io.bunit import unit_from
from fullwell.io.checks import Limits, check_monochrome, check_size, two_dimensional
from fullwell.io.hygiene import without_structure
from fullwell.io.pixels import pixel_type
from fullwell.io.planes import PLANES
from fullwell.io.sections import detector_from_headers
from fullwell.io.sources import Source
from fullwell.io.structure import Unit, walk

__all__ = ["Contents", "choose_unit", "contents_of"]

_SECTION_CARDS = ("DATASEC", "DETSEC", "CCDSEC")
_NOT_AN_IMAGE = (*PLANES, "PSFIMAGE")


@attrs.frozen(eq=False)
class Contents:
    """What is to be read from a file, checked but not yet loaded.

    Parameters
    ----------
    units : list of Unit
        All of the file.
    images : list of Unit
        One image, or the images of all amplifiers.
    planes : dict of str to Unit
        UNCERT, MASK and FLAGS, where the file has them.
    header : Header
        Cards of the primary and the image (the image's win); of several amplifiers those on
        which they agree.
    detector : Detector or None
        As given, or from the section cards.
    shape : tuple of int
        Rows and columns of the frame.
    dtype : numpy dtype
        Of its data.
    unit : astropy unit
        Of its data.
    number_of_images : int
        Two-dimensional images in the file, planes left out.
    """

    units: list[Unit]
    images: list[Unit]
    planes: dict[str, Unit]
    header: Header
    detector: Detector | None
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    unit: u.UnitBase
    number_of_images: int

    @property
    def mosaic(self) -> bool:
        """Whether the frame lies in several images, one for each amplifier."""
        return len(self.images) > 1


def contents_of(
    source: Source, *, limits: Limits, hdu: int | str | None = None, detector: Detector | None = None
) -> Contents:
    """Find the image of a file and check that it can be treated.

    Parameters
    ----------
    source : Source
    limits : Limits
    hdu : int or str, optional
        Number or EXTNAME; the first image, or all amplifiers, if not given.
    detector : Detector, optional
        Geometry, instead of that in the section cards.

    Raises
    ------
    FileError
        One of its children, as the file is broken, empty, too large or not a monochrome image.
    FrameError
        If the unit is not known, or sections or planes do not fit the image.
    """
    units = walk(source, limits=limits)
    candidates = [unit for unit in units if _has_pixels(unit) and unit.name not in _NOT_AN_IMAGE]
    images = _chosen(source, units, candidates, hdu)
    shapes = [two_dimensional(unit.axes, path=source.path, label=unit.label) for unit in images]
    planes: dict[str, Unit] = {}
    if hdu is None or images == candidates[:1]:
        planes = {unit.name: unit for unit in reversed(units) if unit.name in PLANES and _has_pixels(unit)}
    for unit in planes.values():
        if two_dimensional(unit.axes, path=source.path, label=unit.label) != shapes[0] or len(images) > 1:
            raise FrameError(f"{source.path}: {unit.label} does not have the shape of the image, {shapes[0]}")
    types = [pixel_type(unit, source=source) for unit in images]
    stored = max(abs(unit.bitpix) // 8 for unit in images)
    check_size(
        shapes + [shapes[0]] * len(planes),
        item_bytes=max(stored, *(each.itemsize for each in types)),
        limits=limits,
        path=source.path,
    )
    header = _merged(units, images)
    check_monochrome(header, path=source.path)
    geometry = _geometry(source.path, units, images, shapes, detector)
    return Contents(
        units=units,
        images=images,
        planes=planes,
        header=header,
        detector=geometry,
        shape=geometry.raw_shape if len(images) > 1 and geometry is not None else shapes[0],
        dtype=np.result_type(*types),
        unit=_unit(source.path, header),
        number_of_images=sum(_flat(unit) for unit in candidates),
    )


def choose_unit(source: Source, units: list[Unit], hdu: int | str) -> Unit:
    """Return the unit with this number or EXTNAME.

    Raises
    ------
    NoImage
        If there is none, or it is no image.
    """
    there = ", ".join(unit.label for unit in units)
    if isinstance(hdu, str):
        wanted = hdu.strip().upper()
        found = [unit for unit in units if unit.name == wanted]
        if not found and wanted == "PRIMARY":
            found = units[:1]
    else:
        found = [unit for unit in units if unit.index == hdu]
    if not found:
        raise NoImage(source.path, f"has no HDU {hdu!r}; there are {there}")
    if not _has_pixels(found[0]):
        raise NoImage(source.path, f"{found[0].label} is no image with pixels; there are {there}")
    return found[0]


def _unit(path: Path, header: Header) -> u.UnitBase:
    try:
        return unit_from(header)
    except FrameError as error:
        raise FrameError(f"{path}: {error}") from error


def _has_pixels(unit: Unit) -> bool:
    return unit.kind != "other" and bool(unit.axes) and 0 not in unit.axes


def _flat(unit: Unit) -> bool:
    return len(unit.axes) >= 2 and all(axis == 1 for axis in unit.axes[2:])


def _chosen(source: Source, units: list[Unit], candidates: list[Unit], hdu: int | str | None) -> list[Unit]:
    if hdu is not None:
        return [choose_unit(source, units, hdu)]
    if not candidates:
        raise NoImage(source.path, f"no image in any of its {len(units)} HDUs")
    amplifiers = [
        unit
        for unit in candidates
        if unit.index > 0 and _flat(unit) and any(card in unit.header for card in _SECTION_CARDS)
    ]
    return amplifiers if len(amplifiers) > 1 and amplifiers[0] is candidates[0] else candidates[:1]


def _merged(units: list[Unit], images: list[Unit]) -> Header:
    headers = [without_structure(unit.header) for unit in images]
    own = headers[0]
    if len(images) > 1:
        own = Header([card for card in own.cards if all(_agrees(card, other) for other in headers[1:])])
    if images[0].index == 0:
        return own
    primary = without_structure(units[0].header)
    keywords = {card.keyword for card in own.cards} - {"COMMENT", "HISTORY", ""}
    return Header([*(card for card in primary.cards if card.keyword not in keywords), *own.cards])


def _agrees(card: Any, other: Header) -> bool:
    if card.keyword in ("COMMENT", "HISTORY", ""):
        return True
    if card.keyword in _SECTION_CARDS or card.keyword in ("BIASSEC", "TRIMSEC", "AMPSEC", "EXTNAME"):
        return False
    return bool(card.keyword in other and other[card.keyword] == card.value)


def _geometry(
    path: Path,
    units: list[Unit],
    images: list[Unit],
    shapes: Sequence[tuple[int, int]],
    detector: Detector | None,
) -> Detector | None:
    try:
        if detector is not None:
            if len(images) == 1:
                detector.layout_of(shapes[0])
            return detector
        found = detector_from_headers(
            [_image_header(unit) for unit in images],
            list(shapes),
            primary=units[0].header if images[0].index else None,
        )
    except FrameError as error:
        raise FrameError(f"{path}: {error}") from error
    if found is None and len(images) > 1:
        raise FrameError(f"{path}: {len(images)} images with section cards, but no geometry in them")
    return found


def _image_header(unit: Unit) -> Header:
    header = without_structure(unit.header)
    header["BITPIX"] = unit.bitpix
    return header
