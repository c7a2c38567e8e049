"""Words made safe to look at: what cannot be seen, or turns the others around, is written out."""

from __future__ import annotations

import re

__all__ = ["visible"]

# Controls apart from tab and new line, half characters (bytes of names that are no UTF-8), and the marks
# that change the direction of what follows: a name could look like another one.
_UNSEEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]"
)


def visible(text: str, *, lines: bool = True) -> str:
    r"""Write controls, half characters and marks of direction as escapes such as ``\x07`` or ``\u202e``.

    Parameters
    ----------
    text : str
    lines : bool
        Whether new lines and tabs may stay; in names they are written out too.

    Returns
    -------
    str
        Can be encoded as UTF-8.
    """
    if not lines:
        text = text.replace("\n", "\\n").replace("\t", "\\t")
    return _UNSEEN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
