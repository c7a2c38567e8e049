"""The same detector with fewer pixels: all amplifiers, scans and values, for tests, teaching and trials."""

from __future__ import annotations

import attrs

from fullwell.detector.boxes import Box
from fullwell.detector.geometry import Amplifier, Detector
from fullwell.detector.layout import AmplifierArray, lay_out
from fullwell.errors import ParameterError

__all__ = ["with_amplifiers_of"]


def with_amplifiers_of(detector: Detector, shape: tuple[int, int]) -> Detector:
    """Return `detector` with so many light-sensitive pixels in each amplifier.

    Number, place and read-out direction of the amplifiers, the widths of prescan and overscan, gain, noise
    and everything in `Detector.defaults` stay.

    Parameters
    ----------
    detector : Detector
    shape : tuple of int
        Rows and columns of the data of every amplifier.

    Raises
    ------
    ParameterError
        If `shape` is not positive, or the amplifiers form no grid.
    """
    rows, columns = shape
    if rows < 1 or columns < 1:
        raise ParameterError("shape", shape, "at least one row and one column")
    lefts = sorted({amplifier.box.x0 for amplifier in detector.amplifiers})
    bottoms = sorted({amplifier.box.y0 for amplifier in detector.amplifiers})
    if len(lefts) * len(bottoms) != len(detector.amplifiers):
        raise ParameterError("detector", detector.name, "amplifiers in a grid")
    arrays = []
    for amplifier in detector.amplifiers:
        x, y = lefts.index(amplifier.box.x0) * columns, bottoms.index(amplifier.box.y0) * rows
        arrays.append(_shrunk(amplifier, Box(x, x + columns, y, y + rows)))
    amplifiers, raw_shape = lay_out(arrays)
    whole = len(bottoms) * rows, len(lefts) * columns
    return attrs.evolve(detector, shape=whole, raw_shape=raw_shape, amplifiers=amplifiers)


def _shrunk(amplifier: Amplifier, box: Box) -> AmplifierArray:
    raw, data = amplifier.raw, amplifier.data
    dx, dy = box.shape[1] - data.shape[1], box.shape[0] - data.shape[0]

    def moved(old: Box | None) -> Box | None:
        """Inside the amplifier's own array; edges behind the data move with the data's end."""
        if old is None:
            return None
        xs = [x - raw.x0 + (dx if x >= data.x1 else 0) for x in (old.x0, old.x1)]
        ys = [y - raw.y0 + (dy if y >= data.y1 else 0) for y in (old.y0, old.y1)]
        return Box(*xs, *ys)

    inside = moved(data)
    assert inside is not None
    return AmplifierArray(
        name=amplifier.name,
        shape=(raw.shape[0] + dy, raw.shape[1] + dx),
        data=inside,
        box=box,
        flip_x=amplifier.flip_x,
        flip_y=amplifier.flip_y,
        prescan=moved(amplifier.prescan),
        overscan=moved(amplifier.overscan),
        parallel=moved(amplifier.parallel),
        gain=amplifier.gain,
        read_noise=amplifier.read_noise,
        saturation=amplifier.saturation,
    )
