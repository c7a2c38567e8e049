"""Correct a frame in one pass: what each pixel goes through, as tables of amplifiers and images.

A raw value v, of an amplifier with the overscan level l, becomes

    e = L(factor (v - l) + first)           electrons with the dark still in; L is a look-up or nothing
    q = (variance + noise) slope^2          of the amplifier and of its overscan level, slope of L
    y = scale e + offset
    V = scale^2 max(q + e, q / 10) + constant + linear y + square y^2

so that a raw frame is read once, and data, variance and flags are written once. Images that all pixels share
have one row only. The noise of masters, of each ``(c + p y)^2 V_master``, is summed over the masters once for
all frames into ``constant = sum c^2 V``, ``linear = sum 2 c p V`` and ``square = sum p^2 V``; where a look-up
stands between, c is ``before * slope + behind``, which makes six images of three.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.kernels.buffers import room
from fullwell.kernels.planes import Plane
from fullwell.kernels.pool import over_blocks

__all__ = ["Amplified", "Images", "Outputs", "Ramp", "correct_plane"]

Row = npt.NDArray[np.float32]
_Span = tuple[int, int]
BLOCK = 2**19  # pixels that a thread does at once
SMALL = 2**18  # pixels; the plain form is done before the compiled one is loaded


@attrs.frozen(eq=False, slots=False)
class Ramp:
    """A table on equal steps, linear between them and beyond its ends.

    Parameters
    ----------
    start, step : float
        First argument, and the distance of the next.
    values : ndarray of float, shape (arguments,)
        At least two.
    below : float, optional
        Slope below the first argument; that of the first piece if not given.
    beyond : int, optional
        Flags of arguments at or beyond the last one, where the value stays; without them the last piece goes
        on.
    """

    start: float
    step: float
    values: npt.NDArray[Any]
    below: float | None = None
    beyond: int | None = None

    @cached_property
    def slopes(self) -> npt.NDArray[np.float64]:
        """Slope below the first argument, and of each piece; shape (arguments,)."""
        rise = np.diff(np.asarray(self.values, np.float64)) / self.step
        return np.concatenate([[rise[0] if self.below is None else self.below], rise])

    def table(self, kind: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Any, Any, Any]:
        """Return values, slopes, start, step and end as numbers of one kind."""
        end = np.inf if self.beyond is None else self.start + self.step * (len(self.values) - 1)
        rounded = kind(end)
        if float(rounded) < end:  # or it would not be known that what is less lies within
            rounded = np.nextafter(rounded, kind(np.inf))
        return self.values.astype(kind), self.slopes.astype(kind), kind(self.start), kind(self.step), rounded

    def at(self, x: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """Return value, slope, and where the flags are to be set; in the precision of `x`."""
        kind = x.dtype.type
        values, slopes, start, step, end = self.table(kind)
        with np.errstate(invalid="ignore"):
            out = (x >= end) & (self.beyond is not None)
            inside = np.where(out, end, x)
            place = (inside - start) * (kind(1) / step)
            # NaN becomes 0 here and NaN again where it is added.
            i = np.clip(np.where(place > 0, place, 0), 0, len(values) - 2).astype(np.intp)
            slope = slopes[i + (place > 0)]
            return values[i] + slope * (inside - (start + i.astype(kind) * step)), slope, out


@attrs.frozen(eq=False)
class Amplified:
    """What holds for all pixels of one amplifier of this frame.

    Parameters
    ----------
    rows, columns : tuple of int
        Where its pixels lie in the result, first and behind the last.
    raw : tuple of int
        First row and column of its data in the raw frame.
    flip_y, flip_x : bool
        Whether rows (columns) of the raw data run backwards in the result.
    factor, variance, limit : float
        As in the head of this module; raw values at or above `limit` are saturated.
    level_rows, level_columns, noise_rows, noise_columns : ndarray of float32
        Level of the overscan, and its variance as it counts behind `factor`: the sum of a value for each row
        and one for each column of the result.
    ramp : Ramp or None
        The look-up.
    """

    rows: _Span
    columns: _Span
    raw: tuple[int, int]
    flip_y: bool
    flip_x: bool
    factor: float
    variance: float
    limit: float
    level_rows: Row
    level_columns: Row
    noise_rows: Row
    noise_columns: Row
    ramp: Ramp | None = None


@attrs.frozen(eq=False)
class Images:
    """What holds for all frames of a night; each of shape (rows, columns) or (1, columns), float32.

    Parameters
    ----------
    first, scale, offset, constant, linear, square : ndarray of float32
        As in the head of this module; behind a look-up, constant and linear hold what comes behind it.
    flags : ndarray of uint16
        To set.
    before : tuple of ndarray of float32
        Only with a look-up: what to add to ``constant`` times slope^2 and times slope, and to ``linear``
        times slope.
    counted : bool
        Whether the Poisson term is counted.
    quiet : bool
        Whether no variance is known; then none is written.
    """

    first: Row
    scale: Row
    offset: Row
    constant: Row
    linear: Row
    square: Row
    flags: npt.NDArray[np.uint16]
    before: tuple[Row, ...] = ()
    counted: bool = True
    quiet: bool = False

    @property
    def curved(self) -> bool:
        """Whether the noise depends on the value through the masters."""
        return any(len(image) > 1 or image.any() for image in (self.linear, self.square, *self.before[2:]))


@attrs.frozen(eq=False)
class Outputs:
    """What is filled: data and variance of float32, flags of uint16, each of the shape of the result."""

    data: Row
    variance: Row
    flags: npt.NDArray[np.uint16]

    @classmethod
    def empty(cls, shape: tuple[int, int], *, quiet: bool = False) -> Outputs:
        """Make room for a frame; without variance where that is not known."""
        return cls(
            room(shape, np.float32),
            room((1, shape[1]) if quiet else shape, np.float32),
            room(shape, np.uint16),
        )


def correct_plane(
    raw: Plane,
    flags: npt.NDArray[np.uint16] | None,
    amplifiers: Sequence[Amplified],
    images: Images,
    into: Outputs,
    *,
    bits: tuple[int, int],
    workers: int | None = None,
    compiled: bool | None = None,
) -> int:
    """Correct one frame.

    Parameters
    ----------
    raw : Plane
        Of 16-bit integers or 32-bit floats, in any byte order.
    flags : ndarray of uint16 or None
        Flags of the raw frame.
    amplifiers : sequence of Amplified
        Their pixels make up the result.
    images : Images
    into : Outputs
        Filled.
    bits : tuple of int
        Flags of saturated pixels and of those without a finite value.
    workers : int, optional
        Threads.
    compiled : bool, optional
        Whether the compiled loops are used or the plain form; the compiled ones unless the frame is small.

    Returns
    -------
    int
        Number of pixels whose variance was floored.
    """
    if compiled is None:
        compiled = into.data.size >= SMALL
    if not compiled:
        from fullwell.kernels.correct_reference import correct_amplifier as plain

        return sum(plain(raw, flags, one, images, into, bits) for one in amplifiers)
    from fullwell.kernels.correct_compiled import correct_rows

    parts = []
    for one in amplifiers:
        height = max(1, BLOCK // max(1, one.columns[1] - one.columns[0]))
        parts += [(one, start, min(start + height, one.rows[1])) for start in range(*one.rows, height)]
    return sum(
        over_blocks(lambda part: correct_rows(raw, flags, *part, images, into, bits), parts, workers=workers)
    )
