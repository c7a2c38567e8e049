"""FITS out while the pixels are still being made: some rows at a time, from any thread, in any order."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fullwell.files import write_whole
from fullwell.io.places import checked_target
from fullwell.io.streaming import Pixels, UnitWriter

if TYPE_CHECKING:
    from fullwell.frame import Frame

__all__ = ["RowWriter", "Units", "write_by_rows", "write_rows"]

#: Headers of a file, and the pixels that go with them; of their arrays only shapes and types count.
Units = tuple[list[bytes], list[Pixels]]


class RowWriter:
    """Takes the rows of a file that `write_by_rows` makes."""

    def __init__(self, writer: UnitWriter, labels: Sequence[str], columns: int) -> None:
        self._writer, self._columns = writer, columns
        self._index = {label: index for index, label in enumerate(labels)}

    def put(self, part: slice, **planes: npt.NDArray[Any]) -> None:
        """Write some rows of all planes; written again, the last ones count.

        Parameters
        ----------
        part : slice
            Rows.
        **planes : ndarray
            Pixels of these rows by the label of their plane: ``data``, ``UNCERT`` (of a variance), ``flags``
            (for MASK and FLAGS), and the names of extras.
        """
        flags = planes.pop("flags")
        for label, pixels in {**planes, "MASK": flags, "FLAGS": flags}.items():
            self._writer.put(self._index[label], pixels, first=part.start * self._columns)


def write_by_rows(
    template: Frame,
    path: str | os.PathLike[str],
    fill: Callable[[RowWriter], None],
    *,
    extra: Mapping[str, npt.DTypeLike],
    overwrite: bool = False,
    cards: Mapping[str, Any] | None = None,
    history: Callable[[], Sequence[str]] = tuple,
) -> None:
    """Write a frame with a variance as `write` does, its pixels as they come.

    Parameters
    ----------
    template : Frame
        All but the pixels, of which only shape and type count.
    path, overwrite, cards
        As for `write`.
    fill : callable
        Is given the `RowWriter` and puts every row.
    extra : mapping of str to dtype
        Further planes of the same shape.
    history : callable
        Returns HISTORY lines; called before `fill`, and again after it for the final ones, which have to be
        as many.

    Raises
    ------
    AlreadyExists, FileError, FrameError, ParameterError
        As for `write`; whatever `fill` raises passes, and nothing is left behind.
    """
    from fullwell.io.writing import headers_and_pixels, own_write_errors

    planes = {name: np.broadcast_to(np.zeros((), kind), template.shape) for name, kind in extra.items()}
    kind = np.dtype(np.float32)

    def units() -> Units:
        return headers_and_pixels(template, planes, cards or {}, history(), kind)

    with own_write_errors(Path(path)):
        write_rows(path, units, fill, overwrite=overwrite)


def write_rows(
    path: str | os.PathLike[str],
    units: Callable[[], Units],
    fill: Callable[[RowWriter], None],
    *,
    overwrite: bool = False,
) -> None:
    """Write a file, its pixels as they come.

    Parameters
    ----------
    path, fill, overwrite
        As for `write_by_rows`.
    units : callable
        Returns headers and pixels; called before `fill`, and again after it for the final header of the
        primary, which has to be as long.

    Raises
    ------
    AlreadyExists, FileError, FrameError, ParameterError
        As for `write_by_rows`.
    """
    target = checked_target(path, overwrite=overwrite)
    headers, pixels = units()

    def content(stream: Any) -> None:
        writer = UnitWriter(stream, headers, pixels)
        fill(RowWriter(writer, [image.label for image in pixels], pixels[0].array.shape[1]))
        writer.finish(primary=units()[0][0])

    write_whole(target, content, overwrite=overwrite)
