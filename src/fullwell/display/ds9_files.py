"""Images and marks as DS9, and what has learned from it, reads them."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy.typing as npt

from fullwell.display.shown import Dot, Line, Mark

__all__ = ["fits_bytes", "regions_of"]

_POINTS = {"+": "cross", "x": "x", "d": "diamond"}
_WORLD = re.compile(
    r"(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA|RADESYS|EQUINOX|LONPOLE|LATPOLE|CD\d_|PC\d_|PV\d_|A_|B_).{0,5}"
)


def fits_bytes(pixels: npt.NDArray[Any], *, header: Any = None, title: str = "") -> bytes:
    """Make a plain FITS file, with the cards of the world coordinates if there are any."""
    from astropy.io import fits

    unit = fits.PrimaryHDU(pixels)
    for card in header.cards if header is not None else ():
        if _WORLD.fullmatch(card.keyword):
            unit.header[card.keyword] = card.value
    unit.header["OBJECT"] = "".join(letter if " " <= letter <= "~" else "?" for letter in title)[:60]
    buffer = io.BytesIO()
    unit.writeto(buffer)
    return buffer.getvalue()


def regions_of(mark: Mark) -> list[str]:
    """Say a mark in DS9's words, whose pixels count from 1."""
    if isinstance(mark, Line):
        ends = zip(mark.points[:-1], mark.points[1:], strict=True)
        return [f"line({a[0] + 1},{a[1] + 1},{b[0] + 1},{b[1] + 1}) # color={mark.color}" for a, b in ends]
    # Braces would end the text early, and a new line would be a command.
    words = re.sub(r"[{}\s]+", " ", mark.label)
    look = f"# color={mark.color} text={{{words}}}"
    if not isinstance(mark, Dot):
        x, y = (mark.x0 + mark.x1 + 1) / 2, (mark.y0 + mark.y1 + 1) / 2
        return [f"box({x},{y},{mark.x1 - mark.x0},{mark.y1 - mark.y0},0) {look}"]
    x, y = mark.x + 1, mark.y + 1
    if mark.symbol == "o":
        return [f"circle({x},{y},{mark.size}) {look}"]
    if mark.symbol == "s":
        return [f"box({x},{y},{2 * mark.size},{2 * mark.size},0) {look}"]
    return [f"point({x},{y}) {look} point={_POINTS[mark.symbol]} {max(1, round(2 * mark.size))}"]
