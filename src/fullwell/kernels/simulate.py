"""A run of steps that act on each pixel by itself, all in one pass over an image.

An effect states what it does as a few `Step`; those of neighboring effects are joined, and a chunk of 1024
pixels goes through all of them while it is in the first cache of the processor. Random numbers are made
there too, from the number of the pixel (see `fullwell.kernels.random`), so that the bits depend neither on
what is joined nor on threads. `run_plain` is the same in NumPy, step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from fullwell.kernels import random, random_reference
from fullwell.kernels.pool import over_blocks

__all__ = ["Op", "Rows", "Step", "run", "run_plain", "warm_up"]

#: Chunks of 1024 pixels that a thread takes at once.
BLOCK = 128
_LARGE = float(random_reference.LARGE_MEAN)


class Op(IntEnum):
    """What a step does to the value x of a pixel; y is its operand."""

    ADD = 0  # x + y
    MULTIPLY = 1  # x y
    DIVIDE = 2  # x / y
    COUNT = 3  # a Poisson number of mean x
    ADD_COUNT = 4  # x + a Poisson number of mean y
    ADD_NORMAL = 5  # x + y times a normal number
    CLEAR = 6  # 0 where y, an image of bool, is true
    DIGITIZE = 7  # round half up, clip at 0 and at the highest code; the last step of a run


@attrs.frozen(eq=False)
class Rows:
    """An image that has few different rows, such as one value for each amplifier.

    Parameters
    ----------
    values : ndarray of float32, shape (different rows, columns)
    index : ndarray of int64, shape (rows,)
        Which of them each row is.
    """

    values: npt.NDArray[np.float32]
    index: npt.NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        return self.index.size, self.values.shape[1]

    def image(self) -> npt.NDArray[np.float32]:
        """Return all rows."""
        return self.values[self.index]


Operand = float | npt.NDArray[Any] | Rows


@attrs.frozen(eq=False)
class Step:
    """One operation on every pixel.

    Parameters
    ----------
    op : Op
    operand : float, ndarray of float32 (of bool for CLEAR) or Rows
        One value for all pixels, or one for each. ``operand * scale + shift`` in float32 is what enters.
    scale, shift : float
    stream : tuple of int
        Seed, exposure, effect and draw of the random numbers.
    code : tuple of int
        For DIGITIZE: the highest code, and how many units of the result a code is worth.
    """

    op: Op
    operand: Operand = 0.0
    scale: float = 1.0
    shift: float = 0.0
    stream: tuple[int, int, int, int] = (0, 0, 0, 0)
    code: tuple[int, int] = (0, 1)

    @property
    def is_even(self) -> bool:
        """Whether all pixels have one operand."""
        return not isinstance(self.operand, Rows) and np.ndim(self.operand) == 0

    def levels(self) -> Any:
        """Return the operand of each pixel: a float32 scalar, or an image."""
        value: Any = self.operand.image() if isinstance(self.operand, Rows) else self.operand
        if self.op is Op.CLEAR:
            return np.asarray(value, np.bool_)
        value = np.float32(value) if self.is_even else np.asarray(value, np.float32)
        return value if self._is_plain else value * np.float32(self.scale) + np.float32(self.shift)

    @property
    def _is_plain(self) -> bool:
        return self.scale == 1 and self.shift == 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels behind the step."""
        if self.op is not Op.DIGITIZE:
            return np.dtype(np.float32)
        return np.dtype(np.uint16 if self.code[0] * self.code[1] < 2**16 else np.int32)


