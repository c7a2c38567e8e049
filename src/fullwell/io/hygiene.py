"""Headers that stay true: legal cards only, positions after trimming, units after conversion."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

import numpy as np
from astropy.io.fits import Card, Header
from astropy.io.fits.verify import VerifyError

from fullwell.detector import Box, parse_section
from fullwell.errors import ParameterError, UnitError
from fullwell.io.card_text import COMMENTARY, STRUCTURE

__all__ = [
    "electron_header",
    "legal_header",
    "trimmed_header",
    "without_structure",
]

_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")
_HIERARCH = re.compile(r"[A-Z0-9_.-]+(?: +[A-Z0-9_.-]+)*")
#: Cards of areas that a trimmed image no longer has.
_SCANS = re.compile(r"(?:BIASSEC|TRIMSEC|PRESCAN|OVRSCAN|OVERSCAN|PRESEC|POSTSEC|BIASSC|TRIMSC)[A-Z0-9_]*")
_RAW_NAMES = {
    "GAIN": "RAWGAIN",
    "EGAIN": "RAWEGAIN",
    "E-GAIN": "RAWEGAIN",
    "RDNOISE": "RAWRDN",
    "SATURATE": "RAWSATUR",
    "SATLEVEL": "RAWSATLV",
    "DATAMAX": "RAWDATMX",
    "MAXADU": "RAWMXADU",
    "MAXLIN": "RAWMXLIN",
}
#: Cards that hold a level of the pixels, in ADU in a raw frame.
_LEVELS = ("SATURATE", "SATLEVEL", "DATAMAX", "MAXADU", "MAXLIN")


def legal_header(header: Header) -> Header:
    """Return the header with cards that can be read and written, whatever was in it.

    Values that are no FITS values (``1.5 sec``, ``NaN``) become text. Cards that cannot be
    saved are dropped, and a HISTORY line says so.
    """
    kept: list[Card] = []
    dropped: list[str] = []
    for card in header.cards:
        legal = _legal_card(card)
        if legal is None:
            dropped.append(_printable(card))
        else:
            kept.append(legal)
    clean = _header_of(kept)
    for name in dropped:
        clean.add_history(f"card dropped, it is not legal FITS: {name}"[:72])
    return clean


def _header_of(cards: Iterable[Card]) -> Header:
    """Header of copies: astropy would share the cards, and a change would reach the original."""
    return Header([copy(card) for card in cards])


def _printable(card: Card) -> str:
    text = str(getattr(card, "_image", None) or getattr(card, "_keyword", None) or "unnamed")
    return "".join(letter if 32 <= ord(letter) < 127 else "?" for letter in text).strip()


def _legal_card(card: Card) -> Card | None:
    try:
        card.verify("exception")
        value = card.value
    except (VerifyError, ValueError, TypeError):
        try:
            card.verify("silentfix")
            value = card.value
            card = Card(card.keyword, value, card.comment)
        except (VerifyError, ValueError, TypeError):
            return None
    keyword = card.keyword
    if keyword in COMMENTARY:
        return card
    if not (_KEYWORD.fullmatch(keyword) or _HIERARCH.fullmatch(keyword)) or keyword == "END":
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return Card(keyword, str(value), card.comment)
    return card


def without_structure(header: Header) -> Header:
    """Return the header without the cards that describe the file instead of the frame."""
    return _header_of(card for card in header.cards if not STRUCTURE.fullmatch(card.keyword))


def trimmed_header(header: Header, box: Box, *, shape: tuple[int, int]) -> Header:
    """Return the header of an image that is cut down to `box`.

    Reference pixels (CRPIX1, CRPIX2 and their alternates A to Z) and the offsets LTV1 and LTV2
    move along, DATASEC becomes the whole area, CCDSEC, DETSEC and AMPSEC shrink with it where
    they can be followed and are dropped where not. Cards of overscan and prescan go.

    Parameters
    ----------
    header : Header
        Of the image before; it is left as it is.
    box : Box
        What is kept of it.
    shape : tuple of int
        Rows and columns of the image before.

    Raises
    ------
    ParameterError
        If the box does not lie in an image of that shape.
    """
    if box.empty or not box.within(shape):
        raise ParameterError("box", box, f"some pixels within {shape}")
    trimmed = _header_of(card for card in header.cards if not _falls_with_scans(card))
    for axis, offset in ((1, box.x0), (2, box.y0)):
        for letter in ("", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
            keyword = f"CRPIX{axis}{letter}"
            if _number(header.get(keyword)) is not None:
                trimmed[keyword] = header[keyword] - offset
        if offset or f"LTV{axis}" in header:
            # IRAF's rule: logical = LTM * physical + LTV
            trimmed[f"LTV{axis}"] = (_number(header.get(f"LTV{axis}")) or 0.0) - offset
    for keyword in ("CCDSEC", "DETSEC", "AMPSEC"):
        if keyword in header:
            section = _shrunk(header, keyword, box, shape)
            if section is None:
                trimmed.remove(keyword)
            else:
                trimmed[keyword] = section
    trimmed["DATASEC"] = Box(0, box.x1 - box.x0, 0, box.y1 - box.y0).section
    return trimmed


def _falls_with_scans(card: Card) -> bool:
    if isinstance(card.value, bool):  # OVERSCAN = T says that it was taken out
        return False
    return bool(_SCANS.fullmatch(card.keyword) or re.fullmatch(r"NAXIS\d*", card.keyword))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _shrunk(header: Header, keyword: str, box: Box, shape: tuple[int, int]) -> str | None:
    """Section `keyword`, which says where DATASEC lies on the CCD, cut down to `box`."""
    whole = Box(0, shape[1], 0, shape[0])
    try:
        data = parse_section(str(header["DATASEC"]))[0] if "DATASEC" in header else whole
        target, flip_x, flip_y = parse_section(str(header[keyword]))
    except ParameterError:
        return None
    inside = data.x0 <= box.x0 and box.x1 <= data.x1 and data.y0 <= box.y0 and box.y1 <= data.y1
    if not inside or any(a % b for a, b in zip(target.shape, data.shape, strict=True)):
        return None
    step_y, step_x = (a // b for a, b in zip(target.shape, data.shape, strict=True))
    x = _span(target.x0, target.x1, (box.x0 - data.x0) * step_x, (box.x1 - data.x0) * step_x, flip=flip_x)
    y = _span(target.y0, target.y1, (box.y0 - data.y0) * step_y, (box.y1 - data.y0) * step_y, flip=flip_y)
    return f"[{x},{y}]"


def _span(low: int, high: int, first: int, last: int, *, flip: bool) -> str:
    """FITS range of the pixels `first` to `last` counted from the start of ``low..high``."""
    return f"{high - first}:{high - last + 1}" if flip else f"{low + first + 1}:{low + last}"


def electron_header(
    header: Header, *, gain: float | Sequence[float], read_noise: float | Sequence[float] | None = None
) -> Header:
    """Return the header of a frame that was in ADU and is now in electrons.

    The gain cards become 1, RDNOISE is in electrons, SATURATE, SATLEVEL, DATAMAX, MAXADU and MAXLIN
    are multiplied by the gain, BUNIT is electron. What was there before is kept as RAWGAIN, RAWEGAIN,
    RAWRDN, RAWSATUR, RAWSATLV, RAWDATMX, RAWMXADU and RAWMXLIN.

    Parameters
    ----------
    header : Header
        Of the frame in ADU; it is left as it is.
    gain : float or sequence of float
        e-/ADU, one for all or one an amplifier. The smallest is taken for the saturation.
    read_noise : float or sequence of float, optional
        e-; RDNOISE becomes the root of the mean square. If not given, RDNOISE stays.

    Raises
    ------
    UnitError
        If BUNIT says electrons already.
    ParameterError
        If a gain is not above 0 or a noise is negative.
    """
    if str(header.get("BUNIT", "adu")).strip().lower().startswith(("electron", "e-")):
        raise UnitError(f"the header is in electrons already (BUNIT = {header['BUNIT']!r})")
    gains = np.atleast_1d(np.asarray(gain, dtype=np.float64))
    if not (np.isfinite(gains) & (gains > 0)).all():
        raise ParameterError("gain", gain, "finite and above 0 e-/ADU")
    changed = header.copy()
    for keyword, raw_name in _RAW_NAMES.items():
        if keyword in header and raw_name not in changed and (keyword != "RDNOISE" or read_noise is not None):
            changed[raw_name] = (header[keyword], f"{keyword} of the raw frame")
    for keyword in ("EGAIN", "E-GAIN"):
        if keyword in header:
            changed[keyword] = (1.0, "data are in electrons")
    for keyword in _LEVELS:
        level = _number(header.get(keyword))
        if level is not None:
            changed[keyword] = (level * float(gains.min()), "electron")
    changed["GAIN"] = (1.0, "data are in electrons")
    if read_noise is not None:
        noises = np.atleast_1d(np.asarray(read_noise, dtype=np.float64))
        if not (np.isfinite(noises) & (noises >= 0)).all():
            raise ParameterError("read_noise", read_noise, "finite and 0 e- or more")
        changed["RDNOISE"] = (float(np.sqrt(np.mean(noises**2))), "electron")
    changed["BUNIT"] = "electron"
    return changed
