"""What a browser asks for: numbers and boxes out of an address, checked one by one."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from starlette.requests import Request

from fullwell.detector import Box
from fullwell.web.answers import Refusal

__all__ = ["box_of", "choice", "number", "whole"]

_WHOLE = re.compile(r"[+-]?\d{1,12}")


def whole(request: Request, name: str, *, lowest: int, highest: int, default: int | None = None) -> int:
    """Return a whole number.

    Parameters
    ----------
    request : Request
    name : str
        Of the parameter, in the path or behind the question mark.
    lowest, highest : int
        Both are allowed.
    default : int, optional
        Where it is not given.

    Raises
    ------
    Refusal
        If it is missing, no whole number, or outside.
    """
    text = _text(request, name)
    if text is None:
        if default is None:
            raise Refusal("bad-request", f"{name} is missing: a whole number from {lowest} to {highest}.")
        return default
    if not _WHOLE.fullmatch(text) or not lowest <= int(text) <= highest:
        raise Refusal(
            "bad-request",
            f"{name} = {text[:40]!r} is not possible: a whole number from {lowest} to {highest}.",
        )
    return int(text)


def number(request: Request, name: str, *, lowest: float, highest: float, default: float) -> float:
    """Return a finite number.

    Raises
    ------
    Refusal
        If it is no number, or outside.
    """
    text = _text(request, name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not lowest <= value <= highest:
        raise Refusal(
            "bad-request", f"{name} = {text[:40]!r} is not possible: a number from {lowest:g} to {highest:g}."
        )
    return value


def choice(request: Request, name: str, allowed: Sequence[str]) -> str:
    """Return one of some words; the first where it is not given.

    Raises
    ------
    Refusal
        If it is another.
    """
    text = _text(request, name)
    if text is None:
        return allowed[0]
    if text not in allowed:
        raise Refusal("bad-request", f"{name} = {text[:40]!r} is not possible: {' or '.join(allowed)}.")
    return text


def box_of(request: Request, shape: tuple[int, int]) -> Box:
    """Return the box x0 <= column < x1, y0 <= row < y1; the whole frame where nothing is given.

    Raises
    ------
    Refusal
        If it is empty, or reaches outside.
    """
    rows, columns = shape
    x0 = whole(request, "x0", lowest=0, highest=columns - 1, default=0)
    y0 = whole(request, "y0", lowest=0, highest=rows - 1, default=0)
    x1 = whole(request, "x1", lowest=x0 + 1, highest=columns, default=columns)
    y1 = whole(request, "y1", lowest=y0 + 1, highest=rows, default=rows)
    return Box(x0, x1, y0, y1)


def _text(request: Request, name: str) -> str | None:
    text = request.path_params.get(name, request.query_params.get(name))
    return None if text is None else str(text)