def run(image: npt.NDArray[Any], steps: Sequence[Step], *, workers: int | None = None) -> npt.NDArray[Any]:
    """Take an image through steps in one pass.

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
        Left as it is.
    steps : sequence of Step
        At least one; DIGITIZE only as the last.
    workers : int, optional
        Threads; as many as there are cores if not given. The result does not depend on it.

    Returns
    -------
    ndarray of float32, or of uint16 or int32 behind DIGITIZE
        A new image.
    """
    from fullwell.kernels.poisson_table import tables
    from fullwell.kernels.simulate_compiled import run_chunks

    source = np.ascontiguousarray(image, np.float32)
    out = np.empty(source.shape, steps[-1].dtype)
    program = _Program.of(steps, source.shape)
    numbers = (*program.arrays, *tables())
    itemsize = 0 if out.dtype == np.float32 else out.dtype.itemsize
    place = (np.uint64(source.ctypes.data), np.uint64(out.ctypes.data), itemsize, source.size)
    chunks = -(-source.size // 1024)
    over_blocks(
        lambda first: run_chunks(*place, source.shape[-1], *numbers, first, min(first + BLOCK, chunks)),
        range(0, chunks, BLOCK),
        workers=workers,
    )
    return out


def run_plain(image: npt.NDArray[Any], steps: Sequence[Step]) -> npt.NDArray[Any]:
    """Take an image through steps one after the other, in plain NumPy: slow, and easy to check by eye."""
    x: npt.NDArray[Any] = np.asarray(image, np.float32)
    for step in steps:
        x = np.asarray(_plain(x, step), step.dtype)
    return x


def _plain(x: npt.NDArray[np.float32], step: Step) -> Any:
    match step.op:
        case Op.ADD:
            return x + step.levels()
        case Op.MULTIPLY:
            return x * step.levels()
        case Op.DIVIDE:
            return x / step.levels()
        case Op.COUNT:
            return random_reference.poisson(x, _words(x.shape, step))
        case Op.ADD_COUNT:
            mean = np.broadcast_to(step.levels(), x.shape)
            return x + random_reference.poisson(mean, _words(x.shape, step))
        case Op.ADD_NORMAL:
            return x + step.levels() * random_reference.normal(_words(x.shape, step))
        case Op.CLEAR:
            return np.where(step.levels(), np.float32(0), x)
        case _:
            # In float32 half a code is lost above 2^23. NaN becomes 0.
            codes = np.floor(x.astype(np.float64) / step.code[1] + 0.5)
            return np.minimum(np.where(codes > 0, codes, 0), step.code[0]) * step.code[1]


def _words(shape: tuple[int, ...], step: Step) -> npt.NDArray[np.uint32]:
    seed, exposure, effect, draw = step.stream
    return random_reference.words(shape, seed=seed, exposure=exposure, effect=effect, draw=draw)


@attrs.frozen(eq=False)
class _Program:
    """Steps as the arrays that the compiled loop reads, and what these refer to."""

    arrays: tuple[npt.NDArray[Any], ...]
    #: The loop sees addresses only.
    alive: list[npt.NDArray[Any]]

    @classmethod
    def of(cls, steps: Sequence[Step], shape: tuple[int, ...]) -> _Program:
        from fullwell.kernels.poisson_table import thresholds

        count = len(steps)
        ops = np.array([step.op for step in steps], np.int64)
        # Address of the operand, and of the index of its rows; 0 where there is none.
        addresses = np.zeros((count, 2), np.uint64)
        # Operand of all pixels, scale, shift; highest code, its worth.
        numbers = np.zeros((count, 5), np.float64)
        keys = np.zeros((count, 5), np.uint32)
        limits, sizes = np.zeros((count, 128), np.int64), np.full(count, -1)
        alive: list[npt.NDArray[Any]] = []
        for i, step in enumerate(steps):
            seed, exposure, effect, draw = step.stream
            keys[i] = random.stream_key(seed=seed, exposure=exposure, effect=effect, draw=draw)
            numbers[i] = (0.0, step.scale, step.shift, *step.code)
            if step.is_even:
                numbers[i, 0] = step.levels()
                if step.op is Op.ADD_COUNT and numbers[i, 0] < _LARGE:
                    found = thresholds(float(numbers[i, 0]))
                    limits[i, : found.size], sizes[i] = found, found.size
                continue
            for k, array in enumerate(_parts(step, shape)):
                addresses[i, k] = array.ctypes.data
                alive.append(array)
        return cls((ops, addresses, numbers, keys, limits, sizes), alive)


def _parts(step: Step, shape: tuple[int, ...]) -> list[npt.NDArray[Any]]:
    if isinstance(step.operand, Rows):
        rows = step.operand
        return [np.ascontiguousarray(rows.values, np.float32), np.ascontiguousarray(rows.index, np.int64)]
    image: npt.NDArray[Any] = np.asarray(step.operand, np.bool_ if step.op is Op.CLEAR else np.float32)
    return [np.ascontiguousarray(np.broadcast_to(image, shape))]


def warm_up() -> None:
    """Compile the loop; one serves all programs."""
    run(np.ones((2, 2), np.float32), [Step(Op.COUNT), Step(Op.DIGITIZE, code=(65535, 1))])
