"""What a file holds for the inspector: each image a frame, amplifiers one by one and together.

More is shown than can be reduced: a unit that is not known or sections that contradict each other are named,
and the pixels shown all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from astropy.io.fits import Header

from fullwell.detector import Box, Detector
from fullwell.errors import FileError, FrameError
from fullwell.flags import FLAG_DTYPE
from fullwell.io.checks import DEFAULT_LIMITS, check_size, own_errors, two_dimensional
from fullwell.io.contents import Contents, contents_of
from fullwell.io.dialects import translate
from fullwell.io.hygiene import without_structure
from fullwell.io.metadata import Metadata
from fullwell.io.pixels import pixel_type
from fullwell.io.planes import PLANES, flags_from_flags, flags_from_mask, variance_from
from fullwell.io.sources import FileKey, Source, open_source
from fullwell.io.structure import Unit, walk
from fullwell.web.pixels import FilePixels, Flagged, Made, Patch, Patched, Pixels
from fullwell.web.store import Store

__all__ = ["ASSEMBLED", "MAIN", "OpenFile", "OpenFrame", "open_file"]

#: Parts of a file: what `fullwell.read` gives, and the same assembled; others are numbers of extensions.
MAIN, ASSEMBLED = "", "assembled"
Decoded = Store[npt.NDArray[Any]]


@attrs.frozen(eq=False)
class OpenFrame:
    """One frame, ready to be read box by box.

    Parameters
    ----------
    data : Pixels
    variance, flags : Pixels or None
    unit : str
    detector : Detector or None
    layout : {'raw', 'assembled'}
    metadata : Metadata
    cards : mapping
        The few of the header that say what kind of frame this is.
    version : str
        Another one when the pixels change.
    extension : str
        Name of the extension, for one of several images of a file.
    problem : str or None
        What is odd but does not keep the pixels from being shown.
    read_out : OpenFrame, optional
        The raw frame that an assembled view is made from.
    """

    data: Pixels
    variance: Pixels | None
    flags: Pixels | None
    unit: str
    detector: Detector | None
    layout: str
    metadata: Metadata
    cards: Mapping[str, Any]
    version: str
    extension: str = ""
    problem: str | None = None
    read_out: OpenFrame | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.data.shape

    @property
    def planes(self) -> dict[str, Pixels]:
        """Return what there is of data, variance and flags."""
        found = {"data": self.data, "variance": self.variance, "flags": self.flags}
        return {name: pixels for name, pixels in found.items() if pixels is not None}

    @property
    def gain(self) -> float | None:
        """Electrons for one unit of the data; None where it is not known."""
        if self.unit == "electron":
            return 1.0
        gain: float | None = self.metadata.gain.value
        return gain if self.unit == "adu" else None


@attrs.frozen(eq=False)
class OpenFile:
    """The frames of one file.

    Parameters
    ----------
    key : tuple
        Identity of the file.
    frames : dict of str to OpenFrame
        By part.
    """

    key: FileKey
    frames: dict[str, OpenFrame]


def open_file(path: Path, decoded: Decoded) -> OpenFile:
    """Find the frames of a file; no pixel is read.

    Parameters
    ----------
    path : Path
    decoded : Store
        Where images that cannot be read by parts are kept once they are asked for.

    Raises
    ------
    FileError
        If there is no image that can be shown.
    """
    with own_errors(path), open_source(path, limits=DEFAULT_LIMITS) as source:
        opener = _Opener(source, walk(source, limits=DEFAULT_LIMITS), decoded, version_of(source.key))
        return OpenFile(source.key, opener.frames())


def version_of(key: FileKey) -> str:
    """Short name of the state of a file."""
    return hashlib.blake2b(repr(key[1:]).encode(), digest_size=8).hexdigest()


@attrs.frozen(eq=False)
class _Opener:
    source: Source
    units: list[Unit]
    decoded: Decoded
    version: str

    def frames(self) -> dict[str, OpenFrame]:
        frames: dict[str, OpenFrame] = {}
        main: Contents | None = None
        problem = None
        try:
            main = contents_of(self.source, limits=DEFAULT_LIMITS)
        except FrameError as error:
            problem = str(error).removeprefix(f"{self.source.path}: ")
        if main is not None:
            frames[MAIN] = self._main(main)
            if frames[MAIN].layout == "raw":
                frames[ASSEMBLED] = _assembled(frames[MAIN])
        images = [unit for unit in self.units if unit.kind != "other" and unit.axes and 0 not in unit.axes]
        shown = [] if main is None or main.mosaic else [main.images[0].index]
        for unit in images:
            if unit.index in shown or (unit.name in PLANES and main is not None):
                continue
            try:
                single = self._single(unit)
            except FileError:
                if main is None and unit is images[-1] and not frames:
                    raise
                continue
            frames[MAIN if MAIN not in frames else str(unit.index)] = (
                attrs.evolve(single, problem=problem, extension="") if MAIN not in frames else single
            )
        return frames

    def _main(self, contents: Contents) -> OpenFrame:
        images = [self._pixels(unit) for unit in contents.images]
        data: Pixels = images[0]
        if contents.mosaic and contents.detector is not None:
            amplifiers = contents.detector.amplifiers
            patches = tuple(
                Patch(image, Box(0, image.shape[1], 0, image.shape[0]), amplifier.raw)
                for image, amplifier in zip(images, amplifiers, strict=True)
            )
            data = Patched(contents.shape, contents.dtype, patches)
        planes = contents.planes
        variance: Pixels | None = None
        flags: Pixels | None = None
        if "UNCERT" in planes:
            variance = self._made(planes["UNCERT"], variance_from, np.dtype(np.float32))
        if "FLAGS" in planes:
            flags = self._made(planes["FLAGS"], flags_from_flags, FLAG_DTYPE)
        elif "MASK" in planes:
            flags = Made(self._pixels(planes["MASK"]), flags_from_mask, FLAG_DTYPE)
        if flags is not None and data.dtype.kind == "f":
            flags = Flagged(flags, data)
        detector = contents.detector
        raw = detector is not None and detector.has_scans and contents.shape == detector.raw_shape
        return OpenFrame(
            data,
            variance,
            flags,
            str(contents.unit),
            detector,
            "raw" if raw else "assembled",
            translate(contents.header),
            _cards(contents.header),
            self.version,
        )

    def _single(self, unit: Unit) -> OpenFrame:
        shape = two_dimensional(unit.axes, path=self.source.path, label=unit.label)
        pixels = self._pixels(unit)
        size = max(pixels.dtype.itemsize, abs(unit.bitpix) // 8)
        check_size([shape], item_bytes=size, limits=DEFAULT_LIMITS, path=self.source.path)
        header = without_structure(unit.header)
        if unit.index:
            header = Header([*without_structure(self.units[0].header).cards, *header.cards])
        return OpenFrame(
            pixels,
            None,
            None,
            str(header.get("BUNIT", "adu")).strip(),
            None,
            "assembled",
            translate(header),
            _cards(header),
            self.version,
            extension=unit.name or str(unit.index),
        )

    def _pixels(self, unit: Unit) -> FilePixels:
        path, key = self.source.path, self.source.key
        dtype = pixel_type(unit, source=self.source)
        if unit.kind == "image":  # what decoding needs; headers of hundreds of frames take much memory
            few = [card for card in unit.header.cards if card.keyword in ("BZERO", "BSCALE", "BLANK")]
            unit = attrs.evolve(unit, header=Header(few))
        return FilePixels(path, key, unit, dtype, self.source.gzipped, self.decoded)

    def _made(self, unit: Unit, make: Any, dtype: np.dtype[Any]) -> Made:
        pixels = self._pixels(unit)
        return Made(pixels, lambda array: make(array, unit.header).astype(dtype, copy=False), dtype)


def _assembled(frame: OpenFrame) -> OpenFrame:
    """Trim a raw frame and put its amplifiers where they belong."""
    detector = frame.detector
    assert detector is not None

    def placed(pixels: Pixels) -> Patched:
        patches = tuple(Patch(pixels, a.data, a.box, a.flip_x, a.flip_y) for a in detector.amplifiers)
        return Patched(detector.shape, pixels.dtype, patches)

    return attrs.evolve(
        frame,
        data=placed(frame.data),
        variance=None if frame.variance is None else placed(frame.variance),
        flags=None if frame.flags is None else placed(frame.flags),
        detector=detector.without_scans(),
        layout="assembled",
        read_out=frame,
    )


def _cards(header: Header) -> dict[str, Any]:
    return {name: header[name] for name in ("PRODUCT", "NCOMBINE", "FWKEY", "FWSOURCE") if name in header}
