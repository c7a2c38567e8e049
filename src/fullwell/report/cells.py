"""What stands in the cells of tables and facts: words, names, judgments, and numbers with errors."""

from __future__ import annotations

import re
from typing import Any, Literal

import attrs
import numpy as np

from fullwell.errors import ParameterError

__all__ = ["Badge", "Brief", "Cell", "Code", "Link", "Number", "one_of", "plain"]

Status = Literal["ok", "warning", "error", "note", "unknown"]

_STATUSES = ("ok", "warning", "error", "note", "unknown")


def plain(cell: Any) -> Any:
    """Turn NumPy scalars into Python's own numbers."""
    return cell.item() if isinstance(cell, np.generic) else cell


def one_of(allowed: tuple[str, ...]) -> Any:
    """Return a validator for attrs fields that hold one of a few words."""

    def check(_: object, attribute: Any, value: str) -> None:
        if value not in allowed:
            raise ParameterError(attribute.name, value, f"one of {', '.join(allowed)}")

    return check


@attrs.frozen
class Number:
    """A number that was measured or counted.

    Parameters
    ----------
    value : float or int
    error : float or None
        Standard error in the same unit.
    unit : str
        Where the column or the fact does not say it already.
    key : str
        Name under which programs find it in the page (``data-key``) and in the JSON.
    digits : int
        Significant digits where there is no error.
    decimals : int or None
        Digits behind the point instead, so that the numbers of a column stand below each other.
    """

    value: float = attrs.field(converter=plain)
    error: float | None = attrs.field(default=None, converter=plain)
    unit: str = ""
    key: str = ""
    digits: int = 4
    decimals: int | None = None


@attrs.frozen
class Badge:
    """A short judgment, such as 'ok' or 'not measured'."""

    text: str
    status: Status = attrs.field(default="note", validator=one_of(_STATUSES))


@attrs.frozen
class Code:
    """A name that has to be read letter by letter: a file, a card, a hash."""

    text: str


@attrs.frozen
class Brief:
    """Few words, with the whole sentence for who points at them."""

    text: str
    full: str


def _inside(_: object, attribute: Any, value: str) -> None:
    if not value or value.startswith(("/", "\\")) or re.match(r"[^/]*:", value) or ".." in value.split("/"):
        raise ParameterError(attribute.name, value, "a path below the folder of the report")


@attrs.frozen
class Link:
    """A file that lies beside the report.

    Parameters
    ----------
    path : str
        Relative to the report, with ``/``; also what is shown, if `text` is empty.
    text : str
    """

    path: str = attrs.field(validator=_inside)
    text: str = ""


Cell = str | int | float | bool | Number | Badge | Brief | Code | Link | None
