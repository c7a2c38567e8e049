"""The type of a frame, by a ladder: the user's pattern, the card, the name of the file; else none."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import attrs

from fullwell.errors import ConfigError
from fullwell.io.dialects import frame_types, normalize_type, reduced_as
from fullwell.io.metadata import Metadata
from fullwell.sorting.names import type_of_name

__all__ = ["REDUCED", "Decision", "Pattern", "Patterns", "classify"]

#: The types that are reduced; frames of any other type are listed and left alone.
REDUCED = ("bias", "dark", "flat", "science")


@attrs.frozen
class Decision:
    """The type of one frame.

    Parameters
    ----------
    type : str or None
        None if nothing tells.
    rule : str
        How it was found, or why not.
    source : {'pattern', 'card', 'name', 'none'}
        The rung of the ladder.
    """

    type: str | None
    rule: str
    source: str


@attrs.frozen
class Pattern:
    """One pattern for file names.

    Parameters
    ----------
    key : str
        The key as the user wrote it.
    type : str
        The type it means.
    glob : str
    """

    key: str
    type: str
    glob: str


@attrs.frozen
class Patterns:
    """The table ``[frames]`` of a configuration file.

    Parameters
    ----------
    entries : tuple of Pattern
    """

    entries: tuple[Pattern, ...] = ()

    @classmethod
    def from_table(cls, table: Mapping[str, str | Sequence[str]]) -> Patterns:
        """Read a table such as ``{"flat": "flat-*", "arc": ["hg-*", "neon-*"]}``.

        Raises
        ------
        ConfigError
            If a type is not known, or a pattern is no text.
        """
        entries: list[Pattern] = []
        for key, globs in table.items():
            kind = _type_of_key(key)
            for glob in [globs] if isinstance(globs, str) else globs:
                if not isinstance(glob, str) or not glob:
                    raise ConfigError(f"frames.{key}: {glob!r} is no pattern; write one such as '{kind}-*'")
                entries.append(Pattern(key, kind, glob))
        return cls(tuple(entries))

    def match(self, name: str) -> Pattern | None:
        """Return the pattern that fits a file, by its file name first, then by its relative path.

        Case counts.

        Raises
        ------
        ConfigError
            If patterns of two types fit.
        """
        for text in dict.fromkeys((name.rsplit("/", 1)[-1], name)):
            fitting = [entry for entry in self.entries if fnmatchcase(text, entry.glob)]
            other = next((entry for entry in fitting if entry.type != fitting[0].type), None)
            if other is not None:
                first = fitting[0]
                raise ConfigError(
                    f"{name} fits the patterns of two types: {first.key} = {first.glob!r} and "
                    f"{other.key} = {other.glob!r}; make one of them narrower"
                )
            if fitting:
                return fitting[0]
        return None


def classify(name: str, metadata: Metadata, *, patterns: Patterns) -> Decision:
    """Find the type of a frame.

    Parameters
    ----------
    name : str
        Path relative to the folder, with ``/``.
    metadata : Metadata
        Its header.
    patterns : Patterns
        What the user said of names.

    Returns
    -------
    Decision
        A dark of flat length (``DARKFLAT``) is a dark. The exposure time is never a reason.

    Raises
    ------
    ConfigError
        If patterns of two types fit the name.
    """
    pattern = patterns.match(name)
    if pattern is not None:
        return Decision(reduced_as(pattern.type), f"your pattern {pattern.key} = {pattern.glob!r}", "pattern")
    card = metadata.frame_type
    if card and card.value != "unknown":
        return Decision(reduced_as(card.value), f"the card {card.rule}", "card")
    guess = type_of_name(name)
    if guess is not None:
        return Decision(guess, f"a guess from the file name ({card.rule})", "name")
    return Decision(None, f"its type is not known: {card.rule}, and the file name tells none", "none")


def _type_of_key(key: str) -> str:
    kind = key if key in frame_types() else normalize_type(key)
    if kind != "unknown":
        return kind
    known = [name for name in frame_types() if name != "unknown"]
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean '{nearest[0]}'?" if nearest else "for frames to be left alone use 'other'"
    raise ConfigError(f"frames.{key}: unknown type of frame, {hint} Known: {', '.join(known)}")
