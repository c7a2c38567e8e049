"""What the name of a file tells: its place in natural order, a type, an exposure time, a number."""

from __future__ import annotations

import re

import attrs

__all__ = [
    "Numbered",
    "exposure_in_name",
    "head_with_type",
    "natural_key",
    "numbered",
    "type_in_name",
    "type_of_name",
]

_PREFIXES = (  # the first that fits counts
    ("flatdark", "dark"),
    ("flat-dark", "dark"),
    ("flat_dark", "dark"),
    ("bias", "bias"),
    ("zero", "bias"),
    ("dark", "dark"),
    ("flat", "flat"),
    ("target", "science"),
    ("light", "science"),
    ("science", "science"),
)
_WORDS = {
    **dict.fromkeys(("bias", "biases", "zero", "zeros"), "bias"),
    **dict.fromkeys(("dark", "darks", "darkflat", "flatdark"), "dark"),
    **dict.fromkeys(("flat", "flats", "domeflat", "skyflat"), "flat"),
    **dict.fromkeys(("light", "lights", "science", "sci", "target"), "science"),
}
_COUNTERS = ("img", "image", "frame", "no", "nr", "seq")
# A number is a time only where it stands alone or behind a word for exposures: M31s.fit is a galaxy.
_SECONDS = re.compile(
    r"(?:^|[^a-z0-9.]|(?<![a-z])(?:exp|expos|exposure|exptime|t|texp|bias|darks?|flats?|lights?))"
    r"(\d+(?:\.\d+)?)\s*s(?:ecs?|econds?)?(?![a-z0-9])",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d([-_.]?)[01]\d\1[0-3]\d(?!\d)")
_NUMBER = re.compile(r"\d+")


@attrs.frozen
class Numbered:
    """A name taken apart at its running number: the last that is no exposure time and no date.

    Parameters
    ----------
    prefix, suffix : str
        What stands before and behind the number.
    number : int
    digits : str
        The number as written.
    """

    prefix: str
    suffix: str
    number: int
    digits: str

    def name_of(self, number: int) -> str:
        """Return the name that another number of this series has."""
        return f"{self.prefix}{number:0{len(self.digits)}d}{self.suffix}"


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Key that sorts ``bias_2`` before ``bias_10``; letters by case last, so that the order is total."""
    parts = re.split(r"(\d+)", name)
    folded = [(1, int(part), "") if i % 2 else (0, 0, part.casefold()) for i, part in enumerate(parts)]
    return (*folded, (0, 0, name))


def type_of_name(name: str) -> str | None:
    """Guess the type from how the file name begins (``bias*``, ``zero*``, ``dark*``, ``flat*``, ...)."""
    folded = _base(name).casefold()
    return next((kind for prefix, kind in _PREFIXES if folded.startswith(prefix)), None)


def type_in_name(name: str) -> str | None:
    """Return the first type that the file name names anywhere, such as ``'flat'`` in ``L2-flat-red``.

    Good enough to doubt a card, not good enough to replace one.
    """
    begins = type_of_name(name)
    if begins is not None:
        return begins
    words = re.findall(r"[a-z]+", _base(name).casefold())
    return next((_WORDS[word] for word in words if word in _WORDS), None)


def head_with_type(name: str) -> str | None:
    """Return the file name up to the word for its type, such as ``L2-flat`` of ``L2-flat-red-180.fit``."""
    base = _base(name)
    for match in re.finditer(r"[a-z]+", base, re.IGNORECASE):
        if match[0].casefold() in _WORDS or (match.start() == 0 and type_of_name(match[0]) is not None):
            return base[: match.end()]
    return None


def exposure_in_name(name: str) -> float | None:
    """Return the seconds that a name such as ``dark_10s_001.FIT`` states; None if it states none."""
    match = _SECONDS.search(_base(name))
    return float(match[1]) if match else None


def numbered(name: str) -> Numbered | None:
    """Take a name apart at its running number; None if it has none."""
    start = name.rfind("/") + 1
    taken = [match.span() for match in (*_SECONDS.finditer(name, start), *_DATE.finditer(name, start))]
    found = [
        match
        for match in _NUMBER.finditer(name, start)
        if not any(first <= match.start() < last for first, last in taken) and _counts(name, match)
    ]
    if not found or len(found[-1][0]) > 18:
        return None
    last = found[-1]
    return Numbered(name[: last.start()], name[last.end() :], int(last[0]), last[0])


def _counts(name: str, digits: re.Match[str]) -> bool:
    """Whether digits can be a running number: m31 is a galaxy and Bin2 a setting, flat9 is a ninth flat."""
    glued = re.search(r"[a-z]*$", name[: digits.start()], re.IGNORECASE)
    word = glued[0].casefold() if glued else ""
    return not word or word in _WORDS or word in _COUNTERS or digits[0].startswith("0")


def _base(name: str) -> str:
    return name.rsplit("/", 1)[-1]
