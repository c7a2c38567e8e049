"""Numbers as people read them: no more digits than the error allows."""

from __future__ import annotations

import math

__all__ = ["format_error", "format_value"]

_DIGITS = 4
_ERROR_DIGITS = 2
_MINUS, _THIN = "\N{MINUS SIGN}", "\N{NARROW NO-BREAK SPACE}"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def format_value(value: float, *, error: float | None = None, digits: int = _DIGITS) -> str:
    """Write a number with as many digits as its error has meaning for.

    Parameters
    ----------
    value : float or int
        Integers are written in full; groups of three digits are set apart from five digits on.
    error : float, optional
        Standard error; the value is rounded where the error has its second digit.
    digits : int
        Significant digits where there is no error. Digits before the point are never rounded away.

    Returns
    -------
    str
        Such as ``'1.951'``, ``'−4.8 × 10⁻⁶'`` or ``'19 684'``.
    """
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else f"{_MINUS if value < 0 else ''}\N{INFINITY}"
    if isinstance(value, int):
        return _grouped(str(value))
    power = _power(value, error)
    if power:
        scale = 10.0**power
        inner = None if error is None else error / scale
        mantissa = format_value(value / scale, error=inner, digits=digits)
        return f"{mantissa} × 10{str(power).translate(_SUPERSCRIPTS)}"
    return _grouped(f"{value:.{_decimals(value, error, digits)}f}")


def format_error(value: float, error: float) -> str:
    """Write the error of `value`, to be read behind a plus-minus sign.

    Returns
    -------
    str
        With the decimals of ``format_value(value, error=error)`` and its power of ten, if it has one.
    """
    if not (math.isfinite(error) and math.isfinite(value)):
        return "unknown"
    power = _power(value, error)
    if power:
        scale = 10.0**power
        return f"{format_error(value / scale, error / scale)} × 10{str(power).translate(_SUPERSCRIPTS)}"
    return _grouped(f"{error:.{_decimals(value, error, _DIGITS)}f}")


def _power(value: float, error: float | None) -> int:
    """Power of ten that is taken out; 0 for numbers of ordinary size."""
    size = max(abs(value), abs(error) if error is not None and math.isfinite(error) else 0.0)
    if size == 0 or 1e-3 <= size < 1e7:
        return 0
    return math.floor(math.log10(size))


def _decimals(value: float, error: float | None, digits: int) -> int:
    if error is not None and math.isfinite(error) and error > 0:
        return max(0, _ERROR_DIGITS - 1 - math.floor(math.log10(error)))
    return max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0


def _grouped(text: str) -> str:
    sign, text = (_MINUS, text[1:]) if text.startswith("-") else ("", text)
    whole, point, fraction = text.partition(".")
    if sign and not (whole + fraction).strip("0"):
        sign = ""  # no minus zero
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", _THIN)
    return sign + whole + point + fraction
