"""Rectangles of pixels, and how FITS writes them.

Arrays are ``(rows, columns)``, indices start at 0; FITS sections (``[x1:x2,y1:y2]``, starting at 1,
inclusive, possibly reversed) appear only in `parse_section` and `Box.section`.
"""

from __future__ import annotations

import re

import attrs

from fullwell.errors import ParameterError

__all__ = ["Box", "parse_section"]

_SECTION = re.compile(r"^\[?\s*(-?\d+)\s*:\s*(-?\d+)\s*,\s*(-?\d+)\s*:\s*(-?\d+)\s*\]?$")


@attrs.frozen
class Box:
    """Rectangle of pixels, ``x0 <= column < x1`` and ``y0 <= row < y1``, counted from 0."""

    x0: int
    x1: int
    y0: int
    y1: int

    def __attrs_post_init__(self) -> None:
        if not (0 <= self.x0 <= self.x1 and 0 <= self.y0 <= self.y1):
            raise ParameterError(
                "box", (self.x0, self.x1, self.y0, self.y1), "0 <= x0 <= x1 and 0 <= y0 <= y1"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def empty(self) -> bool:
        """Whether the box holds no pixel."""
        return 0 in self.shape

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index for an array: ``array[box.slices]``."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @property
    def section(self) -> str:
        """FITS section string, such as ``'[1:1024,1:2048]'``."""
        return f"[{self.x0 + 1}:{self.x1},{self.y0 + 1}:{self.y1}]"

    def shifted(self, dx: int, dy: int) -> Box:
        """Return the same box moved by `dx` columns and `dy` rows."""
        return Box(self.x0 + dx, self.x1 + dx, self.y0 + dy, self.y1 + dy)

    def overlaps(self, other: Box) -> bool:
        """Whether both boxes share a pixel."""
        inside_x = max(self.x0, other.x0) < min(self.x1, other.x1)
        return inside_x and max(self.y0, other.y0) < min(self.y1, other.y1)

    def within(self, shape: tuple[int, int]) -> bool:
        """Whether the box lies inside of an array of `shape` (rows, columns)."""
        return self.y1 <= shape[0] and self.x1 <= shape[1]


def parse_section(text: str) -> tuple[Box, bool, bool]:
    """Read a FITS section, blanks and reversed ranges included.

    Parameters
    ----------
    text : str
        Such as ``'[17:528,1:520]'``, ``'[  17: 528,   1: 520]'`` or ``'[512:1,1:2002]'``.

    Returns
    -------
    box : Box
        The rectangle, counted from 0.
    flip_x, flip_y : bool
        True where the range runs backwards.

    Raises
    ------
    ParameterError
        If the text is not a section or counts from below 1.
    """
    match = _SECTION.match(text.strip())
    if match is None:
        raise ParameterError("section", text, "a FITS section such as '[1:1024,1:2048]'")
    x1, x2, y1, y2 = (int(number) for number in match.groups())
    if min(x1, x2, y1, y2) < 1:
        raise ParameterError("section", text, "pixels counted from 1")
    return Box(min(x1, x2) - 1, max(x1, x2), min(y1, y2) - 1, max(y1, y2)), x1 > x2, y1 > y2
