"""Correct one amplifier of a frame in plain NumPy: what the compiled loops are held against."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fullwell.kernels.combine import FLOOR
from fullwell.kernels.correct import Amplified, Images, Outputs
from fullwell.kernels.planes import Plane

__all__ = ["correct_amplifier"]


def correct_amplifier(
    raw: Plane,
    flags: npt.NDArray[np.uint16] | None,
    one: Amplified,
    images: Images,
    into: Outputs,
    bits: tuple[int, int],
) -> int:
    """Correct the pixels of one amplifier; parameters as for `fullwell.kernels.correct.correct_plane`.

    Returns
    -------
    int
        Number of pixels whose variance was floored.
    """
    place = (slice(*one.rows), slice(*one.columns))
    value = _values(raw, one)
    wrong = np.where(value >= np.float32(one.limit), np.uint16(bits[0]), np.uint16(0))
    wrong |= np.where(np.isfinite(value), np.uint16(0), np.uint16(bits[1]))
    if flags is not None:
        wrong |= _turned(flags, one)
    into.flags[place] = wrong | _part(images.flags, place)
    with np.errstate(all="ignore"):
        level = one.level_rows[:, None] + one.level_columns
        signal = np.float32(one.factor) * (value - level) + _part(images.first, place)
        quiet = np.float32(one.variance) + (one.noise_rows[:, None] + one.noise_columns)
        slope: Any = np.float32(1)
        if one.ramp is not None:
            signal, slope, out = one.ramp.at(signal)
            into.flags[place] |= np.where(out, np.uint16(one.ramp.beyond or 0), np.uint16(0))
            quiet = quiet * (slope * slope)
        scale = _part(images.scale, place)
        data = scale * signal + _part(images.offset, place)
        into.data[place] = data
        if images.quiet:
            return 0
        total = quiet + signal if images.counted else quiet
        floor = np.float32(FLOOR) * quiet
        low = total < floor
        into.variance[place] = _with_masters(
            scale * scale * np.where(low, floor, total), images, place, slope, data
        )
    return int(low.sum())


def _with_masters(own: Any, images: Images, place: Any, slope: Any, data: npt.NDArray[np.float32]) -> Any:
    constant, linear = _part(images.constant, place), _part(images.linear, place)
    if images.before:
        squared, mixed, sloped = (_part(image, place) for image in images.before)
        constant = constant + slope * (mixed + slope * squared)
        linear = linear + slope * sloped
    elif not images.curved:
        return own + constant
    shared = constant
    if images.curved:  # or a value that is not finite would bring its own into a sum of zeros
        shared = constant + data * (linear + data * _part(images.square, place))
    # A sum of squares, but for rounding.
    return own + np.where(shared < 0, np.float32(0), shared)


def _values(raw: Plane, one: Amplified) -> npt.NDArray[np.float32]:
    block = _turned(raw.array, one)
    value = block.astype(np.float32)
    return value + np.float32(0x8000) if raw.unsigned else value


def _turned(plane: npt.NDArray[Any], one: Amplified) -> npt.NDArray[Any]:
    (y, x), rows, columns = one.raw, one.rows[1] - one.rows[0], one.columns[1] - one.columns[0]
    block = plane[y : y + rows, x : x + columns]
    return block[:: -1 if one.flip_y else 1, :: -1 if one.flip_x else 1]


def _part(image: npt.NDArray[Any], place: tuple[slice, slice]) -> npt.NDArray[Any]:
    return image[:, place[1]] if len(image) == 1 else image[place]
