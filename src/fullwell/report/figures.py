"""Pictures of a report: alone, beside each other, before and after."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import attrs

from fullwell.errors import ParameterError
from fullwell.report.cells import Badge, Cell, Link, plain
from fullwell.report.facts import Facts

__all__ = ["Change", "Gallery", "Pair", "Picture", "Scale"]

_PNG_START = b"\x89PNG\r\n\x1a\n"


def _tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(values)


@attrs.frozen
class Scale:
    """What the grays of a picture mean.

    Parameters
    ----------
    black, middle, white : float
        Values at black, at half of the gray levels and at white.
    unit : str
    note : str
        How one gets from one to the other.
    """

    black: float
    middle: float
    white: float
    unit: str = ""
    note: str = ""

    @property
    def decimals(self) -> int:
        """Digits behind the point that tell the three values apart."""
        span = max(abs(self.white - self.black), 1e-12)
        return min(6, max(0, 2 - math.floor(math.log10(span))))


@attrs.frozen
class Picture:
    """A picture.

    Parameters
    ----------
    data : bytes
        A PNG or SVG file.
    alt : str
        What is to be seen, for those who do not see it.
    caption : str
        What stands below it.
    scale : Scale or None
        What its grays mean.

    Raises
    ------
    ParameterError
        If `data` is neither, or `alt` is empty.
    """

    data: bytes = attrs.field(repr=False)
    alt: str
    caption: str = ""
    scale: Scale | None = None

    def __attrs_post_init__(self) -> None:
        if not (self.data.startswith(_PNG_START) or b"<svg" in self.data[:1000]):
            raise ParameterError("picture", self.data[:20], "a PNG or SVG file")
        if not self.alt.strip():
            raise ParameterError("alt", self.alt, "words that say what is to be seen")

    @property
    def media_type(self) -> str:
        """``'image/png'`` or ``'image/svg+xml'``."""
        return "image/png" if self.data.startswith(_PNG_START) else "image/svg+xml"


@attrs.frozen
class Gallery:
    """Pictures beside each other."""

    pictures: tuple[Picture, ...] = attrs.field(converter=_tuple)

    @property
    def has_plots(self) -> bool:
        """Whether a drawing is among them, whose letters need more room than a photograph."""
        return any(picture.media_type == "image/svg+xml" for picture in self.pictures)


@attrs.frozen
class Change:
    """A number before and after."""

    label: str
    before: Cell = attrs.field(converter=plain)
    after: Cell = attrs.field(converter=plain)
    unit: str = ""


@attrs.frozen
class Pair:
    """The same thing before and after, in pictures and in numbers, and what else is known of it."""

    title: str
    before: Picture
    after: Picture
    changes: tuple[Change, ...] = attrs.field(default=(), converter=_tuple)
    before_label: str = "Before"
    after_label: str = "After"
    note: str = ""
    badge: Badge | None = None
    link: Link | None = None
    facts: Facts = attrs.field(default=Facts(()))
