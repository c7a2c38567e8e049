"""From amplifiers read out one by one to the raw layout of a detector.

Each amplifier arrives as an array of its own: data, and around them prescan, overscan and
parallel overscan. `lay_out` puts these arrays on one canvas, in the order in which their data lie
on the silicon, and none of them turned: the pixel that was read first stays first.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from fullwell.detector.boxes import Box
from fullwell.detector.geometry import Amplifier
from fullwell.errors import ParameterError

__all__ = ["AmplifierArray", "lay_out", "scans_around"]


@attrs.frozen
class AmplifierArray:
    """One amplifier as it is read out.

    Parameters
    ----------
    name : str
        Name of the amplifier, unique in its detector.
    shape : tuple of int
        Rows and columns of its array.
    data : Box
        Where the light-sensitive pixels lie in the array.
    box : Box
        Where they lie in the assembled image.
    flip_x, flip_y : bool
        Whether columns (rows) of the array run backwards in the assembled image.
    prescan, overscan, parallel : Box or None
        The pixels without light, in the array.
    gain, read_noise, saturation : float or None
        e-/ADU, e-, ADU.
    """

    name: str
    shape: tuple[int, int]
    data: Box
    box: Box
    flip_x: bool = False
    flip_y: bool = False
    prescan: Box | None = None
    overscan: Box | None = None
    parallel: Box | None = None
    gain: float | None = None
    read_noise: float | None = None
    saturation: float | None = None


def scans_around(data: Box, shape: tuple[int, int]) -> tuple[Box | None, Box | None, Box | None]:
    """Return the pixels around the data of one amplifier, taken as they are read out.

    What comes before the data in a row is the prescan, what comes behind is the overscan, and the
    rows above (below, when there are none above) are the parallel overscan. Corners, which are
    overscan both ways, belong to none of them.

    Parameters
    ----------
    data : Box
        Light-sensitive pixels in the array.
    shape : tuple of int
        Rows and columns of the array.

    Returns
    -------
    prescan, overscan, parallel : Box or None
        None where there is no such pixel.

    Raises
    ------
    ParameterError
        If the data reach outside of the array.
    """
    if not data.within(shape):
        raise ParameterError("data", data.section, f"within an array of {shape} rows and columns")
    rows, columns = shape
    above = Box(data.x0, data.x1, data.y1, rows)
    below = Box(data.x0, data.x1, 0, data.y0)
    return (
        _unless_empty(Box(0, data.x0, data.y0, data.y1)),
        _unless_empty(Box(data.x1, columns, data.y0, data.y1)),
        _unless_empty(above) or _unless_empty(below),
    )


def lay_out(arrays: Sequence[AmplifierArray]) -> tuple[tuple[Amplifier, ...], tuple[int, int]]:
    """Place the arrays of the amplifiers on one raw canvas.

    They stand in a grid that follows the place of their data on the silicon; where they form no
    grid, in one row.

    Returns
    -------
    amplifiers : tuple of Amplifier
        In the order given.
    raw_shape : tuple of int
        Rows and columns of the canvas.

    Raises
    ------
    ParameterError
        If there is no array.
    """
    if not arrays:
        raise ParameterError("amplifiers", arrays, "at least one")
    corners, raw_shape = _grid(arrays) or _row(arrays)
    placed = (_placed(array, *corner) for array, corner in zip(arrays, corners, strict=True))
    return tuple(placed), raw_shape


def _grid(arrays: Sequence[AmplifierArray]) -> tuple[list[tuple[int, int]], tuple[int, int]] | None:
    widths: dict[int, int] = {}
    heights: dict[int, int] = {}
    for array in arrays:
        rows, columns = array.shape
        widths[array.box.x0] = max(columns, widths.get(array.box.x0, 0))
        heights[array.box.y0] = max(rows, heights.get(array.box.y0, 0))
    if len(widths) * len(heights) != len(arrays):
        return None
    x_of, width = _cumulated(widths)
    y_of, height = _cumulated(heights)
    return [(x_of[array.box.x0], y_of[array.box.y0]) for array in arrays], (height, width)


def _row(arrays: Sequence[AmplifierArray]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    corners, x = [], 0
    for array in arrays:
        corners.append((x, 0))
        x += array.shape[1]
    return corners, (max(array.shape[0] for array in arrays), x)


def _cumulated(sizes: dict[int, int]) -> tuple[dict[int, int], int]:
    starts, total = {}, 0
    for key in sorted(sizes):
        starts[key] = total
        total += sizes[key]
    return starts, total


def _placed(array: AmplifierArray, dx: int, dy: int) -> Amplifier:
    def moved(box: Box | None) -> Box | None:
        return None if box is None else box.shifted(dx, dy)

    return Amplifier(
        name=array.name,
        box=array.box,
        data=array.data.shifted(dx, dy),
        raw=Box(dx, dx + array.shape[1], dy, dy + array.shape[0]),
        prescan=moved(array.prescan),
        overscan=moved(array.overscan),
        parallel=moved(array.parallel),
        flip_x=array.flip_x,
        flip_y=array.flip_y,
        gain=array.gain,
        read_noise=array.read_noise,
        saturation=array.saturation,
    )


def _unless_empty(box: Box) -> Box | None:
    return None if box.empty else box
