"""FITS out while the pixels are still being made: some rows at a time, from any thread, in any order."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.files import write_whole
from fullwell.frame import Frame
from fullwell.io.streaming import UnitWriter
from fullwell.io.writing import checked_target, headers_and_pixels, own_write_errors

__all__ = ["RowWriter", "write_by_rows"]


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
    target = checked_target(path, overwrite=overwrite)
    planes = {name: np.broadcast_to(np.zeros((), kind), template.shape) for name, kind in extra.items()}
    kind = np.dtype(np.float32)
    headers, pixels = headers_and_pixels(template, planes, cards or {}, history(), kind)

    def content(stream: Any) -> None:
        writer = UnitWriter(stream, headers, pixels)
        fill(RowWriter(writer, [image.label for image in pixels], template.shape[1]))
        final, _ = headers_and_pixels(template, planes, cards or {}, history(), kind)
        writer.finish(primary=final[0])

    with own_write_errors(target):
        write_whole(target, content, overwrite=overwrite)
