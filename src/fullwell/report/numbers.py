"""Numbers as people read them: no more digits than the error allows."""

from __future__ import annotations

import math

__all__ = ["format_value", "number_parts"]

_DIGITS = 4
_ERROR_DIGITS = 2
_MINUS, _THIN = "\N{MINUS SIGN}", "\N{NARROW NO-BREAK SPACE}"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number_parts(
    value: float, *, error: float | None = None, digits: int = _DIGITS, decimals: int | None = None
) -> tuple[str, str, str]:
    """Write a number with as many digits as its error has meaning for.

    Parameters
    ----------
    value : float or int
        Integers without error are written in full; groups of three digits are set apart from five
        digits on.
    error : float, optional
        Standard error; the value is rounded where the error has its second digit.
    digits : int
        Significant digits where there is no error. Digits before the point are never rounded away,
        and no zeros are added to a number that is shorter.
    decimals : int, optional
        Digits behind the point where there is no error, whatever the size of the number.

    Returns
    -------
    value, error, power : str
        Such as ``('1.951', '0.040', '')`` or ``('−4.8', '1.2', '10⁻⁶')``; the error is empty if there
        is none, and ``'unknown'`` if it is not finite.
    """
    if not math.isfinite(value):
        return _not_finite(value), "", ""
    if error is None and isinstance(value, int):
        return _grouped(str(value)), "", ""
    if error is None and decimals is not None:
        return _grouped(f"{value:.{decimals}f}"), "", ""
    known = error if error is not None and math.isfinite(error) and error > 0 else 0.0
    power = _power(max(abs(value), known))
    scale = 10.0**power
    if known:
        decimals = max(0, _ERROR_DIGITS - 1 - math.floor(math.log10(known / scale)))
    else:
        decimals = _short_decimals(value / scale, digits)
    error_text = "" if error is None else "unknown"
    if error is not None and (known or error == 0):
        error_text = _grouped(f"{error / scale:.{decimals}f}")
    text = _grouped(f"{value / scale:.{decimals}f}")
    return text, error_text, f"10{str(power).translate(_SUPERSCRIPTS)}" if power else ""


def format_value(value: float, *, digits: int = _DIGITS) -> str:
    """Write a number without error as one text, such as ``'19 684'`` or ``'−4.8 × 10⁻⁶'``."""
    text, _, power = number_parts(value, digits=digits)
    return f"{text} × {power}" if power else text


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "not a number"
    return ("" if value > 0 else _MINUS) + "\N{INFINITY}"


def _power(size: float) -> int:
    """Power of ten that is taken out; 0 for numbers of ordinary size."""
    return 0 if size == 0 or 1e-3 <= size < 1e7 else math.floor(math.log10(size))


def _short_decimals(value: float, digits: int) -> int:
    if value == 0:
        return 0
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    rounded = f"{value:.{decimals}f}"
    return len(rounded.rstrip("0").partition(".")[2])


def _grouped(text: str) -> str:
    sign, text = (_MINUS, text[1:]) if text.startswith("-") else ("", text)
    whole, point, fraction = text.partition(".")
    if sign and not (whole + fraction).strip("0"):
        sign = ""  # no minus zero
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", _THIN)
    return sign + whole + point + fraction
