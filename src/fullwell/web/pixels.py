"""Pixels of a frame, read box by box: from a file, from memory, or put together from amplifiers.

Files are read, not mapped: a mapped file that another program truncates would kill the whole server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.detector import Box
from fullwell.flags import FLAG_DTYPE, Flags
from fullwell.io.checks import DEFAULT_LIMITS, own_errors
from fullwell.io.pixels import decode
from fullwell.io.sources import FileKey, Source, open_source
from fullwell.io.structure import Unit
from fullwell.web.answers import Refusal, shown
from fullwell.web.store import Store

__all__ = [
    "ArrayPixels",
    "FilePixels",
    "Flagged",
    "Made",
    "Patch",
    "Patched",
    "Pixels",
    "band_boxes",
    "bands",
]

_BAND_BYTES = 4 * 2**20


class Pixels(Protocol):
    """An image of which boxes can be asked for."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values, in native byte order."""
        ...

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the pixels of a box."""
        ...


@attrs.frozen(eq=False)
class ArrayPixels:
    """An image in memory.

    Parameters
    ----------
    array : ndarray
    """

    array: npt.NDArray[Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.array.shape[0], self.array.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self.array.dtype

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return a view of a box."""
        view: npt.NDArray[Any] = self.array[box.slices]
        return view


@attrs.frozen(eq=False)
class FilePixels:
    """One image of a file.

    Parameters
    ----------
    path : Path
    key : tuple
        Identity of the file when it was opened.
    unit : Unit
        The image in it.
    dtype : dtype
        As `fullwell.io.pixels.pixel_type` says.
    gzipped : bool
        Whether the whole file is packed.
    decoded : Store
        Keeps images that have to be decoded as a whole.
    """

    path: Path
    key: FileKey
    unit: Unit
    dtype: np.dtype[Any]
    gzipped: bool
    decoded: Store[npt.NDArray[Any]]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.unit.axes[1], self.unit.axes[0]

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the pixels of a box.

        Raises
        ------
        Refusal
            If the file is another one now, or is being written.
        FileError
            If it cannot be read any more.
        """
        if self.unit.kind == "compressed":
            whole = self.decoded.get((self.key, self.unit.index), lambda: self._decode(self.unit))
            self._check()
            part: npt.NDArray[Any] = whole[box.slices]
            return part
        columns = self.unit.axes[0]
        stored_row = columns * abs(self.unit.bitpix) // 8
        rows = attrs.evolve(
            self.unit, axes=(columns, box.y1 - box.y0), data=self.unit.data + box.y0 * stored_row
        )
        return self._decode(rows)[:, box.x0 : box.x1]

    def _decode(self, unit: Unit) -> npt.NDArray[Any]:
        with own_errors(self.path), self._opened() as source:
            data, _ = decode(source, unit, limits=DEFAULT_LIMITS)
        return data.reshape(data.shape[-2:])

    @contextmanager
    def _opened(self) -> Iterator[Source]:
        """Open the file; one that is gzipped is unpacked once for all of its images."""
        if self.gzipped:
            content = self.decoded.get((self.key, "unpacked"), self._unpacked)
            self._check()
            packed: Any = content.base  # bytes, which BytesIO does not copy
            yield Source(self.path, BytesIO(packed), content.nbytes, self.key[1], self.gzipped, self.key)
            return
        with open_source(self.path, limits=DEFAULT_LIMITS) as source:
            self._check(source.key)
            yield source

    def _unpacked(self) -> npt.NDArray[np.uint8]:
        with open_source(self.path, limits=DEFAULT_LIMITS) as source:
            self._check(source.key)
            return np.frombuffer(source.read(0, source.size), np.uint8)

    def _check(self, key: FileKey | None = None) -> None:
        """Refuse to go on with another file than the one that was opened."""
        if key is None:
            status = self.path.stat()
            key = (self.key[0], status.st_size, status.st_mtime_ns, status.st_ino)
        if key != self.key:
            name = shown(self.path.name)
            raise Refusal("changed", f"{name} has changed since it was opened; load it again.")


@attrs.frozen(eq=False)
class Made:
    """Pixels made from others, value by value: a variance from a standard deviation.

    Parameters
    ----------
    source : Pixels
    make : callable
    dtype : dtype
        Of what `make` returns.
    """

    source: Pixels
    make: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.source.shape

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the pixels of a box."""
        return self.make(self.source.read(box))


@attrs.frozen(eq=False)
class Flagged:
    """Flags of floats, where pixels that are not finite have the plane NO_DATA, as `fullwell.read` sets it.

    Parameters
    ----------
    flags, data : Pixels
    """

    flags: Pixels
    data: Pixels

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.flags.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of flags."""
        return FLAG_DTYPE

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the flags of a box."""
        missing = ~np.isfinite(self.data.read(box))
        seen: npt.NDArray[Any] = self.flags.read(box)
        return seen | missing * FLAG_DTYPE.type(Flags.NO_DATA) if missing.any() else seen


@attrs.frozen
class Patch:
    """Where a box of one image belongs in another.

    Parameters
    ----------
    pixels : Pixels
    source : Box
        In `pixels`.
    target : Box
        In the image that is put together; of the same size.
    flip_x, flip_y : bool
        Whether columns (rows) run backward there.
    """

    pixels: Pixels
    source: Box
    target: Box
    flip_x: bool = False
    flip_y: bool = False

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the pixels of a box of the target."""
        x0, x1 = box.x0 - self.target.x0, box.x1 - self.target.x0
        y0, y1 = box.y0 - self.target.y0, box.y1 - self.target.y0
        rows, columns = self.target.shape
        if self.flip_x:
            x0, x1 = columns - x1, columns - x0
        if self.flip_y:
            y0, y1 = rows - y1, rows - y0
        part = self.pixels.read(Box(x0, x1, y0, y1).shifted(self.source.x0, self.source.y0))
        return part[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]


@attrs.frozen(eq=False)
class Patched:
    """An image put together from boxes of others; 0 where there is none.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    patches : tuple of Patch
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    patches: tuple[Patch, ...]

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the pixels of a box."""
        canvas = np.zeros(box.shape, self.dtype)
        for patch in self.patches:
            if patch.target.overlaps(box):
                target = patch.target
                common = Box(
                    max(box.x0, target.x0),
                    min(box.x1, target.x1),
                    max(box.y0, target.y0),
                    min(box.y1, target.y1),
                )
                canvas[common.shifted(-box.x0, -box.y0).slices] = patch.read(common)
        return canvas


def bands(pixels: Pixels, box: Box, *, multiple: int = 1) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Read a box by bands of rows, so that it is never in memory as a whole.

    Parameters
    ----------
    pixels : Pixels
    box : Box
    multiple : int
        Bands begin at multiples of so many rows, counted from the first of the box.

    Yields
    ------
    first row of the band, counted from that of the box; its pixels
    """
    for band in band_boxes(pixels, box, multiple=multiple):
        yield band.y0 - box.y0, pixels.read(band)


def band_boxes(pixels: Pixels, box: Box, *, multiple: int = 1) -> list[Box]:
    """Return the boxes that `bands` reads one after the other."""
    width = pixels.shape[1] * pixels.dtype.itemsize
    rows = max(_BAND_BYTES // width // multiple, 1) * multiple
    return [attrs.evolve(box, y0=y, y1=min(y + rows, box.y1)) for y in range(box.y0, box.y1, rows)]
